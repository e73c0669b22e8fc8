//! Takes connections, few at a time and none that only sits there.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep_until},
};

/// Open connections at once; further ones wait in the kernel's queue. A scraper and a few waiting processes need a
/// handful.
const MAX_CONNECTIONS: usize = 64;

/// A connection without a byte from the client for so long is closed, so that idle or slow ones cannot use up
/// [`MAX_CONNECTIONS`].
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A listener with at most [`MAX_CONNECTIONS`] open connections.
pub(crate) struct LimitedListener {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl LimitedListener {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let deadline = Box::pin(sleep_until(Instant::now() + READ_TIMEOUT));
        (
            LimitedStream {
                stream,
                deadline,
                _permit: permit,
            },
            address,
        )
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that counts against the limit and fails when nothing is read for [`READ_TIMEOUT`].
pub(crate) struct LimitedStream {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for LimitedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Pending => this
                .deadline
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::ErrorKind::TimedOut.into())),
            ready @ Poll::Ready(_) => {
                this.deadline.as_mut().reset(Instant::now() + READ_TIMEOUT);
                ready
            }
        }
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_ended_and_its_place_free_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let mut listener = LimitedListener::new(listener);
        let _silent = TcpStream::connect(address).await.expect("loopback");
        let (mut stream, _) = listener.accept().await;
        assert_eq!(listener.permits.available_permits(), MAX_CONNECTIONS - 1);
        let started = Instant::now();
        let error = stream.read_u8().await.expect_err("nothing is ever sent");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= READ_TIMEOUT);
        drop(stream);
        assert_eq!(listener.permits.available_permits(), MAX_CONNECTIONS);
    }
}
