//! Who is at the other end of a connection, and whether that still holds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_crypto::{Digest, sha256};
use causeway_model::{SystemId, Timestamp};
use causeway_store::Clock;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::tls::chain::{self, Chain};
use crate::trust::{Authority, Refused};

/// The authenticated system at the other end of a connection. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Peer(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    system: SystemId,
    certificate_digest: Digest,
    address: SocketAddr,
    chain: Vec<CertificateDer<'static>>,
    expires: UnixTime,
    /// The second in which the chain was last checked as a whole, and the authority's renewals until then.
    checked: AtomicU64,
    renewals: AtomicU64,
}

impl Peer {
    /// The peer that presented `chain`, its own certificate first.
    pub(crate) fn admit(
        authority: &Authority,
        chain: Vec<CertificateDer<'static>>,
        address: SocketAddr,
        now: UnixTime,
    ) -> Result<Self, Refused> {
        let (end_entity, intermediates) = chain.split_first().ok_or(Refused::Identity)?;
        let renewals = AtomicU64::new(authority.renewals());
        let system = authority.client(Chain { end_entity, intermediates }, now)?;
        let expires = chain::expiry(end_entity).map_err(|_| Refused::Chain)?;
        authority.saw(&system, expires);
        let certificate_digest = sha256(&[end_entity.as_ref()]);
        let checked = AtomicU64::new(now.as_secs());
        Ok(Self(Arc::new(Connection { system, certificate_digest, address, chain, expires, checked, renewals })))
    }

    pub(crate) fn system(&self) -> &SystemId {
        &self.0.system
    }

    pub(crate) fn certificate_digest(&self) -> Digest {
        self.0.certificate_digest
    }

    /// Its address without the port, which is what a commitment or a tally names.
    pub(crate) fn source(&self) -> String {
        self.0.address.ip().to_string()
    }

    /// Whether the certificate still speaks for the same system. Its own end is looked at on every call; its chain, and
    /// whether agency and system are still in force, once in a second and after each change of the agencies, since that takes
    /// signature checks.
    pub(crate) fn still_holds(&self, authority: &Authority, now: UnixTime) -> Result<(), Refused> {
        let connection = &*self.0;
        if now > connection.expires {
            return Err(Refused::Time);
        }
        // Before the look itself: what changes meanwhile is looked at again.
        let renewals = authority.renewals();
        let is_fresh = connection.checked.load(Ordering::Relaxed) == now.as_secs();
        if is_fresh && connection.renewals.load(Ordering::Relaxed) == renewals {
            return Ok(());
        }
        let (end_entity, intermediates) = connection.chain.split_first().ok_or(Refused::Identity)?;
        let system = authority.client(Chain { end_entity, intermediates }, now)?;
        if system != connection.system {
            return Err(Refused::Identity);
        }
        connection.checked.store(now.as_secs(), Ordering::Relaxed);
        connection.renewals.store(renewals, Ordering::Relaxed);
        Ok(())
    }
}

/// The clock's time as certificates count it.
pub(crate) fn unix_time(clock: &Clock) -> UnixTime {
    let Timestamp(micros) = clock.now();
    UnixTime::since_unix_epoch(Duration::from_micros(micros))
}
