//! Key entries: epochs follow one another, and a feed's positions know theirs.

use causeway_journal::{Outcome, v1};
use causeway_model::Position;

use crate::log::{AL, Log, allowed, feed_id, record, release, submit};

fn rotate(key: &str, epoch: u32, action: &str, public_key: &[u8]) -> v1::Entry {
    v1::Entry {
        key_change: Some(v1::KeyChange {
            key: key.into(),
            epoch,
            public_key: public_key.into(),
            action: action.into(),
        }),
        ..allowed(v1::Operation::Key, "key-rotated", "gb-nca")
    }
}

#[test]
fn an_epoch_follows_the_one_before_and_only_the_operator_begins_it() {
    let mut log = Log::begun();
    assert_eq!(log.one(rotate("pages", 3, "rotated", &[])), Outcome::Void);
    assert_eq!(log.one(rotate("pages", 2, "rotated", &[])), Outcome::Effective);
    assert_eq!(log.one(rotate("pages", 2, "rotated", &[])), Outcome::Void, "of two at once one comes late");
    assert_eq!(log.one(rotate("root", 2, "lost", &[])), Outcome::Void, "an unknown action");
    assert_eq!(log.one(rotate("everything", 2, "rotated", &[])), Outcome::Void, "an unknown key");
    let mut by_another = rotate("root", 2, "rotated", &[]);
    by_another.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(by_another), Outcome::Void);
    let key = log.state.key("pages").expect("rotated");
    assert_eq!((key.epoch, key.public_key, key.after_compromise), (2, None, false));
    assert_eq!(log.state.key("root"), None);
}

#[test]
fn the_signing_key_is_the_newest_that_an_entry_names() {
    let mut log = Log::begun();
    assert_eq!(log.state.checkpoint_key(), None, "the first has no entry");
    assert_eq!(log.one(rotate("checkpoint-signing", 2, "rotated", &[])), Outcome::Void, "without its public half");
    assert_eq!(log.one(rotate("checkpoint-signing", 2, "rotated", &[7; 32])), Outcome::Effective);
    assert_eq!(log.one(rotate("checkpoint-signing", 3, "rotated-after-compromise", &[8; 32])), Outcome::Effective);
    assert_eq!(log.state.checkpoint_key().map(|key| key.0), Some([8; 32]));
    assert!(log.state.key("checkpoint-signing").expect("rotated").after_compromise);
}

#[test]
fn a_feeds_positions_are_of_the_epoch_in_which_they_were_made() {
    let mut log = Log::begun();
    let key = format!("feed/{AL}");
    log.all(vec![submit("a", 1), submit("b", 1), release(AL, 0, &[("a", 1)])]);
    assert_eq!(log.one(rotate("feed/ISA-XX-2026-001", 2, "rotated", &[])), Outcome::Void, "no such feed");
    assert_eq!(log.one(rotate(&key, 2, "rotated", &[])), Outcome::Effective);
    assert_eq!(
        log.one(release(AL, 0, &[("a", 1), ("b", 1)])),
        Outcome::Effective,
        "a live item again, under the new key"
    );
    assert_eq!(log.one(release(AL, 0, &[("a", 1)])), Outcome::PartlyVoid(vec![0]), "once an epoch");
    assert_eq!(log.one(rotate(&key, 3, "rotated-after-compromise", &[])), Outcome::Effective);
    assert_eq!(log.one(rotate(&key, 4, "rotated", &[])), Outcome::Effective, "with nothing in between");
    log.one(release(AL, 0, &[("b", 1)]));
    let feed = log.state.feed(&feed_id(AL)).expect("it is there");
    let epochs = [1, 2, 3, 4, 5].map(|at| feed.epoch_at(Position(at)).number);
    assert_eq!(epochs, [1, 2, 2, 4, 4]);
    assert_eq!((feed.epoch().number, feed.epoch().first, feed.epoch().after_compromise), (4, Position(4), false));
    let beside =
        |position, earlier| feed.planned_epoch_before(Position(position), Position(earlier)).map(|epoch| epoch.number);
    assert_eq!((beside(2, 1), beside(3, 2)), (Some(1), None), "across a planned rotation, and within an epoch");
    assert_eq!(
        (beside(4, 3), beside(4, 1)),
        (None, None),
        "a key known to others lies between, though it showed nothing"
    );
    let again = feed.item(Position(2)).expect("released again");
    assert_eq!((again.record_id, again.target), (record("a"), Some(Position(1))), "it replaces the item before");
    assert_eq!(format!("{:?}", log.replayed()), format!("{:?}", log.state));
}

#[test]
fn after_a_compromise_no_key_of_before_is_sound_and_every_later_one_is() {
    let mut log = Log::begun();
    let sound = |log: &Log| log.state.sound_signing_keys().iter().map(|key| key.0[0]).collect::<Vec<_>>();
    assert_eq!(log.one(rotate("checkpoint-signing", 2, "rotated", &[2; 32])), Outcome::Effective);
    assert_eq!(sound(&log), [], "there was none");
    assert_eq!(log.one(rotate("checkpoint-signing", 3, "rotated-after-compromise", &[3; 32])), Outcome::Effective);
    assert_eq!(log.one(rotate("pages", 2, "rotated", &[])), Outcome::Effective);
    assert_eq!(log.one(rotate("checkpoint-signing", 4, "rotated", &[4; 32])), Outcome::Effective);
    assert_eq!(sound(&log), [3, 4]);
    assert_eq!(log.one(rotate("checkpoint-signing", 6, "rotated-after-compromise", &[6; 32])), Outcome::Void);
    assert_eq!(sound(&log), [3, 4], "what is void changes nothing");
    assert_eq!(log.one(rotate("checkpoint-signing", 5, "rotated-after-compromise", &[5; 32])), Outcome::Effective);
    assert_eq!(sound(&log), [5]);
}
