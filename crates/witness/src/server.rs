//! A witness that has been found in order: its socket, and the loop that accepts connections, so many of them at a time.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_journal::VerifierKey;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{Config, Limits};
use crate::connection::Server;
use crate::error::Error;
use crate::identity::Identity;
use crate::memory::Memory;
use crate::service::Service;
use crate::tls;

/// Pause after an accept that failed for want of descriptors or memory, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A clock that is this much behind the newest cosignature is said to be wrong: cosignatures do not go back.
const BEHIND_SECONDS: u64 = 60;

/// Where a witness has the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The clock that `seconds` shows: seconds since 1970.
    pub fn new(seconds: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(seconds))
    }

    pub(crate) fn seconds(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock(..)")
    }
}

/// A witness that is ready to serve.
#[derive(Debug)]
pub struct Witness {
    listener: TcpListener,
    address: SocketAddr,
    server: Server,
    stop: watch::Sender<bool>,
}

impl Witness {
    /// Checks that everything fits together and that what is held of each log verifies. The state folder has been made by
    /// [`crate::begin`] once. The listener may be on any port.
    ///
    /// # Errors
    /// `Faults` with all of them; nothing has been served then. Among them: without TLS, a listener that is not on the
    /// loopback; a state folder that another witness runs in, or that has lost what it held.
    pub fn start(config: &Config, clock: Clock, listener: TcpListener) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(Error::Listen)?;
        let mut faults = Vec::new();
        if config.tls.is_none() && !address.ip().is_loopback() {
            faults.push(format!("{address} is not on this machine's loopback, and there is no [tls]"));
        }
        let tls = config.tls.as_ref().map(tls::server_config).transpose().map_err(|found| faults.extend(found));
        let identity = Identity::load(config).map_err(|fault| faults.push(fault));
        let memory = identity.and_then(|identity| Memory::open(config, identity).map_err(|found| faults.extend(found)));
        let (Ok(tls), Ok(memory), true) = (tls, memory, faults.is_empty()) else {
            return Err(Error::Faults(faults));
        };
        if memory.newest_time() > clock.seconds().saturating_add(BEHIND_SECONDS) {
            let newest = memory.newest_time();
            tracing::warn!(
                newest,
                "the clock is behind the newest cosignature, whose time is stated until it has caught up"
            );
        }
        let limits = config.limits.clone();
        let (stop, stopping) = watch::channel(false);
        let service = Arc::new(Service::new(memory, clock, &limits));
        Ok(Self { listener, address, server: Server { service, tls, limits, stopping }, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key by which others verify its cosignatures.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.server.service.memory().identity().verifier_key()
    }

    /// How many logs it watches.
    pub fn logs(&self) -> usize {
        self.server.service.memory().logs()
    }

    /// Serves until `shutdown` is done, and then what is under way for as long as the limit says.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, server, stop, .. } = self;
        let mut connections = JoinSet::new();
        tokio::select! {
            () = accept(&listener, &server, &mut connections) => {}
            () = shutdown => {}
        }
        drop(listener);
        stop.send_replace(true);
        let ended = timeout(server.limits.shutdown, async { while connections.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!(connections = connections.len(), "some connections did not end in time and are cut");
        }
        connections.shutdown().await;
    }
}

/// Accepts for ever.
async fn accept(listener: &TcpListener, server: &Server, connections: &mut JoinSet<()>) {
    let places = Places::of(&server.limits);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // What has ended is forgotten; without any this waits for nothing.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = places.take(peer.ip()) else {
                    tracing::debug!("a connection over the limit was closed");
                    continue;
                };
                let serving = server.clone().serve(stream);
                connections.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// How many connections there are, and of whom.
#[derive(Debug, Clone)]
struct Places {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// In all.
    most: usize,
    /// Of one address; a reverse proxy on the loopback speaks for many.
    most_of_one: usize,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
struct Place(Places, IpAddr);

impl Places {
    fn of(limits: &Limits) -> Self {
        let most_of_one = limits.connections.div_ceil(4);
        Self { taken: Arc::default(), most: limits.connections, most_of_one }
    }

    fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.get(&address).copied().unwrap_or(0);
        let is_over =
            taken.values().sum::<usize>() >= self.most || (!address.is_loopback() && of_one >= self.most_of_one);
        if is_over {
            return None;
        }
        taken.insert(address, of_one + 1);
        Some(Place(self.clone(), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.1) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_takes_a_quarter_of_the_places_and_the_loopback_all() {
        let places = || Places { taken: Arc::default(), most: 8, most_of_one: 2 };
        let (far, near) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([127, 0, 0, 1]));
        let of_far = places();
        let held: Vec<Place> = std::iter::from_fn(|| of_far.take(far)).collect();
        assert_eq!(held.len(), 2);
        assert!(of_far.take(near).is_some());
        drop(held);
        assert!(of_far.take(far).is_some(), "given back");
        let of_near = places();
        assert_eq!(std::iter::from_fn(|| of_near.take(near)).map(std::mem::forget).count(), 8);
        assert!(of_near.take(far).is_none());
    }
}
