//! Places for connections that have not proved who they are. They are few and apart from those of authenticated systems; where one
//! is wanted and none is left, whoever waits longest from the address that holds the most has to go. So whoever only opens connections
//! pushes out its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// The places. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handshakes(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    places: BTreeMap<u64, (Source, oneshot::Sender<()>)>,
    /// The places of each source, oldest first.
    sources: HashMap<Source, BTreeSet<u64>>,
}

/// Whoever can choose among addresses is one source: with IPv6 that is at least a network of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Source(IpAddr);

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(IpAddr::from([a, b, c, d, 0, 0, 0, 0]))
            }
        }
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: Handshakes,
    number: u64,
    lost: oneshot::Receiver<()>,
}

impl Handshakes {
    /// A place for a connection from this address, of which at most `of_one` and of all at most `most` are taken. Gives the address
    /// that has lost one for it, where one has.
    pub(crate) fn enter(&self, address: IpAddr, of_one: usize, most: usize) -> (Place, Option<IpAddr>) {
        let source = Source::of(address);
        let mut taken = self.taken();
        let own = taken.sources.get(&source).map_or(0, BTreeSet::len);
        let from = if own >= of_one {
            Some(source)
        } else if taken.places.len() >= most {
            taken.sources.iter().max_by_key(|(source, places)| (places.len(), **source)).map(|(source, _)| *source)
        } else {
            None
        };
        let oldest = from.and_then(|from| taken.sources.get(&from)?.first().copied());
        let lost = oldest.and_then(|number| taken.leave(number)).map(|Source(address)| address);
        let number = taken.next;
        taken.next += 1;
        let (keeper, dropped) = oneshot::channel();
        taken.places.insert(number, (source, keeper));
        taken.sources.entry(source).or_default().insert(number);
        (Place { all: self.clone(), number, lost: dropped }, lost)
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Frees a place; whoever holds it hears of it.
    fn leave(&mut self, number: u64) -> Option<Source> {
        let (source, _) = self.places.remove(&number)?;
        if let Some(places) = self.sources.get_mut(&source) {
            places.remove(&number);
            if places.is_empty() {
                self.sources.remove(&source);
            }
        }
        Some(source)
    }
}

impl Place {
    /// Returns once the place has gone to another.
    pub(crate) async fn lost(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.taken().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn is_lost(place: &mut Place) -> bool {
        place.lost.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn whoever_opens_the_most_loses_its_oldest() {
        let all = Handshakes::default();
        let (mut honest, _) = all.enter(address(1), 4, 6);
        let mut flood: Vec<Place> = (0..5).map(|_| all.enter(address(2), 5, 6).0).collect();
        assert!(!is_lost(&mut flood[0]), "there was room");
        let (newest, lost) = all.enter(address(3), 4, 6);
        assert_eq!(lost, Some(address(2)));
        assert!(is_lost(&mut flood[0]) && !is_lost(&mut flood[1]) && !is_lost(&mut honest));
        drop(newest);
        assert_eq!(all.enter(address(4), 4, 6).1, None, "a place that was given up is free");
    }

    #[test]
    fn a_source_has_no_more_than_its_own_and_a_network_of_ipv6_is_one() {
        let all = Handshakes::default();
        let of = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, last, 0, 0, last]);
        let mut places: Vec<Place> = (0..3).map(|last| all.enter(of(last), 3, 100).0).collect();
        let (_fourth, lost) = all.enter(of(9), 3, 100);
        assert_eq!(lost, Some(of(0)));
        assert!(is_lost(&mut places[0]) && !is_lost(&mut places[1]));
        drop(places);
        drop(_fourth);
        assert!(all.taken().places.is_empty() && all.taken().sources.is_empty());
    }
}
