//! Several threads over things that follow each other: each takes the next one, prepares it by itself, and adds it to what is made of
//! all when those before have been added. What a thread has made it also lets go of, which costs least.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::VerifyError;

/// What is being made, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Turns<M> {
    /// The next one that nobody has taken.
    next: AtomicU64,
    turn: Mutex<Turn<M>>,
    moved: Condvar,
}

#[derive(Debug)]
struct Turn<M> {
    of: u64,
    made: M,
    /// The first that failed.
    failed: Option<(u64, VerifyError)>,
}

impl<M: Send> Turns<M> {
    pub(crate) fn making(made: M) -> Self {
        let turn = Turn { of: 0, made, failed: None };
        Self { next: AtomicU64::new(0), turn: Mutex::new(turn), moved: Condvar::new() }
    }

    /// Does the work of each of so many, on so many threads. Work prepares what has this number and adds it by [`Turns::add`], once.
    ///
    /// # Errors
    /// That of the first one that failed. Some behind it may have been worked on too.
    pub(crate) fn run(
        self,
        count: u64,
        threads: usize,
        work: impl Fn(&Self, u64) -> Result<(), VerifyError> + Sync,
    ) -> Result<M, VerifyError> {
        thread::scope(|scope| {
            let worker = || {
                loop {
                    let number = self.next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || self.has_failed() {
                        break;
                    }
                    let _alarm = Alarm { turns: &self, number };
                    if let Err(error) = work(&self, number) {
                        self.fail(number, error);
                    }
                }
            };
            let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
            // A panic has been recorded as a failure.
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        let Turn { made, failed, .. } = self.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(made), |(_, error)| Err(error))
    }

    /// Adds what has this number when all before it have been added; nothing where one of those has failed. `prepared` may itself have
    /// failed: that counts in its turn only, so that the first failure is the one that is told.
    pub(crate) fn add<P, R: Default>(
        &self,
        number: u64,
        prepared: Result<P, VerifyError>,
        add: impl FnOnce(&mut M, P) -> Result<R, VerifyError>,
    ) -> Result<R, VerifyError> {
        let waits = |turn: &mut Turn<M>| turn.of < number && turn.failed.is_none();
        let mut turn = self.moved.wait_while(self.turn(), waits).unwrap_or_else(PoisonError::into_inner);
        if turn.failed.is_some() {
            return Ok(R::default());
        }
        let added = prepared.and_then(|prepared| add(&mut turn.made, prepared));
        match &added {
            Ok(_) => turn.of += 1,
            // Before anybody else gets the turn.
            Err(error) => turn.failed = Some((number, error.clone())),
        }
        self.moved.notify_all();
        added
    }

    fn fail(&self, number: u64, error: VerifyError) {
        let mut turn = self.turn();
        if turn.failed.as_ref().is_none_or(|(first, _)| number < *first) {
            turn.failed = Some((number, error));
        }
        self.moved.notify_all();
    }

    fn has_failed(&self) -> bool {
        self.turn().failed.is_some()
    }

    fn turn(&self) -> MutexGuard<'_, Turn<M>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the others where a thread panics: they would wait for its turn.
struct Alarm<'a, M: Send> {
    turns: &'a Turns<M>,
    number: u64,
}

impl<M: Send> Drop for Alarm<'_, M> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.turns
                .fail(self.number, VerifyError::at(format_args!("part {}", self.number), "verifying it panicked"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(number: u64) -> VerifyError {
        VerifyError::at(number, "wrong")
    }

    #[test]
    fn all_are_added_in_their_order() {
        let made = Turns::making(Vec::new()).run(1_000, 4, |turns, number| {
            if number.is_multiple_of(7) {
                thread::yield_now();
            }
            turns.add(number, Ok(number * 2), |made, double| {
                made.push(double);
                Ok(())
            })
        });
        assert_eq!(made, Ok((0..1_000).map(|number| number * 2).collect::<Vec<_>>()));
    }

    #[test]
    fn the_first_failure_is_told_wherever_it_is_found() {
        // Some fail while they are prepared, some while they are added, some after.
        for first in [0, 1, 2, 40, 199] {
            let outcome = Turns::making(()).run(200, 3, |turns, number| {
                let fails = number >= first;
                let prepared = if fails && number % 3 == 0 { Err(wrong(number)) } else { Ok(()) };
                turns.add(
                    number,
                    prepared,
                    |(), ()| if fails && number % 3 == 1 { Err(wrong(number)) } else { Ok(()) },
                )?;
                if fails { Err(wrong(number)) } else { Ok(()) }
            });
            assert_eq!(outcome, Err(wrong(first)));
        }
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panics() {
        let outcome = Turns::making(0).run(50, 2, |turns, number| {
            assert_ne!(number, 20, "on purpose");
            turns.add(number, Ok(()), |made, ()| {
                *made += 1;
                Ok(())
            })
        });
        assert!(matches!(outcome, Err(VerifyError::At { .. })), "{outcome:?}");
    }
}
