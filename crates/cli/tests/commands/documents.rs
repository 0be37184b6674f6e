//! An agreement from the proposal to its suspension, as its operator and its approving persons do it.

use crate::party::Gateway;
use crate::{CASES, member, submitted};

pub(crate) const OPERATOR: &str = "--as gb-nca/operations";

/// What each of these persons signs, into a file.
pub(crate) fn signed(gateway: &Gateway, what: &str, persons: &[&str], file: &str) {
    let sign = |person: &&str| gateway.run(&format!("document approve {what} --person gb-nca/{person}")).done().out;
    gateway.write(file, &persons.iter().map(sign).collect::<String>());
}

#[test]
fn an_agreement_is_compared_approved_brought_into_force_and_suspended() {
    let gateway = Gateway::start();
    let record = submitted(&gateway);
    let item = member(&gateway.watch("watch --as al-police/feed").next_line(), "item_id");
    let text = gateway.read("config/agreements/ISA-AL-2026-014.toml");
    let narrower =
        text.replacen("version = 1", "version = 2", 1).replace("nationalities = [\"AL\"]", "nationalities = [\"XK\"]");
    gateway.write("narrower.toml", &narrower);
    gateway.run("agreement check narrower.toml").done();

    let diff = gateway.run(&format!("agreement diff narrower.toml {OPERATOR}")).done().out;
    assert!(diff.contains("of 1 records 1 are granted, and 0 would be") && diff.contains("1 lost"), "{diff}");
    gateway.write("in-force.toml", &text);
    let both = gateway.run(&format!("agreement diff narrower.toml in-force.toml --json {OPERATOR}")).done().out;
    assert_eq!((member(&both, "changes/0/change"), member(&both, "granted_after")), ("gained".into(), "1".into()));

    let again = gateway.run(&format!("document propose in-force.toml {OPERATOR}"));
    assert!(again.code == 1 && again.out.contains("in-force.toml: "), "{again:?}");
    let proposed = gateway.run(&format!("document propose narrower.toml {OPERATOR}")).done();
    assert!(
        proposed.out.contains("version 1 is in force") && proposed.err.contains("two persons of gb-nca"),
        "{proposed:?}"
    );
    signed(&gateway, "narrower.toml", &["dpo"], "one.jsonl");
    signed(&gateway, "narrower.toml", &["director"], "other.jsonl");
    let alone = gateway.run(&format!("agreement activate narrower.toml --approval one.jsonl {OPERATOR}"));
    assert_eq!(alone.code, 1, "{alone:?}");
    let wrong =
        gateway.run(&format!("agreement activate certs-dev/agencies/al-police.toml --approval one.jsonl {OPERATOR}"));
    assert!(wrong.code == 1 && wrong.err.contains("this is the agency file al-police"), "{wrong:?}");
    let line = format!("agreement activate narrower.toml --approval one.jsonl --approval other.jsonl {OPERATOR}");
    gateway.run(&line).done();
    let after = gateway.run("pull --as al-police/feed").done().out;
    assert_eq!(member(after.lines().next().expect("the position stays"), "withdrawn"), item);

    signed(&gateway, "--suspend agreement ISA-AL-2026-014 --version 2", &["dpo"], "suspension.jsonl");
    let suspend = |version: u32| {
        gateway.run(&format!(
            "agreement suspend ISA-AL-2026-014 --version {version} --approval suspension.jsonl {OPERATOR}"
        ))
    };
    let other = suspend(1);
    assert!(other.err.contains("there are approvals of: the suspension of the agreement"), "{other:?}");
    suspend(2).done();
    assert!(suspend(2).err.contains("(already-suspended)"));
    let explained = gateway.run(&format!("explain {record} --partner al-police {CASES}")).done().out;
    assert!(explained.contains("not shown"), "{explained}");
    gateway.run("pull --all --as al-police/feed").done();
    gateway.stop();
}

#[test]
fn a_version_that_begins_later_says_so_when_it_is_brought_in() {
    let gateway = Gateway::start();
    let text = gateway.read("config/agreements/ISA-AL-2026-014.toml").replacen("version = 1", "version = 2", 1);
    let later = |day: &str| {
        text.replacen("valid_until = 2028-12-31", "valid_until = 9999-12-31", 1).replacen(
            "valid_from = 2026-01-01",
            &format!("valid_from = {day}"),
            1,
        )
    };
    gateway.write("later.toml", &later("9999-12-01"));
    let proposed = gateway.run(&format!("document propose later.toml {OPERATOR}")).done().out;
    assert!(proposed.contains("version 1 is in force\n  this one would be from 9999-12-01 on"), "{proposed}");
    signed(&gateway, "later.toml", &["dpo", "director"], "approvals.jsonl");
    let line = format!("agreement activate later.toml --approval approvals.jsonl {OPERATOR}");
    let activated = gateway.run(&line).done().out;
    assert!(activated.contains("version 2 is approved, and in force from 9999-12-01 on"), "{activated}");
    let proposed = gateway.run(&format!("document propose later.toml {OPERATOR}"));
    assert!(proposed.out.contains("version 2 waits for its first day already"), "{proposed:?}");
    gateway.stop();
}

#[test]
fn a_suspended_agency_reads_withdrawals_and_nothing_else() {
    let gateway = Gateway::start();
    signed(&gateway, "--suspend agency vn-police --version 1", &["director"], "suspension.jsonl");
    let shown = gateway.run("document approve --suspend agency vn-police --version 1").done();
    assert!(shown.out.contains("may read withdrawals") && shown.err.contains("nothing is signed"), "{shown:?}");
    let line = format!("document suspend agency vn-police --version 1 --approval suspension.jsonl {OPERATOR}");
    gateway.run(&line).done();
    gateway.run("pull --as vn-police/feed").done();
    let count = gateway.run("count --list --as vn-police/feed");
    assert!(count.code == 1 && count.err.contains("suspended"), "{count:?}");
    gateway.stop();
}
