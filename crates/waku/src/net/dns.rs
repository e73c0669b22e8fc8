//! Host names in multiaddrs, resolved by the operating system.
//!
//! libp2p's own DNS transport brings a resolver with cache and sockets for every swarm; with thousands of light clients
//! in one process that is the larger part of a client. The system resolver is shared, and knows `/etc/hosts` and
//! docker's names.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use libp2p::{
    Multiaddr,
    core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent},
    multiaddr::Protocol,
};

/// How many addresses of one name are tried before the dial counts as failed.
const MAX_ADDRESSES_TRIED: usize = 4;

/// Resolves the leading `/dns`, `/dns4` or `/dns6` of an address before `T` dials it.
#[derive(Debug)]
pub struct SystemDns<T> {
    inner: std::sync::Arc<std::sync::Mutex<T>>,
}

impl<T> SystemDns<T> {
    /// Puts name resolution in front of `inner`.
    pub fn new(inner: T) -> Self {
        Self {
            inner: std::sync::Arc::new(std::sync::Mutex::new(inner)),
        }
    }
}

/// Which addresses of a name may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

impl Family {
    fn admits(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }
}

/// The host name at the front of an address, if there is one.
fn leading_name(address: &Multiaddr) -> Option<(String, Family)> {
    match address.iter().next()? {
        Protocol::Dns(name) => Some((name.into_owned(), Family::Any)),
        Protocol::Dns4(name) => Some((name.into_owned(), Family::V4)),
        Protocol::Dns6(name) => Some((name.into_owned(), Family::V6)),
        _ => None,
    }
}

/// The same address with its first part replaced by `ip`.
fn with_ip(address: &Multiaddr, ip: IpAddr) -> Multiaddr {
    std::iter::once(Protocol::from(ip))
        .chain(address.iter().skip(1))
        .collect()
}

async fn resolve(address: &Multiaddr, name: String, family: Family) -> io::Result<Vec<Multiaddr>> {
    let found = tokio::net::lookup_host((name.as_str(), 0))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot resolve host name {name:?}: {error}")))?;
    let addresses: Vec<_> = found
        .map(|socket| socket.ip())
        .filter(|ip| family.admits(*ip))
        .take(MAX_ADDRESSES_TRIED)
        .map(|ip| with_ip(address, ip))
        .collect();
    if addresses.is_empty() {
        let kind = io::ErrorKind::NotFound;
        return Err(io::Error::new(
            kind,
            format!("host name {name:?} has no address of the kind {address} asks for"),
        ));
    }
    Ok(addresses)
}

impl<T> Transport for SystemDns<T>
where
    T: Transport + Send + Unpin + 'static,
    T::Error: Send + Sync,
    T::Dial: Send,
{
    type Output = T::Output;
    type Error = io::Error;
    type ListenerUpgrade = futures::future::MapErr<T::ListenerUpgrade, fn(T::Error) -> io::Error>;
    type Dial = BoxFuture<'static, io::Result<T::Output>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        lock(&self.inner)
            .listen_on(id, address)
            .map_err(|error| error.map(io::Error::other))
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        lock(&self.inner).remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, opts: DialOpts) -> Result<Self::Dial, TransportError<Self::Error>> {
        let Some((name, family)) = leading_name(&address) else {
            let dial = lock(&self.inner)
                .dial(address, opts)
                .map_err(|error| error.map(io::Error::other))?;
            return Ok(dial.map_err(io::Error::other).boxed());
        };
        let inner = self.inner.clone();
        Ok(async move {
            let mut last_error = None;
            for resolved in resolve(&address, name, family).await? {
                let dial = lock(&inner).dial(resolved, opts);
                match dial {
                    Ok(dial) => match dial.await {
                        Ok(output) => return Ok(output),
                        Err(error) => last_error = Some(io::Error::other(error)),
                    },
                    Err(TransportError::MultiaddrNotSupported(address)) => {
                        last_error = Some(io::Error::other(format!("no transport for {address}")));
                    }
                    Err(TransportError::Other(error)) => last_error = Some(io::Error::other(error)),
                }
            }
            Err(last_error.unwrap_or_else(|| io::Error::other("no address to dial")))
        }
        .boxed())
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        let mut inner = lock(&self.inner);
        Pin::new(&mut *inner).poll(cx).map(|event| {
            event
                .map_upgrade(|upgrade| upgrade.map_err(io::Error::other as fn(T::Error) -> io::Error))
                .map_err(io::Error::other)
        })
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_leading_name_is_resolved() {
        assert_eq!(
            leading_name(&address("/dns4/node.test/tcp/60000")),
            Some(("node.test".into(), Family::V4))
        );
        assert_eq!(leading_name(&address("/ip4/127.0.0.1/tcp/60000")), None);
    }

    #[test]
    fn the_rest_of_the_address_stays() {
        let resolved = with_ip(&address("/dns4/node.test/tcp/8000/ws"), IpAddr::from([10, 0, 0, 7]));
        assert_eq!(resolved, address("/ip4/10.0.0.7/tcp/8000/ws"));
    }

    #[tokio::test]
    async fn localhost_resolves_to_the_family_asked_for() {
        let asked = address("/dns4/localhost/tcp/1");
        let found = resolve(&asked, "localhost".into(), Family::V4).await.unwrap();
        assert_eq!(found[0], address("/ip4/127.0.0.1/tcp/1"));
    }

    #[tokio::test]
    async fn an_unknown_name_is_named_in_the_error() {
        let asked = address("/dns4/no-such-host.invalid/tcp/1");
        let error = resolve(&asked, "no-such-host.invalid".into(), Family::V4)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    }
}
