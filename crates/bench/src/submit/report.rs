//! What came of submitting, beside what the same run's echo, disk and libraries allow.

use std::time::Duration;

use causeway_rig::Failed;

use super::{Arguments, Mode, Submitted};
use crate::check::{Aim, Check};
use crate::limits::Bill;
use crate::records::DESIGN_BYTES;
use crate::round::{Round, Rounds};
use crate::sample::median;

/// Records a second that a stream is to bring, of the design's size.
const STREAMED_RECORDS_PER_SECOND: f64 = 50_000.0;
/// The part of the bill that it is to reach.
const STREAMED_OF_BILL: f64 = 0.5;
/// The part of the smaller of echo and disk that callers are to reach together, and how many of them.
const UNARY_OF_LIMIT: f64 = 0.6;
const UNARY_CALLERS: usize = 64;
/// What one of them may wait at p99: so many syncs, and so many milliseconds beside.
const UNARY_SYNCS: f64 = 3.0;
const UNARY_MILLIS: f64 = 5.0;
/// What a caller alone may wait in the middle, in milliseconds beside one sync.
const ALONE_MILLIS: f64 = 1.0;

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    name: String,
    arguments: Arguments,
    cores: usize,
    /// Of JSON, on average.
    record_bytes: f64,
    gateway: Rounds,
    echo: Rounds,
    syncs: Vec<f64>,
    written: u64,
    after: f64,
    /// Of the records' parts together, microseconds.
    pub(super) parts: f64,
    /// Of the gateway, in bytes: at the end, and the most.
    pub(super) memory: (u64, u64),
}

impl Report {
    pub(super) fn of(arguments: &Arguments, record_bytes: f64) -> Result<Self, Failed> {
        Ok(Self {
            name: arguments.name(),
            arguments: arguments.clone(),
            cores: std::thread::available_parallelism()?.get(),
            record_bytes,
            gateway: Rounds::default(),
            echo: Rounds::default(),
            syncs: Vec::new(),
            written: 0,
            after: 0.0,
            parts: 0.0,
            memory: (0, 0),
        })
    }

    /// Adds a round of each.
    pub(super) fn add(&mut self, echo: Round, submitted: Submitted) {
        self.echo.0.push(echo);
        self.gateway.0.push(submitted.round);
        self.syncs.push(submitted.fdatasync.as_secs_f64() * 1e3);
        self.written += submitted.written;
        self.after += submitted.after;
    }

    pub(super) fn checks(&self) -> Result<Vec<Check>, Failed> {
        let mut checks = match self.arguments.mode {
            Mode::Stream => self.streamed()?,
            Mode::Unary => self.unary()?,
        };
        checks.extend(self.costs());
        Ok(checks)
    }

    fn streamed(&self) -> Result<Vec<Check>, Failed> {
        let (client, server) = self.echo.micros();
        let bill = Bill { cores: self.cores, parts: self.parts, wire: client + server }.streamed();
        let (rate, ratio) = (self.gateway.rate(), self.gateway.rate() / bill);
        let at_least = |aim| self.is_designed().then_some(Aim::AtLeast(aim));
        let mut checks = vec![
            Check { aim: at_least(STREAMED_RECORDS_PER_SECOND), ..self.shown("records/s", rate, "records/s") },
            self.shown("the limit, which is the bill", bill, "records/s"),
            Check { aim: at_least(STREAMED_OF_BILL), ..self.shown("ratio to the limit", ratio, "ratio") },
            self.shown("bare echo both ways", self.echo.rate(), "messages/s"),
            self.shown("processor time of the bare echo, both sides, each", client + server, "us"),
            self.shown("processor time of a record's parts", self.parts, "us"),
        ];
        checks.extend(self.gateway.latency()?.checks(&format!("{}:", self.name)));
        Ok(checks)
    }

    fn unary(&self) -> Result<Vec<Check>, Failed> {
        let in_flight = self.arguments.in_flight;
        let limit = |(echo, sync): (&Round, &f64)| limit(echo, in_flight, *sync);
        let limits: Vec<f64> = self.echo.0.iter().zip(&self.syncs).map(limit).collect();
        let ratios = self.gateway.0.iter().zip(&limits).map(|(round, limit)| round.rate() / limit);
        let ratio = median(&ratios.collect::<Vec<_>>());
        let (raw, corrected, sync) = (self.gateway.latency()?, self.gateway.corrected()?, median(&self.syncs));
        let of = |callers, aim| (in_flight == callers && self.is_designed()).then_some(aim);
        let patience = of(UNARY_CALLERS, Aim::AtMost(sync * UNARY_SYNCS + UNARY_MILLIS));
        Ok(vec![
            self.shown("records/s", self.gateway.rate(), "records/s"),
            self.shown("the limit, the smaller of echo and disk", median(&limits), "records/s"),
            Check {
                aim: of(UNARY_CALLERS, Aim::AtLeast(UNARY_OF_LIMIT)),
                ..self.shown("ratio to the limit", ratio, "ratio")
            },
            self.shown("bare echo", self.echo.rate(), "calls/s"),
            Check { aim: of(1, Aim::AtMost(sync + ALONE_MILLIS)), ..self.shown("p50", raw.millis(500), "ms") },
            Check { aim: patience, ..self.shown("p99", raw.millis(990), "ms") },
            self.shown("p99.9", raw.millis(999), "ms"),
            self.shown("p50, corrected for calls that were held up", corrected.millis(500), "ms"),
            Check { aim: patience, ..self.shown("p99, corrected", corrected.millis(990), "ms") },
            self.shown("p99.9, corrected", corrected.millis(999), "ms"),
        ])
    }

    /// What it took of processors, disk and memory.
    fn costs(&self) -> Vec<Check> {
        let records: usize = self.gateway.0.iter().map(|round| round.calls).sum();
        let each = |all: f64| all / records.max(1) as f64;
        let (client, server) = self.gateway.micros();
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        vec![
            self.shown("processor time of the gateway, each", server, "us"),
            self.shown("processor time of the gateway behind the receipts, each", each(self.after * 1e6), "us"),
            self.shown("processor time of the client, each", client, "us"),
            self.shown("a record's JSON", self.record_bytes, "bytes"),
            self.shown("bytes written, each", each(self.written as f64), "bytes"),
            self.shown("memory of the gateway at the end", mebibytes(self.memory.0), "MiB"),
            self.shown("memory of the gateway, the most", mebibytes(self.memory.1), "MiB"),
            self.shown("fdatasync in the middle", median(&self.syncs), "ms"),
        ]
    }

    fn shown(&self, what: &str, value: f64, unit: &'static str) -> Check {
        Check::shown(format!("{}: {what}", self.name), value, unit)
    }

    /// Aims are for the design's records over one connection.
    fn is_designed(&self) -> bool {
        self.arguments.size == DESIGN_BYTES && self.arguments.systems == 1
    }
}

/// Calls a second that the echo of a round and the disk before it allow.
fn limit(echo: &Round, in_flight: usize, sync_millis: f64) -> f64 {
    Bill::unary(echo.rate(), in_flight, Duration::from_secs_f64(sync_millis / 1e3))
}
