//! What every agency and every system has under way, and what it has used up: held against its quotas wherever a connection is taken, a
//! request admitted, or bytes of one arrive. Nobody waits for another's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use causeway_exchange::{DailyLimits, Exchange, Receipt, Tallied};
use causeway_model::{AgencyId, SystemId, Timestamp};
use causeway_store::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::bucket::{Bucket, Rate};
use super::over::{Over, Quantity};
use crate::config::{Limits, Quota};
use crate::live::Live;
use crate::metrics::Traffic;

/// The part of a second's requests that is for what protects persons, as one in so many.
const KEPT: u64 = 10;

/// The longest time for which a connection is not read because too many of its party's calls were refused.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Seconds of a day (UTC).
const DAY_SECONDS: u64 = 86_400;

/// When a call may come again that found too many others under way.
const CALLS_RETRY: Duration = Duration::from_millis(500);

/// Seconds after which it is said again that a system is over its limit.
const SAY_SECONDS: u64 = 60;

/// Large pages that an agency may have made and not taken, each of a few MiB.
const PAGES: usize = 16;

/// How a request is held to the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// It tells of withdrawals or takes records back: the last of a second's requests are for it.
    pub(crate) protects: bool,
    /// Its bytes are held back rather than refused.
    pub(crate) streams: bool,
}

/// Everyone's accounts.
#[derive(Debug)]
pub(crate) struct Parties {
    limits: Arc<Live<Limits>>,
    exchange: Exchange,
    clock: Clock,
    traffic: Traffic,
    began: Instant,
    all: Arc<AtomicUsize>,
    agencies: Mutex<BTreeMap<AgencyId, Arc<Account>>>,
    systems: Mutex<BTreeMap<SystemId, Arc<Account>>>,
}

/// One agency's account, or one system's.
#[derive(Debug)]
pub(crate) struct Account {
    connections: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    pages: Arc<Semaphore>,
    records: Arc<Mutex<Day>>,
    flows: Mutex<Flows>,
    /// The second, since the gateway began, in which it was last said that something was refused; 0 where it never was.
    said: AtomicU64,
}

#[derive(Debug)]
struct Flows {
    requests: Bucket,
    refusals: Bucket,
    bytes: Bucket,
}

/// Records of one day (UTC), by its number since 1970-01-01.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    day: u64,
    records: u64,
}

/// Room for one record of today's, given back unless one was accepted.
#[derive(Debug)]
pub(crate) struct Room {
    taken: Vec<Arc<Mutex<Day>>>,
    day: u64,
}

/// Counted until it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

/// A connection's or a call's place among those of its system, its agency, and the gateway.
#[derive(Debug)]
pub(crate) struct Place {
    _counted: Vec<Counted>,
}

/// One system's accounts. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    parties: Arc<Parties>,
    id: Arc<SystemId>,
    agency: Arc<Account>,
    system: Arc<Account>,
}

