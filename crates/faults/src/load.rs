//! Load from every side at once, in the order of a seed: streamed and single submissions, corrections and withdrawals, two partners
//! that pull and acknowledge, an auditor, an officer who erases. What was acknowledged goes into a [`Ledger`].

mod acts;
mod check;
mod feed;
mod kept;
mod ledger;
mod log;

use causeway_gateway::client::Refusal;
use tokio::task::JoinSet;

use crate::Failed;
use causeway_rig::Reach;
pub(crate) use check::{Checked, everything};
pub(crate) use ledger::{Kept, Ledger};
pub(crate) use log::{Log, ORIGIN};

/// The partners: their systems, and the agreement of each.
pub(crate) const PARTNERS: [Partner; 2] = [
    Partner { system: "al-police/feed", agreement: "ISA-AL-2026-014" },
    Partner { system: "vn-police/feed", agreement: "ISA-VN-2026-021" },
];

/// A partner agency's system and the agreement whose feed it pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partner {
    pub(crate) system: &'static str,
    pub(crate) agreement: &'static str,
}

/// How much is done. The same amount is the same load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    /// Where the records come from.
    pub(crate) seed: u64,
    /// Which load on the same gateway this is: submission ids differ by it.
    pub(crate) round: u64,
    /// Records on one stream.
    pub(crate) streamed: usize,
    /// Records one by one, by each of two tasks; every third is corrected, every seventh withdrawn.
    pub(crate) single: usize,
    /// Turns of each partner, of the auditor and of the officer.
    pub(crate) turns: usize,
}

/// A load that is under way.
#[derive(Debug)]
pub(crate) struct Load {
    tasks: JoinSet<Result<(), Failed>>,
}

impl Load {
    /// Begins it. Everybody has a connection of his own.
    pub(crate) fn begin(reach: &Reach, amount: Amount, ledger: &Ledger) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(acts::stream(reach.clone(), amount, ledger.clone()));
        for task in 0..2 {
            tasks.spawn(acts::singly(reach.clone(), amount, task, ledger.clone()));
        }
        for partner in PARTNERS {
            tasks.spawn(feed::partner(reach.clone(), partner, amount.turns, ledger.clone()));
        }
        tasks.spawn(acts::audit(reach.clone(), amount.turns, ledger.clone()));
        tasks.spawn(acts::erase(reach.clone(), amount.turns, ledger.clone()));
        Self { tasks }
    }

    /// Waits until all of it is done, or the gateway has gone. What the gateway refuses is no failure of the load; what it answers
    /// wrongly is.
    pub(crate) async fn ended(mut self) -> Result<(), Failed> {
        while let Some(done) = self.tasks.join_next().await {
            done??;
        }
        Ok(())
    }
}

/// How a call ended that was not answered.
#[derive(Debug)]
enum Unanswered {
    /// The connection broke: the gateway has gone.
    Gone,
    /// The gateway said so.
    Refused(Box<Refusal>),
}

impl<S: Into<Refusal>> From<S> for Unanswered {
    fn from(status: S) -> Self {
        let refusal = status.into();
        if refusal.reason.is_none() { Self::Gone } else { Self::Refused(Box::new(refusal)) }
    }
}

impl Unanswered {
    /// Whether asking again makes no sense: the gateway has gone, or takes nothing any more.
    fn is_final(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Refused(refusal) => {
                matches!(refusal.reason.as_deref(), Some("journal-unavailable" | "stopping" | "halted"))
            }
        }
    }
}
