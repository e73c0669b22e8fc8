//! A TCP proxy that can stop forwarding while its sockets stay open, as a cable that is pulled out.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Proxy {
    pub address: SocketAddr,
    is_frozen: watch::Sender<bool>,
}

impl Proxy {
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_frozen, frozen) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target, frozen.clone()));
            }
        });
        Self { address, is_frozen }
    }

    /// No byte passes any more, and nobody is told.
    pub fn freeze(&self) {
        self.is_frozen.send_replace(true);
    }

    /// New connections pass again; frozen ones stay dead.
    pub fn thaw(&self) {
        self.is_frozen.send_replace(false);
    }
}

async fn forward(mut client: TcpStream, target: SocketAddr, mut frozen: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(target).await.unwrap();
    let is_over = tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => true,
        _ = frozen.wait_for(|is_frozen| *is_frozen) => false,
    };
    if !is_over {
        std::future::pending::<()>().await;
    }
}
