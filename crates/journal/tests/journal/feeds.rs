//! Feeds: dense positions, releases that count once, withdrawals in exactly the feeds that have the record.

use causeway_crypto::{Digest, digest};
use causeway_journal::{Feed, FeedItemKind, Outcome, chain_link, v1};
use causeway_model::{LeafIndex, Position, RecordVersion};

use crate::log::{
    AL, Log, NCA_TWO, VN, acknowledge, agreement_text, feed_id, mac, page, record, release, submit, withdraw,
};

fn feed<'a>(log: &'a Log, id: &str) -> Feed<'a> {
    log.state.feed(&feed_id(id)).expect("its agreement is in force")
}

/// Two records of two versions and one; nothing released yet.
fn with_records() -> Log {
    with_records_under(causeway_journal::RULES_VERSION)
}

fn with_records_under(rules: u32) -> Log {
    let mut log = Log::begun_under(rules);
    log.all(vec![submit("a", 1), submit("b", 1), submit("c", 1)]);
    log
}

#[test]
fn releases_take_positions_in_order() {
    let mut log = with_records();
    let size = log.state.tree().size();
    assert_eq!(log.one(release(AL, size, &[("b", 1), ("a", 1)])), Outcome::Effective);
    let feed = feed(&log, AL);
    assert_eq!((feed.newest(), feed.considered()), (Position(2), LeafIndex(size)));
    let first = feed.item(Position(1)).expect("released");
    assert_eq!((first.kind, first.record_id, first.version), (FeedItemKind::Release, record("b"), RecordVersion(1)));
    assert_eq!((first.terms.clause.as_str(), first.target, first.leaf), ("c1", None, LeafIndex(size)));
    assert_eq!(feed.live(&record("a")), Some(Position(2)));
    assert_eq!(feed.live(&record("c")), None);
    assert_eq!((feed.item(Position(0)), feed.item(Position(3))), (None, None));
    let id = |ordinal: u32| digest("causeway/v1/item", &[&mac(AL), AL.as_bytes(), &ordinal.to_be_bytes()]);
    assert_eq!(first.item_id.as_bytes(), &id(0).0[..16]);
    assert_eq!(feed.item(Position(2)).expect("released").item_id.as_bytes(), &id(1).0[..16]);
    assert_eq!(feed.live_records().collect::<Vec<_>>(), [&record("a"), &record("b")]);
    assert_eq!(crate::feeds::feed(&log, VN).newest(), Position(0));
}

#[test]
fn releases_that_may_not_be_are_void_and_take_no_position() {
    let mut log = with_records();
    log.all(vec![release(AL, 0, &[("a", 1)]), submit("b", 2), withdraw("c", 1)]);
    let again = release(AL, 0, &[("a", 1), ("b", 1), ("c", 1), ("never made", 1), ("b", 3), ("b", 2)]);
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(again), Outcome::PartlyVoid(vec![0, 1, 2, 3, 4]));
    assert_eq!(log.state.outcome(leaf), Outcome::PartlyVoid(vec![0, 1, 2, 3, 4]));
    assert_eq!(feed(&log, AL).newest(), Position(2));
    assert_eq!(feed(&log, AL).live(&record("b")), Some(Position(2)));
    log.one(submit("d", 1));
    let mut no_such_clause = release(AL, 0, &[("d", 1)]);
    no_such_clause.releases.as_mut().expect("a batch").releases[0].clause = "c9".into();
    assert_eq!(log.one(no_such_clause), Outcome::PartlyVoid(vec![0]));
    let mut of_partner = submit("e", 1);
    of_partner.actor.as_mut().expect("every entry has one").agency = "al-police".into();
    assert_eq!(log.one(of_partner), Outcome::Effective);
    assert_eq!(log.one(release(AL, 0, &[("e", 1)])), Outcome::PartlyVoid(vec![0]), "not the granting agency's");
}

