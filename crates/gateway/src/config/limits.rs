//! The limits of the settings: of the gateway as a whole, of each agency and each system, and of those that are named.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use causeway_agreement::section::Section;
use causeway_model::{AgencyId, SystemId};

use super::read::number;

const KIB: i64 = 1024;
const MIB: i64 = 1024 * KIB;

/// What one agency, or one system, may have.
const AGENCY: Quota = Quota {
    connections: 256,
    calls: 1024,
    requests_per_second: 10_000,
    bytes_per_second: 128 << 20,
    records_per_day: 2_000_000,
};
const SYSTEM: Quota = Quota { connections: 128, calls: 512, ..AGENCY };

/// Limits, each within its sensible range.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request message, in bytes: the hard cap of decoding, beyond which a call ends. What is over a record's own
    /// limit (`causeway_schema::MAX_DOCUMENT_BYTES`) and within this one is refused as a record, and a stream goes on.
    ///
    /// It bounds memory: a call holds one message that is being read, so a connection at most `streams` of them and what its
    /// window lets be on its way, 128 x 1 MiB + 4 MiB at the defaults. A `SubmitStream` holds besides what is under way:
    /// at most 4 MiB and one message, however many submissions that is. Only an authenticated system can make it so.
    pub message_bytes: usize,
    /// Largest set of request headers, in bytes.
    pub header_bytes: u32,
    /// Connections of authenticated systems at a time.
    pub connections: usize,
    /// Connections at a time whose handshake is not over.
    pub handshakes: usize,
    /// Those of them from one address.
    pub handshakes_per_address: usize,
    /// Calls at a time on one connection.
    pub streams: u32,
    /// Submissions under way on one stream.
    pub stream_window: usize,
    /// Entries that may wait for the journal.
    pub queue_depth: usize,
    /// The longest handshake.
    pub handshake: Duration,
    /// The longest time in which nothing more of a request comes.
    pub body: Duration,
    /// The longest time in which a peer takes nothing of an answer that is there.
    pub unread: Duration,
    /// Time without traffic before a probe.
    pub keepalive: Duration,
    /// Time between empty pages of a watch.
    pub heartbeat: Duration,
    /// Time to finish what is in flight.
    pub shutdown: Duration,
    /// What each agency and each system may have.
    pub quotas: Quotas,
}

/// What one agency or one system may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Connections at a time.
    pub connections: usize,
    /// Calls at a time, streams among them.
    pub calls: usize,
    /// Requests a second; as many may come at once after a second without any.
    pub requests_per_second: u64,
    /// Bytes of requests a second, as they arrive.
    pub bytes_per_second: u64,
    /// Records accepted in a day (UTC).
    pub records_per_day: u64,
}

/// The quotas of all.
#[derive(Debug, Clone)]
pub struct Quotas {
    /// Of an agency that is not named.
    pub agency: Quota,
    /// Of a system that is not named.
    pub system: Quota,
    /// Of these agencies.
    pub agencies: BTreeMap<AgencyId, Quota>,
    /// Of these systems.
    pub systems: BTreeMap<SystemId, Quota>,
}

impl Quotas {
    /// What all systems of an agency may have together.
    pub fn of_agency(&self, agency: &AgencyId) -> Quota {
        self.agencies.get(agency).copied().unwrap_or(self.agency)
    }

    /// What a system may have.
    pub fn of_system(&self, system: &SystemId) -> Quota {
        self.systems.get(system).copied().unwrap_or(self.system)
    }
}

pub(super) fn limits(section: &mut Section<'_>) -> Option<Limits> {
    let quotas = quotas(section);
    // At least a record of the largest size with its envelope.
    let message_bytes = number(section, "message_bytes", 140 * KIB..=4 * MIB, MIB);
    let header_bytes = number(section, "header_bytes", 4 * KIB..=64 * KIB, 16 * KIB);
    let connections = number(section, "connections", 1..=65_536, 1024);
    let handshakes = number(section, "handshakes", 1..=65_536, 512);
    let handshakes_per_address = number(section, "handshakes_per_address", 1..=65_536, 128);
    let streams = number(section, "streams", 1..=4096, 128);
    let stream_window = number(section, "stream_window", 1..=4096, 256);
    let queue_depth = number(section, "queue_depth", 1..=65_536, 1024);
    let mut seconds = |key, most, default| number(section, key, 1..=most, default).map(Duration::from_secs);
    let handshake = seconds("handshake_seconds", 60, 5);
    let body = seconds("body_seconds", 600, 10);
    let unread = seconds("unread_seconds", 3600, 60);
    let keepalive = seconds("keepalive_seconds", 3600, 30);
    let heartbeat = seconds("heartbeat_seconds", 3600, 15);
    let shutdown = seconds("shutdown_seconds", 3600, 20);
    Some(Limits {
        message_bytes: message_bytes?,
        header_bytes: header_bytes?,
        connections: connections?,
        handshakes: handshakes?,
        handshakes_per_address: handshakes_per_address?,
        streams: streams?,
        stream_window: stream_window?,
        queue_depth: queue_depth?,
        handshake: handshake?,
        body: body?,
        unread: unread?,
        keepalive: keepalive?,
        heartbeat: heartbeat?,
        shutdown: shutdown?,
        quotas: quotas?,
    })
}

