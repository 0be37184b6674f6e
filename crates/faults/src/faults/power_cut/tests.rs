//! The short form of the short form: a few dozen states, and the same on a disk that does not make the log durable.

use super::cut;
use super::load::Recorded;
use crate::faults::runtime;
use crate::power::{Forgets, Wanted};

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut_and_without_fdatasync_it_is() {
    let runtime = runtime().expect("threads");
    let recorded = runtime.block_on(Recorded::make(7)).expect("recorded");
    let found = runtime.block_on(cut(&recorded, Forgets::Nothing, Wanted::Few(20), 7)).expect("played");
    assert_eq!((found.bad, found.lost), (0, 0), "{:#?}", found.wrong);
    assert!(found.states >= 20 && found.acknowledged > 300, "{found:?}");
    for forgets in [Forgets::Fdatasync, Forgets::Folders] {
        let found = runtime.block_on(cut(&recorded, forgets, Wanted::Few(4), 7)).expect("played");
        assert!(found.bad > 0, "{forgets:?}: what finds no loss where there must be one shows nothing");
    }
}
