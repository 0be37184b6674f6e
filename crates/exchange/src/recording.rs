//! Appending entries: whoever asks waits for room in the queue, or is refused at once.

use causeway_model::SystemId;
use causeway_store::{AppendFailure, Appending, Committed, Draft};

use crate::unavailable::append_failed;
use crate::{Caller, Error, Exchange, Pressure, Tallied};

impl Exchange {
    /// Appends a draft, waiting for room, and answers when it is durable and applied.
    pub(crate) async fn record(&self, draft: Draft) -> Result<Committed, Error> {
        self.journal().append(draft).await.map_err(append_failed)
    }

    /// Appends a caller's draft. Where the queue is full it waits, or refuses at once, as the call asks; a refusal for that, or for want
    /// of room on the disk, is summed up, since it cannot be recorded.
    pub(crate) async fn record_under(
        &self,
        pressure: Pressure,
        caller: &Caller,
        draft: Draft,
    ) -> Result<Committed, Error> {
        let appending = self.enqueue_under(pressure, caller, draft).await?;
        self.appended(caller, appending).await
    }

    /// Gives a caller's draft its place in the queue.
    pub(crate) async fn enqueue_under(
        &self,
        pressure: Pressure,
        caller: &Caller,
        draft: Draft,
    ) -> Result<Appending, Error> {
        let placed = match pressure {
            Pressure::Wait => self.journal().enqueue(draft).await,
            Pressure::Refuse => self.journal().try_append(draft),
        };
        placed.map_err(|failure| self.not_taken(&caller.system, failure))
    }

    /// What a draft that has its place came to.
    pub(crate) async fn appended(&self, caller: &Caller, appending: Appending) -> Result<Committed, Error> {
        appending.await.map_err(|failure| self.not_taken(&caller.system, failure))
    }

    /// Refuses a single call where the queue is full already.
    pub(crate) fn room_or_refuse(&self, caller: &Caller) -> Result<(), Error> {
        if self.journal().has_room() {
            return Ok(());
        }
        self.tally("", Some(&caller.system), Tallied::Overload, 1);
        Err(append_failed(AppendFailure::Busy))
    }

    /// Appends the draft of a single call, or refuses at once where the queue is full.
    pub(crate) async fn record_or_refuse(&self, caller: &Caller, draft: Draft) -> Result<Committed, Error> {
        self.record_under(Pressure::Refuse, caller, draft).await
    }

    /// What a system is told whose entry was not taken, which is summed up where it was for want of room or of the right time.
    pub(crate) fn not_taken(&self, system: &SystemId, failure: AppendFailure) -> Error {
        let passes = matches!(
            failure,
            AppendFailure::Busy
                | AppendFailure::DiskLow
                | AppendFailure::Stalled
                | AppendFailure::NotTaken(_)
                | AppendFailure::ClockAhead { .. }
                | AppendFailure::ClockBehind { .. }
        );
        if passes {
            self.tally("", Some(system), Tallied::Overload, 1);
        }
        append_failed(failure)
    }
}