fn quotas(section: &mut Section<'_>) -> Option<Quotas> {
    let agency = section.child_or_empty("per_agency", |own| quota(own, AGENCY));
    let system = section.child_or_empty("per_system", |own| quota(own, SYSTEM));
    let (of_agency, of_system) = (agency.unwrap_or(AGENCY), system.unwrap_or(SYSTEM));
    let agencies = section.child_or_empty("agencies", |all| Some(named(all, of_agency)));
    let systems = section.child_or_empty("systems", |all| Some(named(all, of_system)));
    Some(Quotas { agency: agency?, system: system?, agencies: agencies?, systems: systems? })
}

/// The tables of those that are named. What one does not state is as for all.
fn named<T: FromStr<Err: Display> + Ord>(section: &mut Section<'_>, for_all: Quota) -> BTreeMap<T, Quota> {
    let read = |name: &str, own: &mut Section<'_>| {
        let quota = quota(own, for_all);
        name.parse::<T>().map_err(|error| format!("is a {error}")).map(|name| quota.map(|quota| (name, quota)))
    };
    section.each(read).into_iter().flatten().collect()
}

fn quota(section: &mut Section<'_>, default: Quota) -> Option<Quota> {
    let mut most = |key, most, default: u64| number(section, key, 1..=most, i64::try_from(default).unwrap_or(i64::MAX));
    let connections = most("connections", 65_536, default.connections as u64);
    let calls = most("calls", 1 << 20, default.calls as u64);
    let requests_per_second = most("requests_per_second", 1_000_000, default.requests_per_second);
    let bytes_per_second = most("bytes_per_second", 1 << 40, default.bytes_per_second);
    let records_per_day = most("records_per_day", 1 << 40, default.records_per_day);
    Some(Quota {
        connections: usize::try_from(connections?).ok()?,
        calls: usize::try_from(calls?).ok()?,
        requests_per_second: requests_per_second?,
        bytes_per_second: bytes_per_second?,
        records_per_day: records_per_day?,
    })
}

#[cfg(test)]
mod tests {
    use causeway_agreement::section;

    use super::*;

    fn read(text: &str) -> Result<Limits, Vec<String>> {
        let read = section::read(text, limits);
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn who_is_named_has_its_own_and_else_what_all_have() {
        let text = "[per_agency]\nrequests_per_second = 7\n[agencies.al-police]\nrecords_per_day = 3\n\
                    [systems.\"gb-nca/audit\"]\ncalls = 2\n";
        let quotas = read(text).expect("valid").quotas;
        let of_agency = |id: &str| quotas.of_agency(&id.parse().expect("an agency"));
        assert_eq!(of_agency("gb-nca"), Quota { requests_per_second: 7, ..AGENCY });
        assert_eq!(of_agency("al-police"), Quota { requests_per_second: 7, records_per_day: 3, ..AGENCY });
        let of_system = |id: &str| quotas.of_system(&id.parse().expect("a system"));
        assert_eq!(of_system("gb-nca/audit"), Quota { calls: 2, ..SYSTEM });
        assert_eq!(of_system("gb-nca/case-management"), SYSTEM);
    }

    #[test]
    fn faults_are_named_by_their_place() {
        let text = "[per_system]\ncalls = 0\n[agencies]\nal-police = 1\n[agencies.NCA]\ncalls = 1\n\
                    [agencies.gb-nca]\nsurprise = 1\n";
        let faults = read(text).expect_err("faults");
        for place in ["per_system.calls", "agencies.al-police", "agencies.NCA", "agencies.gb-nca.surprise"] {
            assert!(faults.iter().any(|fault| fault.contains(place)), "{place}: {faults:?}");
        }
        assert_eq!(faults.len(), 4, "{faults:?}");
    }
}
