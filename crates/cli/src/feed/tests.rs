//! A page that holds, and every way in which one may not; and where a standing goes on while releases are put off.

use causeway_crypto::SigningKey;
use causeway_proto::v1::{DisclosureEvidence, PseudonymChange};

use super::*;
use crate::test_pages::{deferred, digest, keys, page, page_at, released, withdrawn};

const START: Digest = Digest([0; 32]);

/// Something done to a page that should hold.
type Change<'a> = &'a dyn Fn(&mut Page);

fn taken(standing: &mut Standing, page: &Page) {
    standing.take(page, Some(&keys().1)).expect("holds");
}

#[test]
fn pages_that_follow_one_another_are_taken_and_no_other() {
    let (key, verifier) = keys();
    let mut standing = Standing::start();
    let first = page(START, vec![released(1), released(2)], &key);
    taken(&mut standing, &first);
    let second = page(digest(&first.chain_after), vec![withdrawn(3, 1)], &key);
    let third = page(digest(&second.chain_after), vec![released(4)], &key);
    let before = standing.clone();
    for (page, what) in [(&first, "a page again"), (&third, "a page left out, or two swapped")] {
        standing.take(page, Some(&verifier)).expect_err(what);
        assert_eq!(standing, before, "what does not hold moves nothing");
    }
    taken(&mut standing, &second);
    taken(&mut standing, &third);
    assert_eq!((standing.position, standing.agreement.as_str()), (4, "ISA-AL-2026-014"));
}

#[test]
fn an_empty_page_changes_the_cursor_only() {
    let (key, verifier) = keys();
    let full = page(START, vec![released(1)], &key);
    let empty = Page { items: Vec::new(), evidence: None, chain_after: vec![0; 32], ..full };
    let mut standing = Standing::start();
    standing.take(&empty, Some(&verifier)).expect("nothing was disclosed, so nothing has to be proven");
    assert_eq!((standing.position, standing.cursor.as_str()), (0, "c"));
}

#[test]
fn a_feed_whose_end_was_cut_off_is_found_out() {
    let (key, verifier) = keys();
    let mut standing = Standing::start();
    let first = page(START, vec![released(1), released(2)], &key);
    taken(&mut standing, &first);
    let end = |newest, more| Page {
        items: Vec::new(),
        evidence: None,
        chain_before: first.chain_after.clone(),
        newest_position: newest,
        more,
        ..first.clone()
    };
    for (newest, more) in [(1, false), (2, false), (8, true)] {
        let mut standing = standing.clone();
        standing.take(&end(newest, more), Some(&verifier)).expect_err("it told of 9 before");
    }
    standing.clone().take(&end(9, false), Some(&verifier)).expect_err("there are 9, and it says that there is no more");
    taken(&mut standing, &end(9, true));
    let silent = Page { newest_position: 1, more: false, ..first.clone() };
    Standing::start().take(&silent, Some(&verifier)).expect_err("it tells of fewer than it shows");
}