#[test]
fn a_batch_under_a_superseded_agreement_version_is_void() {
    let mut log = with_records();
    let text = agreement_text(AL, 2, "al-police");
    assert_eq!(log.document(v1::DocumentKind::Agreement, AL, 2, &text, NCA_TWO), Outcome::Effective);
    assert_eq!(log.one(release(AL, 3, &[("a", 1)])), Outcome::Void);
    assert_eq!((feed(&log, AL).newest(), feed(&log, AL).considered()), (Position(0), LeafIndex(0)));
    let mut ahead = release(AL, 3, &[("a", 1)]);
    ahead.releases.as_mut().expect("a batch").agreement_version = 3;
    assert_eq!(log.one(ahead), Outcome::Void);
    let mut in_force = release(AL, 3, &[("a", 1)]);
    in_force.releases.as_mut().expect("a batch").agreement_version = 2;
    assert_eq!(log.one(in_force), Outcome::Effective);
    assert_eq!(log.one(release("ISA-XX-2026-001", 3, &[("a", 1)])), Outcome::Void);
    let considered = log.state.tree().size() + 1;
    assert_eq!(log.one(release(VN, considered, &[])), Outcome::Void, "it says it considered what comes after it");
}

#[test]
fn a_withdrawn_record_leaves_exactly_the_feeds_that_have_it() {
    let mut log = with_records();
    log.all(vec![release(AL, 0, &[("a", 1), ("b", 1)]), release(VN, 0, &[("b", 1)])]);
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(withdraw("a", 1)), Outcome::Effective);
    assert_eq!((feed(&log, AL).newest(), feed(&log, VN).newest()), (Position(3), Position(1)));
    let item = feed(&log, AL).item(Position(3)).expect("the withdrawal");
    assert_eq!((item.kind, item.target, item.leaf), (FeedItemKind::Withdrawal, Some(Position(1)), leaf));
    assert_eq!((item.record_id, item.version), (record("a"), RecordVersion(1)));
    assert_eq!(log.one(withdraw("b", 1)), Outcome::Effective);
    let (in_al, in_vn) = (feed(&log, AL).item(Position(4)), feed(&log, VN).item(Position(2)));
    let (in_al, in_vn) = (in_al.expect("the withdrawal"), in_vn.expect("the withdrawal"));
    assert_eq!((in_al.target, in_vn.target), (Some(Position(2)), Some(Position(1))));
    assert_ne!(in_al.item_id, in_vn.item_id, "an item id is of one feed");
    assert_eq!(feed(&log, AL).live(&record("b")), None);
    assert_eq!(feed(&log, AL).live_records().count(), 0);
    assert_eq!(log.one(withdraw("c", 1)), Outcome::Effective);
    assert_eq!(feed(&log, AL).newest(), Position(4), "what was never released needs no withdrawal");
}

#[test]
fn a_correction_leaves_the_earlier_release_until_the_next_replaces_it() {
    let mut log = with_records();
    log.all(vec![release(AL, 0, &[("a", 1)]), submit("a", 2)]);
    assert_eq!(feed(&log, AL).live(&record("a")), Some(Position(1)));
    log.one(release(AL, 0, &[("a", 2)]));
    let item = feed(&log, AL).item(Position(2)).expect("released");
    assert_eq!((item.kind, item.version, item.target), (FeedItemKind::Release, RecordVersion(2), Some(Position(1))));
    assert_eq!(feed(&log, AL).live(&record("a")), Some(Position(2)));
    assert_eq!(feed(&log, AL).positions(&record("a")), [Position(1), Position(2)]);
    log.one(withdraw("a", 2));
    let item = feed(&log, AL).item(Position(3)).expect("the withdrawal");
    assert_eq!((item.target, item.version), (Some(Position(2)), RecordVersion(2)));
}

#[test]
fn a_stated_withdrawal_is_of_one_feed_and_under_the_first_rules_the_version_does_not_come_back() {
    let mut log = with_records_under(1);
    log.all(vec![release(AL, 0, &[("a", 1)]), release(VN, 0, &[("a", 1)])]);
    let left = |name: &str| v1::Withdrawal { feed: AL.into(), record_id: record(name).as_bytes().to_vec() };
    let mut entry = release(AL, 0, &[("b", 1)]);
    entry.withdrawals = vec![left("a"), left("c"), left("a")];
    assert_eq!(log.one(entry), Outcome::PartlyVoid(vec![2, 3]), "counted after the one release");
    assert_eq!((feed(&log, AL).newest(), feed(&log, VN).newest()), (Position(3), Position(1)));
    assert_eq!(feed(&log, AL).live(&record("a")), None);
    assert_eq!(feed(&log, VN).live(&record("a")), Some(Position(1)));
    assert_eq!(log.one(release(AL, 0, &[("a", 1)])), Outcome::PartlyVoid(vec![0]));
    log.all(vec![submit("a", 2), release(AL, 0, &[("a", 2)])]);
    let back = feed(&log, AL).item(Position(4)).expect("a new version may be released");
    assert_eq!((back.kind, back.target), (FeedItemKind::Release, None), "what it would replace is not live");
    assert_eq!(feed(&log, AL).live(&record("a")), Some(Position(4)));
}

