//! The short form of the short form: a few dozen states, and the same on a disk that does not make the log durable.

use super::load::Recorded;
use super::states::try_all;
use crate::faults::runtime;
use crate::power::{Forgets, Wanted};

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut_and_without_fdatasync_it_is() {
    let runtime = runtime().expect("threads");
    let recorded = runtime.block_on(Recorded::make(7)).expect("recorded");
    let found = runtime.block_on(try_all(&recorded, Forgets::Nothing, Wanted::Few(24), 7)).expect("played");
    assert_eq!((found.bad, found.lost), (0, 0), "{:#?}", found.wrong);
    assert!(found.states >= 24 && found.acknowledged > 500, "{found:?}");
    let found = runtime.block_on(try_all(&recorded, Forgets::Fdatasync, Wanted::Few(6), 7)).expect("played");
    assert!(found.bad > 0, "what finds no loss where there must be one shows nothing");
}