#[test]
fn whatever_is_changed_is_found() {
    let (key, verifier) = keys();
    let change = |current: &str| PseudonymChange { previous: "p1-a".into(), current: current.into() };
    let record = |item: &mut Item, change: &dyn Fn(&mut ReleasedRecord)| match &mut item.content {
        Some(item::Content::Released(record)) => change(record),
        _ => unreachable!("the item is a release"),
    };
    let good = || {
        let mut second = released(2);
        record(&mut second, &|record| record.pseudonym_changes = vec![change("p2-a")]);
        page(START, vec![released(1), second, released(3)], &key)
    };
    let of_second = |page: &mut Page, change: &dyn Fn(&mut ReleasedRecord)| record(&mut page.items[1], change);
    let changes: [(&str, Change<'_>); 25] = [
        ("another new pseudonym", &|page| of_second(page, &|record| record.pseudonym_changes = vec![change("p2-b")])),
        ("a pseudonym's change left out", &|page| of_second(page, &|record| record.pseudonym_changes.clear())),
        ("a pseudonym's change added", &|page| {
            record(&mut page.items[0], &|r| r.pseudonym_changes = vec![change("p2-a")])
        }),
        ("a document", &|page| of_second(page, &|record| record.document = br#"{"gender":"male"}"#.to_vec())),
        ("a kind", &|page| of_second(page, &|record| record.kind = "trafficking-route".into())),
        ("a schema version", &|page| of_second(page, &|record| record.schema_version = "1.1".into())),
        ("a clause", &|page| of_second(page, &|record| record.clause = "ISA-AL-2026-014/c3.2".into())),
        ("a condition on onward transfer", &|page| of_second(page, &|record| record.onward_transfer = "none".into())),
        ("what it replaces", &|page| of_second(page, &|record| record.replaces_item_id = format!("{:032x}", 1))),
        ("the page's condition on onward transfer", &|page| page.onward_transfer = "none".into()),
        ("an item left out", &|page| drop(page.items.remove(1))),
        ("an item at the beginning left out", &|page| drop(page.items.remove(0))),
        ("an item at the end left out", &|page| drop(page.items.pop())),
        ("all items left out", &|page| page.items.clear()),
        ("an item repeated", &|page| page.items.insert(1, page.items[1].clone())),
        ("two items swapped", &|page| page.items.swap(0, 1)),
        ("two contents swapped", &|page| {
            let first = page.items[0].content.take();
            page.items[0].content = std::mem::replace(&mut page.items[1].content, first);
        }),
        ("another item id", &|page| page.items[1].item_id = format!("{:032x}", 77)),
        ("another kind of item", &|page| page.items[1].kind = ItemKind::Withdrawal.into()),
        ("a release served as a withdrawal", &|page| page.items[1].content = withdrawn(2, 2).content),
        ("the chain before", &|page| page.chain_before = vec![9; 32]),
        ("the chain after", &|page| page.chain_after = vec![9; 32]),
        ("the salt", &|page| page.digest_salt = vec![8; 32]),
        ("no evidence", &|page| page.evidence = None),
        ("another agreement", &|page| page.agreement = "ISA-VN-2026-021".into()),
    ];
    for (what, change) in changes {
        let mut page = good();
        change(&mut page);
        Standing::start().take(&page, Some(&verifier)).expect_err(what);
    }
    taken(&mut Standing::start(), &good());
}

#[test]
fn evidence_must_be_signed_and_proven() {
    let (key, verifier) = keys();
    let good = page(START, vec![released(1)], &key);
    let with = |change: &dyn Fn(&mut DisclosureEvidence)| {
        let mut page = good.clone();
        change(page.evidence.as_mut().expect("it has some"));
        page
    };
    let flipped = with(&|evidence| {
        let proof = evidence.inclusion_proof.as_mut().expect("it has one");
        proof.hashes[0][0] ^= 1;
    });
    Standing::start().take(&flipped, None).expect_err("the proof leads elsewhere");
    let forged = page(START, vec![released(1)], &SigningKey::from_seed(&[4; 32]));
    Standing::start().take(&forged, Some(&verifier)).expect_err("signed by another key");
    Standing::start()
        .take(&forged, None)
        .expect("without a key the signature is not looked at, and the caller says so");
}

#[test]
fn the_cursor_stays_before_what_is_put_off_and_withdrawals_are_read_ahead() {
    let (key, verifier) = keys();
    let mut standing = Standing::start();
    let first = page(START, vec![released(1), deferred(2), deferred(3), withdrawn(4, 1)], &key);
    taken(&mut standing, &first);
    let after_one = digest(&page(START, vec![released(1)], &key).chain_after);
    assert_eq!((standing.position, &standing.chain, standing.cursor.as_str()), (1, &after_one.to_string(), "c"));
    let ahead = standing.ahead.clone().expect("there is something ahead");
    assert_eq!((ahead.position, ahead.cursor.as_str()), (4, "a"));

    // A page from ahead moves the point ahead alone.
    let mut further = page(digest(&first.chain_after), vec![withdrawn(5, 3)], &key);
    further.next_cursor = "d".into();
    taken(&mut standing, &further);
    assert_eq!((standing.position, standing.cursor.as_str()), (1, "c"));
    assert_eq!(standing.ahead.as_ref().map(|ahead| (ahead.position, ahead.cursor.as_str())), Some((5, "d")));
    let kept: Standing = serde_json::from_str(&serde_json::to_string(&standing).expect("JSON")).expect("its own text");
    assert_eq!(kept, Standing { last: None, ..standing.clone() });

    // The next day the same positions are read again: they must be what they were.
    let again = vec![released(2), withdrawn(3, 3), withdrawn(4, 1), withdrawn(5, 3), released(6)];
    let kinds = |mut items: Vec<Item>| {
        items[1].kind = ItemKind::Release.into();
        items
    };
    let other = page(after_one, again.clone(), &key);
    standing.clone().take(&other, Some(&verifier)).expect_err("position 3 was a release");
    let mut day_after = standing.clone();
    taken(&mut day_after, &page(after_one, kinds(again.clone())[..2].to_vec(), &key));
    assert_eq!((day_after.position, day_after.ahead.as_ref().map(|ahead| ahead.position)), (3, Some(5)));
    taken(&mut standing, &page(after_one, kinds(again), &key));
    assert_eq!((standing.position, standing.ahead), (6, None));
}

#[test]
fn a_watch_goes_back_to_what_was_put_off_and_ahead_again_from_where_it_comes() {
    let (key, verifier) = keys();
    let first = page(START, vec![deferred(1), deferred(2), deferred(3)], &key);
    let ahead = page(digest(&first.chain_after), vec![withdrawn(4, 9), withdrawn(5, 8)], &key);
    let next_day = page(START, vec![released(1), deferred(2)], &key);
    let from_there = page(digest(&next_day.chain_after), vec![deferred(3), withdrawn(4, 9)], &key);
    let mut standing = Standing::start();
    for page in [&first, &ahead, &next_day, &from_there] {
        taken(&mut standing, page);
    }
    assert_eq!((standing.position, standing.ahead.as_ref().map(|ahead| ahead.position)), (1, Some(5)));
    let elsewhere = page(Digest([5; 32]), vec![released(3)], &key);
    standing.take(&elsewhere, Some(&verifier)).expect_err("it goes on from nowhere");
}

#[test]
fn what_is_put_off_is_in_the_evidence_and_needs_a_way_on() {
    let (key, verifier) = keys();
    let good = page_at(7, START, vec![released(1), deferred(2)], &key);
    let refused = |change: Change<'_>| {
        let mut page = good.clone();
        change(&mut page);
        Standing::start().take(&page, Some(&verifier)).expect_err("changed");
    };
    refused(&|page| page.ahead_cursor.clear());
    refused(&|page| page.items[0].content = deferred(1).content);
    refused(&|page| page.items[1].content = withdrawn(2, 2).content);
    taken(&mut Standing::start(), &good);
}
