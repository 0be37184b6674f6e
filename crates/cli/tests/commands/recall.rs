//! Who sees a record and why, who has received it, and the recall of one whose person is in danger.

use crate::party::Gateway;
use crate::{CASES, member, submitted};

#[test]
fn a_record_is_explained_and_recalled_and_its_holder_acknowledges() {
    let gateway = Gateway::start();
    let record = submitted(&gateway);
    let unread = gateway.run(&format!("holders {record} {CASES}")).done();
    assert!(unread.out.is_empty() && unread.err.contains("nobody has received"), "{unread:?}");
    let mut feed = gateway.watch("watch --as al-police/feed");
    let item = member(&feed.next_line(), "item_id");

    let shown = gateway.run(&format!("explain {record} --partner al-police {CASES}")).done().out;
    assert!(shown.contains("ISA-AL-2026-014 version 1: shown at position 1, through ISA-AL-2026-014/c3.1"), "{shown}");
    assert!(
        shown.lines().any(|line| line.trim_start().starts_with("nationalities[]  ") && line.contains("country")),
        "{shown}"
    );
    let auditor = "--as-auditor --as gb-nca/audit";
    let denied = gateway.run(&format!("explain {record} --agreement ISA-VN-2026-021 {auditor}")).done().out;
    assert!(denied.contains("ISA-VN-2026-021 version 1: not shown: "), "{denied}");
    let one =
        gateway.run(&format!("explain {record} --partner al-police --field family_name --json {CASES}")).done().out;
    assert_eq!((member(&one, "shown"), member(&one, "fields/0/leaves")), ("true".into(), "false".into()));
    let unknown = gateway.run(&format!("explain {record} --partner al-police --field nothing {CASES}"));
    assert!(unknown.code == 1 && unknown.err.contains("(unknown-field)"), "{unknown:?}");
    let others = gateway.run(&format!("explain {record} --partner al-police --as al-police/feed"));
    assert_eq!(others.code, 1, "{others:?}");

    let holders = format!("holders {record} --json {CASES}");
    let held = gateway.run(&holders).done().out;
    assert_eq!((member(&held, "agency"), member(&held, "shown_version")), ("al-police".into(), "1".into()));
    assert!(!held.contains("recalled_at"), "{held}");
    let flag = format!("at-risk {record} --submission-id flag-1 {CASES}");
    let flagged = gateway.run(&flag).done().out;
    assert!(flagged.contains("1 partner has received it") && flagged.contains("al-police"), "{flagged}");
    gateway.run(&flag).done();
    assert_eq!(member(&feed.next_line(), "withdrawn"), item);
    let due = gateway.run(&holders).done().out;
    assert_eq!(member(&due, "overdue"), "false");
    assert!(due.contains("acknowledge_by") && !due.contains("acknowledged_at"), "{due}");

    let acknowledged = gateway.run("acknowledge --item 2 --operator inspector-hoxha --as al-police/feed").done().out;
    assert!(acknowledged.contains("item 2 is acknowledged; all are up to position "), "{acknowledged}");
    let done = gateway.run(&format!("holders {record} {CASES}")).done();
    assert!(done.out.contains(" by \"inspector-hoxha\", after ") && done.err.contains("0 overdue"), "{done:?}");
    gateway.run("pull --limit 1 --as al-police/feed").done();
    let story = gateway.run(&format!("audit query --record {record} --as gb-nca/audit")).done().out;
    assert!(story.contains("a person in it is in danger"), "{story}");
    assert!(story.contains("positions 1 to 1, the record's content left"), "{story}");
    assert!(story.contains("positions 1 to 1, its content did not leave"), "{story}");
    drop(feed);
    gateway.stop();
}

#[test]
fn numbers_that_are_not_there_are_said_not_to_be() {
    let gateway = Gateway::start();
    let list = gateway.run("count --list --as al-police/feed").done();
    assert!(
        list.out.is_empty()
            && list.err.contains("nothing has been published yet")
            && list.err.contains("after the end of its period"),
        "{list:?}"
    );
    let table = gateway.run("count --table t1 --by nationality,gender --as al-police/feed");
    assert!(table.code == 1 && table.err.contains("the gateway refused this ("), "{table:?}");
    gateway.stop();
}
