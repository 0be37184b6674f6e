//! A feed as it is kept by its partner: verified again offline, whatever was done to it.

use crate::documents::{OPERATOR, signed};
use crate::party::Gateway;
use crate::{CASES, member, submitted};

const PULL: &str =
    "pull --all --cursor here --out items.jsonl --receipts pages --verifier-key key.txt --as al-police/feed";
const VERIFY: &str = "pull --verify items.jsonl --receipts pages --cursor here --verifier-key key.txt";

/// A gateway whose partner has kept a release and its withdrawal, on a page each.
fn kept() -> Gateway {
    let gateway = Gateway::start();
    gateway.run("audit checkpoint --key-out key.txt --as gb-nca/audit").done();
    let record = submitted(&gateway);
    let mut feed = gateway.watch("watch --as al-police/feed");
    feed.next_line();
    gateway.run(PULL).done();
    gateway.run(&format!("withdraw {record} --expected-version 1 {CASES}")).done();
    feed.next_line();
    gateway.run(PULL).done();
    gateway
}

#[test]
fn what_was_kept_is_verified_offline_and_tampering_is_found_at_its_position() {
    let gateway = kept();
    let items = gateway.read("items.jsonl");
    assert_eq!(items.lines().count(), 2, "{items}");
    assert!(items.contains(r#""onward_transfer":"with_originator_authorisation""#), "{items}");
    let held = gateway.run(VERIFY).done();
    assert!(held.out.contains("holds: ISA-AL-2026-014: 2 items in items.jsonl"), "{}", held.out);
    gateway.run("pull --verify pages --cursor here --up-to 2 --verifier-key key.txt").done();
    let unsigned = gateway.run("pull --verify pages");
    assert!(unsigned.code == 2 && unsigned.out.starts_with("NOT proven"), "{unsigned:?}");
    assert!(unsigned.err.contains("give --verifier-key") && !unsigned.err.contains("--key "), "{unsigned:?}");
    for (line, said) in [
        ("pull --verify pages --verifier-key nokey.txt", "--verifier-key: nokey.txt: no such file"),
        ("pull --verify nosuch --verifier-key key.txt", "nosuch: No such file"),
    ] {
        let ran = gateway.run(line);
        assert!(ran.code == 1 && ran.err.contains(said), "{ran:?}");
    }
    let further = gateway.run("pull --verify pages --up-to 5 --verifier-key key.txt");
    assert!(further.code == 1 && further.err.contains("positions 3 to 5"), "{further:?}");

    let (first, second) = items.trim_end().split_once('\n').expect("two lines");
    let tampered = [
        (items.replace("GREEN", "CLEAR"), "line 1: position 1 is not what was received: document"),
        (
            items.replace("with_originator_authorisation", "none"),
            "position 1 is not what was received: onward_transfer",
        ),
        (format!("{second}\n"), "position 1 is left out"),
        (format!("{first}\n"), "at its end: position 2 is left out"),
        (format!("{first}\n{first}\n{second}\n"), "line 2: position 1 stands once more"),
        (format!("{second}\n{first}\n"), "is out of order"),
        (format!("{items}{}\n", second.replace("\"position\":2", "\"position\":3")), "position 3 is in no kept page"),
        ("a diary\n".into(), "line 1 is no item"),
    ];
    for (text, said) in tampered {
        gateway.write("items.jsonl", &text);
        let ran = gateway.run(VERIFY);
        assert!(ran.code == 1 && ran.err.contains(said), "{said}: {ran:?}");
    }
    gateway.write("items.jsonl", &items);
    let mut pages: Vec<_> =
        std::fs::read_dir(gateway.path("pages")).expect("a folder").map(|page| page.expect("one").path()).collect();
    pages.sort();
    let [first, second] = pages.as_slice() else { panic!("two pages: {pages:?}") };
    let last = std::fs::read(second).expect("readable");
    std::fs::remove_file(second).expect("removed");
    let cut = gateway.run(VERIFY);
    assert!(cut.code == 1 && cut.err.contains("the positions 2 to 2 are left out"), "{cut:?}");
    std::fs::write(second, std::fs::read(first).expect("readable")).expect("writable");
    let swapped = gateway.run(VERIFY);
    assert!(
        swapped.code == 1 && swapped.err.contains(": positions 2 to 2: "),
        "a page in the place of another: {swapped:?}"
    );
    assert_eq!(swapped.err.matches("does not hold").count(), 1, "{swapped:?}");
    std::fs::write(second, &last).expect("writable");
    gateway.run(VERIFY).done();
    gateway.stop();
}

#[test]
fn pages_that_are_kept_from_later_on_are_told_from_tampering_before_and_after() {
    let gateway = kept();
    std::fs::remove_dir_all(gateway.path("pages")).expect("removed");
    gateway.run("pull --limit 1 --cursor late --as al-police/feed").done();
    let warned = gateway.run("pull --limit 1 --cursor late --receipts pages --as al-police/feed").done();
    assert!(warned.err.contains("pages holds no pages of the positions 1 to 1"), "{warned:?}");
    for line in ["pull --verify pages --cursor late --verifier-key key.txt", VERIFY] {
        let begun = gateway.run(line);
        assert!(begun.code == 1 && begun.err.contains("the positions 1 to 1 are not kept here"), "{begun:?}");
        assert!(begun.out.contains("from position 2 up to position 2"), "{begun:?}");
        assert!(!begun.err.contains("does not hold"), "{begun:?}");
    }
    gateway.stop();
}

#[test]
fn a_pull_says_that_its_agreement_is_not_in_force() {
    let gateway = Gateway::start();
    let said = || gateway.run("pull --all --as al-police/feed").done().err.contains("the agreement is not in force");
    assert!(!said());
    signed(&gateway, "--suspend agreement ISA-AL-2026-014 --version 1", &["dpo"], "suspension.jsonl");
    let suspend = "agreement suspend ISA-AL-2026-014 --version 1 --approval suspension.jsonl";
    gateway.run(&format!("{suspend} {OPERATOR}")).done();
    assert!(said());
    gateway.stop();
}

#[test]
fn a_watch_goes_on_from_its_cursor_and_shares_it_with_pulls() {
    let gateway = kept();
    let items = gateway.read("items.jsonl");
    let watch = "watch --cursor watched --as al-police/feed";
    let mut feed = gateway.watch(watch);
    // What was released is read again as withdrawn.
    assert_eq!(member(&feed.next_line(), "position"), "1");
    assert_eq!(items.lines().nth(1), Some(feed.next_line().as_str()));
    feed.terminate();
    assert_eq!(member(&gateway.read("watched"), "position"), "2");
    let pulled = gateway.run("pull --all --cursor watched --as al-police/feed").done();
    assert!(pulled.out.is_empty(), "{pulled:?}");
    gateway.run("pull --limit 1 --cursor first --as al-police/feed").done();
    let mut feed = gateway.watch("watch --cursor first --as al-police/feed");
    assert_eq!(items.lines().nth(1), Some(feed.next_line().as_str()), "what the pull had does not come again");
    feed.terminate();
    let other = gateway.run("watch --cursor first --agreement ISA-VN-2026-021 --as al-police/feed");
    assert!(other.code == 1 && other.err.contains("a cursor of ISA-AL-2026-014"), "{other:?}");
    gateway.stop();
}

#[test]
fn what_goes_on_in_a_file_goes_on_behind_its_last_whole_line() {
    let gateway = kept();
    let items = gateway.read("items.jsonl");
    gateway.write("items.jsonl", &format!("{items}{{\"position\":3,"));
    let again = gateway.run(PULL).done();
    assert!(again.err.contains("not all there"), "{}", again.err);
    assert_eq!(gateway.read("items.jsonl"), items);
    gateway.run(VERIFY).done();
    gateway.stop();
}

/// A gateway with three records in the partner's feed, each of which has left once, and an agreement that then states this quota. Gives
/// the first record too.
fn with_quota(quota: &str) -> (Gateway, String) {
    let gateway = Gateway::start();
    let first = submitted(&gateway);
    let line = gateway.read("records.jsonl");
    let more = ["s-2", "s-3"].map(|id| line.replace("s-1", id).replace("77120", id));
    gateway.write("more.jsonl", &more.join("\n"));
    gateway.run(&format!("submit more.jsonl {CASES}")).done();
    let mut feed = gateway.watch("watch --as al-police/feed");
    (0..3).for_each(|_| drop(feed.next_line()));
    drop(feed);
    let text = gateway.read("config/agreements/ISA-AL-2026-014.toml").replacen("version = 1", "version = 2", 1);
    gateway.write("quota.toml", &format!("{text}\n[quota]\n{quota}\n"));
    signed(&gateway, "quota.toml", &["dpo", "director"], "approvals.jsonl");
    gateway.run(&format!("agreement activate quota.toml --approval approvals.jsonl {OPERATOR}")).done();
    (gateway, first)
}

#[test]
fn a_pull_that_is_too_fast_for_its_agreement_waits_as_it_is_told() {
    let (gateway, _) = with_quota("requests_per_second = 1");
    let pulled = gateway.run("pull --all --limit 1 --as al-police/feed").done();
    assert_eq!(pulled.out.lines().count(), 3);
    gateway.stop();
}

#[test]
fn a_pull_stops_at_the_days_quota_and_still_reads_the_withdrawals_behind_it() {
    // Three records have left today.
    let (gateway, one) = with_quota("records_per_day = 5");
    let pull = "pull --all --cursor here --out items.jsonl --receipts pages --as al-police/feed";
    let stopped = gateway.run(pull);
    assert!(
        stopped.code == 1 && stopped.err.contains("from position 3 on, records are put off until 2"),
        "{stopped:?}"
    );
    assert_eq!(gateway.read("items.jsonl").lines().count(), 2);
    let cursor = gateway.read("here");
    assert_eq!((member(&cursor, "position"), member(&cursor, "ahead/position")), ("2".into(), "3".into()));

    let explained = gateway.run(&format!("explain {one} --partner al-police --json {CASES}")).done().out;
    assert_eq!(member(&explained, "position"), "1");
    gateway.run(&format!("withdraw {one} --expected-version 1 {CASES}")).done();
    let ahead = gateway.run(pull);
    assert!(ahead.code == 1 && ahead.err.contains("withdrawals were read on to position 4"), "{ahead:?}");
    let items = gateway.read("items.jsonl");
    let last = items.lines().last().expect("three lines");
    assert_eq!((items.lines().count(), member(last, "position")), (3, "4".into()));
    assert_eq!(member(last, "withdrawn"), member(items.lines().next().expect("three lines"), "item_id"));
    assert_eq!(member(&gateway.read("here"), "cursor"), member(&cursor, "cursor"), "the cursor stays");
    let again = gateway.run(pull);
    let repeated = gateway.read("items.jsonl");
    assert_eq!(
        (again.code, repeated),
        (1, format!("{items}{last}\n")),
        "what was read ahead may come again: {again:?}"
    );
    let verified = gateway.run("pull --verify items.jsonl --receipts pages --cursor here");
    assert!(verified.code == 2 && verified.out.contains("4 items in items.jsonl"), "{verified:?}");
    gateway.stop();
}
