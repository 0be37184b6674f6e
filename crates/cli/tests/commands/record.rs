//! A record restricted, held and erased.

use crate::party::{Gateway, Ran};
use crate::{CASES, OWNER, SUBJECT, approved, member, submitted};

fn refused(ran: &Ran, reason: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains(&format!("({reason})")), "{reason}: {ran:?}");
}

#[test]
fn a_record_is_restricted_held_and_erased_and_its_story_is_told() {
    let gateway = Gateway::start();
    let record = submitted(&gateway);
    let mut feed = gateway.watch("watch --as al-police/feed");
    let first = member(&feed.next_line(), "item_id");
    gateway.run(&format!("restrict {record} --expected-version 1 {CASES}")).done();
    assert_eq!(member(&feed.next_line(), "withdrawn"), first);
    gateway.run(&format!("restrict {record} --expected-version 1 --lift {CASES}")).done();
    let second = member(&feed.next_line(), "item_id");

    gateway.run(&format!("hold set {record} {OWNER}")).done();
    let plan = gateway.run_with(&format!("erase plan --subject-from - --out plan.json {OWNER}"), SUBJECT).done();
    assert!(plan.out.contains(&record) && plan.out.contains("legal hold"), "{plan:?}");
    assert!(!gateway.read("plan.json").contains(SUBJECT));
    approved(&gateway, "plan.json", "approvals.jsonl");
    let order = format!("erase order plan.json --subject-from - --approval approvals.jsonl {OWNER}");
    refused(&gateway.run_with(&order, SUBJECT), "legal-hold");
    gateway.run(&format!("hold lift {record} {OWNER}")).done();
    let due = gateway.run(&format!("retention --dry-run {OWNER}")).done();
    assert!(due.err.contains("1 records state no last day"), "{due:?}");

    let one = gateway.read("approvals.jsonl");
    gateway.write("one.jsonl", one.lines().next().expect("two lines"));
    let alone = format!("erase order plan.json --subject-from - --approval one.jsonl {OWNER}");
    assert!(gateway.run_with(&alone, SUBJECT).err.contains("two persons"));
    let tampered = gateway.read("plan.json").replace(&record, &"0".repeat(32));
    gateway.write("tampered.json", &tampered);
    assert!(gateway.run("approve tampered.json").err.contains("do not sign it"));
    gateway.run_with(&order, SUBJECT).done();
    assert_eq!(member(&feed.next_line(), "withdrawn"), second);

    let story = gateway.run(&format!("audit query --record {record} --as gb-nca/audit")).done().out;
    let steps = ["accepted", "released", "restricted", "unrestricted", "hold-set", "hold-lifted", "erasure-ordered"];
    let mut rest = story.as_str();
    for step in steps.into_iter().chain(["erasure-complete"]) {
        let (_, after) = rest.split_once(&format!("({step})")).unwrap_or_else(|| panic!("no {step} in\n{story}"));
        rest = after;
    }
    assert!(!story.contains(SUBJECT));
    drop(feed);
    gateway.stop();
}