impl Counted {
    /// One more, where there are fewer than `most`.
    fn one(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |now: usize| (now < most).then_some(now + 1);
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(count)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Day {
    /// One more, where there are fewer than `most` of the day.
    fn one(all: &Arc<Mutex<Self>>, day: u64, most: u64) -> bool {
        let mut own = all.lock().unwrap_or_else(PoisonError::into_inner);
        if own.day != day {
            *own = Self { day, records: 0 };
        }
        let is_within = own.records < most;
        own.records += u64::from(is_within);
        is_within
    }
}

impl Room {
    /// It is used where the record was accepted now; a submission that was accepted before takes none.
    pub(crate) fn taken_by(self, receipt: &Receipt) {
        if receipt.is_new {
            self.used();
        }
    }

    fn used(mut self) {
        self.taken.clear();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for taken in &self.taken {
            let mut own = taken.lock().unwrap_or_else(PoisonError::into_inner);
            if own.day == self.day {
                own.records = own.records.saturating_sub(1);
            }
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        let flows = Flows { requests: Bucket::full(), refusals: Bucket::full(), bytes: Bucket::full() };
        Self {
            connections: Arc::default(),
            calls: Arc::default(),
            pages: Arc::new(Semaphore::new(PAGES)),
            records: Arc::default(),
            flows: Mutex::new(flows),
            said: AtomicU64::new(0),
        }
    }
}

impl Account {
    fn flows(&self) -> MutexGuard<'_, Flows> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, quota: Quota, manner: Manner, now: Duration) -> Result<(), Over> {
        let mut flows = self.flows();
        let over = |quantity: Quantity| move |retry: Duration| Over { quantity, retry };
        let debt = flows.bytes.debt(Rate::a_second(quota.bytes_per_second), now);
        if !manner.streams && debt > Duration::ZERO {
            return Err(over(Quantity::Bytes)(debt));
        }
        let rate = Rate::a_second(quota.requests_per_second);
        let kept = if manner.protects { 0 } else { rate.most / KEPT };
        flows.requests.take(rate, kept, now).map_err(over(Quantity::Requests))
    }

    /// Whether it is time to say again that something was refused.
    fn says(&self, now: Duration) -> bool {
        let (now, last) = (now.as_secs() + 1, self.said.load(Ordering::Relaxed));
        let is_due = last == 0 || now - last.min(now) >= SAY_SECONDS;
        is_due && self.said.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Parties {
    pub(crate) fn new(limits: Arc<Live<Limits>>, exchange: Exchange, clock: Clock, traffic: Traffic) -> Arc<Self> {
        Arc::new(Self {
            limits,
            exchange,
            clock,
            traffic,
            began: Instant::now(),
            all: Arc::default(),
            agencies: Mutex::default(),
            systems: Mutex::default(),
        })
    }

    /// The accounts of an authenticated system; there are never more of them than systems that have been in force.
    pub(crate) fn of(self: &Arc<Self>, id: &SystemId) -> Party {
        let mut agencies = self.agencies.lock().unwrap_or_else(PoisonError::into_inner);
        let agency = Arc::clone(agencies.entry(id.agency.clone()).or_default());
        let mut systems = self.systems.lock().unwrap_or_else(PoisonError::into_inner);
        let system = Arc::clone(systems.entry(id.clone()).or_default());
        Party { parties: Arc::clone(self), id: Arc::new(id.clone()), agency, system }
    }

    /// Takes over from the journal how many records of each agency were accepted today before this start. Which of its systems they came
    /// from the journal's state does not tell: a system's own count begins anew.
    pub(crate) async fn read_journal(&self) {
        let today = self.clock.now().day();
        match self.exchange.accepted_today().await {
            Ok(counts) => {
                let mut agencies = self.agencies.lock().unwrap_or_else(PoisonError::into_inner);
                for (agency, records) in counts {
                    let account = agencies.entry(agency).or_default();
                    *account.records.lock().unwrap_or_else(PoisonError::into_inner) = Day { day: today, records };
                }
            }
            Err(error) => tracing::warn!(reason = error.reason, "today's records could not be counted: counted anew"),
        }
    }

    /// The time since the gateway began.
    pub(crate) fn passed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Party {
    /// A place for one connection more.
    ///
    /// # Errors
    /// That its system, its agency or the gateway has as many as it may.
    pub(crate) fn connect(&self) -> Result<Place, Quantity> {
        let (agency, system, limits) = self.quotas();
        let places = [
            Counted::one(&self.system.connections, system.connections),
            Counted::one(&self.agency.connections, agency.connections),
            Counted::one(&self.parties.all, limits.connections),
        ];
        let place = places.into_iter().collect::<Option<Vec<_>>>().map(|counted| Place { _counted: counted });
        place.ok_or_else(|| {
            self.refuse(Quantity::Connections);
            Quantity::Connections
        })
    }

    /// A place for one request more.
    ///
    /// # Errors
    /// Of what there is too much, and when to come again.
    pub(crate) fn request(&self, manner: Manner) -> Result<Place, Over> {
        let (agency, system, _) = self.quotas();
        let now = self.parties.passed();
        let within = || {
            self.system.request(system, manner, now)?;
            self.agency.request(agency, manner, now)?;
            let places =
                [Counted::one(&self.system.calls, system.calls), Counted::one(&self.agency.calls, agency.calls)];
            let place = places.into_iter().collect::<Option<Vec<_>>>().map(|counted| Place { _counted: counted });
            place.ok_or(Over { quantity: Quantity::Calls, retry: CALLS_RETRY })
        };
        within().inspect_err(|over| self.refuse(over.quantity))
    }

    /// One call was refused: how long the party's connection is not read, so that who goes on all the same costs no more than twice
    /// what it may.
    pub(crate) fn pause(&self) -> Duration {
        let (agency, system, _) = self.quotas();
        let now = self.parties.passed();
        let charge = |account: &Account, quota: Quota| {
            account.flows().refusals.charge(1, Rate::a_second(quota.requests_per_second), now)
        };
        charge(&self.system, system).max(charge(&self.agency, agency)).min(LONGEST_PAUSE)
    }

    /// Bytes of a request have arrived: how long the next of a stream may wait.
    pub(crate) fn bytes(&self, count: usize) -> Duration {
        let (agency, system, _) = self.quotas();
        let now = self.parties.passed();
        let charge = |account: &Account, quota: Quota| {
            account.flows().bytes.charge(count as u64, Rate::a_second(quota.bytes_per_second), now)
        };
        charge(&self.system, system).max(charge(&self.agency, agency))
    }

    /// Room for one record more of today's.
    ///
    /// # Errors
    /// That the day's are used up, and when the next begins.
    pub(crate) fn record(&self) -> Result<Room, Over> {
        let (agency, system, _) = self.quotas();
        let now = self.parties.clock.now();
        let mut room = Room { taken: Vec::with_capacity(2), day: now.day() };
        let (by_agency, by_system) = self.parties.exchange.accepted_by_all(&self.id).unwrap_or_default();
        let most =
            [(&self.system, system.records_per_day, by_system), (&self.agency, agency.records_per_day, by_agency)];
        for (account, most, accepted) in most {
            if accepted >= most || !Day::one(&account.records, room.day, most) {
                self.refuse(Quantity::Records);
                return Err(Over { quantity: Quantity::Records, retry: until_midnight(now) });
            }
            room.taken.push(Arc::clone(&account.records));
        }
        Ok(room)
    }

    /// How many records the day may have.
    pub(crate) fn daily_limits(&self) -> DailyLimits {
        let (agency, system, _) = self.quotas();
        DailyLimits { of_agency: agency.records_per_day, of_system: system.records_per_day }
    }

    /// Leave to make a page that may be large.
    ///
    /// # Errors
    /// That those made before are still waiting to be taken.
    pub(crate) async fn page(&self) -> Result<OwnedSemaphorePermit, Over> {
        let limits = self.parties.limits.now();
        let wanted = tokio::time::timeout(limits.body, Arc::clone(&self.agency.pages).acquire_owned());
        match wanted.await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                self.refuse(Quantity::Pages);
                Err(Over { quantity: Quantity::Pages, retry: limits.body })
            }
        }
    }

    /// The limits of this moment.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.parties.limits.now()
    }

    /// The time since the gateway began.
    pub(crate) fn passed(&self) -> Duration {
        self.parties.passed()
    }

    /// Sums up what this party can cause at will.
    pub(crate) fn tally(&self, what: Tallied) {
        self.parties.exchange.tally("", Some(&self.id), what, 1);
    }

    /// A task of a call of this party's panicked.
    pub(crate) fn panicked(&self) {
        self.parties.traffic.panicked();
    }

    fn refuse(&self, quantity: Quantity) {
        self.parties.traffic.refused(&self.id.agency, quantity.reason());
        self.tally(Tallied::OverLimit);
        if self.system.says(self.parties.passed()) {
            let (system, reason) = (&self.id, quantity.reason());
            tracing::warn!(%system, reason, "over its limit: refused for now, and summed up");
        }
    }

    fn quotas(&self) -> (Quota, Quota, Arc<Limits>) {
        let limits = self.parties.limits.now();
        (limits.quotas.of_agency(&self.id.agency), limits.quotas.of_system(&self.id), limits)
    }
}

fn until_midnight(now: Timestamp) -> Duration {
    let next = now.date().start().plus_seconds(DAY_SECONDS);
    Duration::from_micros(next.0.saturating_sub(now.0))
}

#[cfg(test)]
mod tests;