#[test]
fn pages_and_acknowledgements_are_the_partners_own() {
    let mut log = with_records();
    log.all(vec![release(AL, 0, &[("a", 1), ("b", 1), ("c", 1)])]);
    let leaf = LeafIndex(log.state.tree().size());
    assert_eq!(log.one(acknowledge(AL, "al-police", 1)), Outcome::Void, "nothing has been disclosed");
    assert_eq!(log.one(page(AL, "al-police", 1, 2)), Outcome::Effective);
    assert_eq!(log.one(page(AL, "al-police", 2, 2)), Outcome::Effective);
    assert_eq!(log.one(page(AL, "al-police", 3, 4)), Outcome::Void, "there is no position 4");
    assert_eq!(log.one(page(AL, "vn-police", 1, 1)), Outcome::Void, "another's feed");
    assert_eq!(feed(&log, AL).disclosed(), Position(2));
    assert_eq!(
        feed(&log, AL).disclosures(Position(2)).collect::<Vec<_>>(),
        [LeafIndex(leaf.0 + 1), LeafIndex(leaf.0 + 2)]
    );
    assert_eq!(log.one(acknowledge(AL, "al-police", 2)), Outcome::Effective);
    assert_eq!(log.one(acknowledge(AL, "al-police", 1)), Outcome::Effective);
    assert_eq!(feed(&log, AL).acknowledged(), Position(2), "it does not go back");
    assert_eq!(log.one(acknowledge(AL, "vn-police", 2)), Outcome::Void);
    assert_eq!(log.one(acknowledge(AL, "al-police", 3)), Outcome::Void);
    assert_eq!(feed(&log, AL).acknowledged(), Position(2));
}

#[test]
fn who_had_a_record_is_one_question() {
    let mut log = with_records();
    let made = log.state.record(&record("b")).expect("it was made").versions[0];
    let start = log.state.tree().size();
    let at = |n: u64| LeafIndex(start + n);
    log.all(vec![
        release(AL, 0, &[("a", 1), ("b", 1)]),
        page(AL, "al-police", 1, 1),
        page(AL, "al-police", 1, 2),
        release(VN, 0, &[("a", 1)]),
        page(VN, "vn-police", 1, 1),
        withdraw("b", 1),
        page(AL, "al-police", 3, 3),
    ]);
    assert_eq!(log.state.subject(&record("b")), [made, at(0), at(2), at(5), at(6)]);
    assert_eq!(log.state.subject(&record("never made")), []);
}

#[test]
fn the_chain_is_what_a_partner_computes() {
    let mut log = Log::begun();
    let names: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    for chunk in names.chunks(50) {
        log.all(chunk.iter().map(|name| submit(name, 1)).collect());
        let releases: Vec<_> = chunk.iter().map(|name| (name.as_str(), 1)).collect();
        log.one(v1::Entry { item_salt: mac(&chunk[0]).to_vec(), ..release(AL, 0, &releases) });
    }
    log.all(vec![withdraw("7", 1), withdraw("70", 1)]);
    let feed = feed(&log, AL);
    assert_eq!(feed.newest(), Position(152));
    let mut chain = Digest([0; 32]);
    assert_eq!(feed.chain_at(Position(0)), chain);
    for position in (1..=152).map(Position) {
        let item = feed.item(position).expect("dense");
        let kind = if item.kind == FeedItemKind::Release { 1 } else { 2 };
        let linked = chain_link(&chain, position, item.kind, &item.item_id);
        let parts = [&chain.0[..], &position.0.to_be_bytes(), &[kind], item.item_id.as_bytes()];
        chain = digest("causeway/v1/chain", &parts);
        assert_eq!(chain, linked);
        assert_eq!(feed.chain_at(position), chain, "{position}");
    }
}
