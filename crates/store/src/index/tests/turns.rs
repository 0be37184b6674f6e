//! Searches that find little and go on for long: they take turns, and nothing else waits behind them.

use std::sync::{Arc, Barrier};
use std::thread;

use causeway_model::LeafIndex;

use super::setting::{World, wait_for};
use crate::index::query::Query;
use crate::index::row::Row;
use crate::index::segment::Segment;
use crate::reader::THREADS;

const ENTRIES: u32 = 2_000;

#[test]
fn terms_that_alternate_and_never_meet_are_given_up_after_so_many_steps() {
    let mut segment = Segment::starting_at(7);
    for number in 0..ENTRIES {
        segment.push([1 + u64::from(number % 2), 3], u64::from(number), Row::default());
    }
    for (newest_first, within) in [(false, vec![]), (true, vec![]), (false, vec![vec![2, 3]]), (true, vec![vec![3]])] {
        let query = Query { terms: vec![1, 2], within, among: None, newest_first };
        let (mut rest, mut turns) = (segment.range(), 0);
        loop {
            let mut steps = 10;
            let looked = query.in_segment(&segment, &rest, usize::MAX, &mut steps).expect("searched");
            assert!(looked.found.is_empty());
            turns += 1;
            match looked.next {
                Some(next) if newest_first => rest.end = next + 1,
                Some(next) => rest.start = next,
                None => break,
            }
            assert_eq!(steps, 0);
        }
        assert!(turns >= ENTRIES / 10 / 2, "{turns}");
    }
}

#[test]
fn what_leads_is_gone_through_whether_there_is_anything_else_or_not() {
    let mut segment = Segment::starting_at(0);
    for number in 0..ENTRIES {
        segment.push([u64::from(number % 2), if number < 3 { 8 } else { 9 }], 0, Row::default());
    }
    let steps_of = |term: u64| {
        let query = Query { terms: vec![term], within: vec![vec![0]], among: None, newest_first: false };
        let mut steps = u32::MAX;
        let found = query.in_segment(&segment, &segment.range(), usize::MAX, &mut steps).expect("searched").found;
        (u32::MAX - steps, found.len())
    };
    // Of others' entries alone, of a few, of nobody's: the same.
    let (nobodys, found) = steps_of(77);
    assert_eq!(found, 0);
    assert!(nobodys >= ENTRIES / 2, "{nobodys}");
    for (term, expected) in [(1, 0), (8, 2)] {
        let (steps, found) = steps_of(term);
        assert_eq!(found, expected);
        assert!(steps.abs_diff(nobodys) <= 2 * 2, "{term}: {steps} of {nobodys}");
    }
}

#[test]
fn what_is_read_for_others_does_not_wait_for_what_is_read_for_auditors() {
    let mut world = World::new(8);
    let journal = world.start();
    world.begin(&journal);
    let held = Arc::new(Barrier::new(THREADS + 1));
    let auditors: Vec<_> = (0..THREADS)
        .map(|_| {
            let (readers, held) = (journal.for_auditors().readers, Arc::clone(&held));
            let both = Arc::new(Barrier::new(2));
            let begun = Arc::clone(&both);
            let asking = thread::spawn(move || {
                wait_for(readers.ask(move |_| {
                    begun.wait();
                    held.wait();
                    Ok(())
                }))
            });
            both.wait();
            asking
        })
        .collect();
    wait_for(journal.entry(LeafIndex(0))).expect("read while all who read for auditors are held");
    held.wait();
    for auditor in auditors {
        auditor.join().expect("it ends").expect("read");
    }
    wait_for(journal.for_auditors().entry(LeafIndex(0))).expect("read");
    journal.close();
}
