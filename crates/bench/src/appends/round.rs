//! One round of appends, so many in flight, with the moment at which each was answered.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use causeway_rig::Failed;
use causeway_store::{Appending, Draft, Journal};

use crate::latency::Latency;
use crate::waiting::wait_for;
use crate::{journals, processor};

/// What one round came to.
#[derive(Debug)]
pub(super) struct Round {
    /// Durable appends a second.
    pub(super) rate: f64,
    pub(super) latency: Latency,
    /// Processor time of this process for an append, in microseconds, with what the index did of them afterwards.
    pub(super) micros: f64,
    /// Bytes that went to the disk for an append, with those of the index.
    pub(super) written: f64,
}

impl Round {
    /// Appends drafts that have been made already; encrypting their openings is in it, as it is in a gateway.
    pub(super) fn run(journal: &Journal, drafts: Vec<Draft>, in_flight: usize) -> Result<Self, Failed> {
        let count = drafts.len().max(1) as f64;
        let own = std::process::id();
        let (used, written) = (processor::seconds(), processor::written_by(own));
        let begun = Instant::now();
        let latency = append(journal, drafts, in_flight)?;
        let taken = begun.elapsed();
        // The index goes on behind the answers: its work is theirs, and must not be the next round's.
        journals::index_done(journal);
        Ok(Self {
            rate: count / taken.as_secs_f64().max(1e-9),
            latency,
            micros: (processor::seconds() - used) * 1e6 / count,
            written: (processor::written_by(own) - written) as f64 / count,
        })
    }
}

fn append(journal: &Journal, drafts: Vec<Draft>, in_flight: usize) -> Result<Latency, Failed> {
    let mut latency = Latency::new();
    let mut flights: VecDeque<Flight> = VecDeque::with_capacity(in_flight);
    for draft in drafts {
        if flights.len() >= in_flight
            && let Some(first) = flights.pop_front()
        {
            latency.add(first.land()?);
        }
        flights.push_back(Flight::of(journal, draft)?);
    }
    for flight in flights {
        latency.add(flight.land()?);
    }
    Ok(latency)
}

/// An append on its way. Several are answered at once and looked at one after the other, so each notes by itself when it was.
struct Flight {
    begun: Instant,
    answered: Arc<Answered>,
    appending: Appending,
    is_answered: bool,
}

/// When an append was answered, and who waits for it.
struct Answered {
    at: OnceLock<Instant>,
    waiting: Thread,
}

impl Wake for Answered {
    fn wake(self: Arc<Self>) {
        self.at.get_or_init(Instant::now);
        self.waiting.unpark();
    }
}

impl Flight {
    fn of(journal: &Journal, draft: Draft) -> Result<Self, Failed> {
        let answered = Arc::new(Answered { at: OnceLock::new(), waiting: thread::current() });
        let begun = Instant::now();
        let appending = wait_for(journal.enqueue(draft))?;
        let mut flight = Self { begun, answered, appending, is_answered: false };
        // From here on, it knows whom to wake.
        flight.look()?;
        Ok(flight)
    }

    /// How long it took, once it is there.
    fn land(mut self) -> Result<Duration, Failed> {
        loop {
            if !self.is_answered {
                self.look()?;
            }
            if self.is_answered {
                return Ok(*self.answered.at.get_or_init(Instant::now) - self.begun);
            }
            thread::park();
        }
    }

    fn look(&mut self) -> Result<(), Failed> {
        let waker = Waker::from(Arc::clone(&self.answered));
        if let Poll::Ready(answer) = Pin::new(&mut self.appending).poll(&mut Context::from_waker(&waker)) {
            answer?;
            self.answered.at.get_or_init(Instant::now);
            self.is_answered = true;
        }
        Ok(())
    }
}
