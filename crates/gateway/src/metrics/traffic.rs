//! What passes the edge: calls by method and code, how long they take, and who is connected. Methods and codes are words of this
//! program's own tables, agencies those whose certificates were taken.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::AgencyId;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper ends of the classes of a call's duration, in seconds. A watch lasts as long as its connection.
const CLASSES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

type OfMethod = [(&'static str, &'static str); 1];
type OfCall = [(&'static str, &'static str); 2];
type OfAgency = [(&'static str, String); 1];
type OfRefusal = [(&'static str, String); 2];

/// The counts. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    requests: Family<OfCall, Counter>,
    durations: Family<OfMethod, Histogram, fn() -> Histogram>,
    connections: Family<OfAgency, Gauge>,
    calls: Family<OfAgency, Gauge>,
    refused: Family<OfRefusal, Counter>,
    panics: Counter,
}

impl Default for Counts {
    fn default() -> Self {
        let classes: fn() -> Histogram = || Histogram::new(CLASSES);
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(classes),
            connections: Family::default(),
            calls: Family::default(),
            refused: Family::default(),
            panics: Counter::default(),
        }
    }
}

impl Traffic {
    /// Shows the counts beside others.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Counts { requests, durations, connections, calls, refused, panics } = &*self.0;
        registry.register("causeway_requests", "Calls and files, by method and code", requests.clone());
        let help = "Time from a call's arrival to its end, by method";
        registry.register_with_unit("causeway_request_duration", help, Unit::Seconds, durations.clone());
        registry.register("causeway_open_connections", "Connections that are open, by agency", connections.clone());
        registry.register("causeway_open_calls", "Calls that are under way, by agency", calls.clone());
        registry.register("causeway_over_limit", "Calls and connections over an agency's limits", refused.clone());
        registry.register("causeway_handler_panics", "Calls that ended in a panic", panics.clone());
    }

    /// Counts a call that is over. Both words are of this program's tables.
    pub(crate) fn ended(&self, method: &'static str, code: &'static str, took: Duration) {
        let method = method.trim_start_matches('/');
        self.0.requests.get_or_create(&[("method", method), ("code", code)]).inc();
        self.0.durations.get_or_create(&[("method", method)]).observe(took.as_secs_f64());
    }

    /// Counts what was refused because its party had more than its limits allow; `reason` is of this program's tables.
    pub(crate) fn refused(&self, agency: &AgencyId, reason: &'static str) {
        self.0.refused.get_or_create(&[("agency", agency.to_string()), ("reason", reason.to_owned())]).inc();
    }

    /// Counts a call that ended in a panic.
    pub(crate) fn panicked(&self) {
        self.0.panics.inc();
    }

    /// Counts a connection for as long as what is given back lives.
    pub(crate) fn connection(&self, agency: &AgencyId) -> Open {
        Open::counted(&self.0.connections, agency)
    }

    /// Counts a call for as long as what is given back lives.
    pub(crate) fn call(&self, agency: &AgencyId) -> Open {
        Open::counted(&self.0.calls, agency)
    }
}

/// Something that is open, and counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Open {
    fn counted(family: &Family<OfAgency, Gauge>, agency: &AgencyId) -> Self {
        let gauge = family.get_or_create_owned(&[("agency", agency.to_string())]);
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
