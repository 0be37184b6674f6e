//! An identity, from the partner's question to the partner's hands.

use crate::party::Gateway;
use crate::{OWNER, PARTNER, SUBJECT, approved, member, submitted, word_after};

#[test]
fn an_identity_reaches_the_partner_that_asked_and_nobody_else() {
    let gateway = Gateway::start();
    let record = submitted(&gateway);
    let mut feed = gateway.watch("watch --as al-police/feed");
    let item = feed.next_line();
    let (pseudonym, position) = (member(&item, "document/subject_reference"), member(&item, "position"));
    gateway.run(&format!("pseudonym check {pseudonym}")).done();
    assert_eq!(gateway.run(&format!("pseudonym check {pseudonym}x")).code, 1);

    let ask = format!("identity request --pseudonym {pseudonym} --position {position} --case-from - {PARTNER}");
    let id = word_after(&gateway.run_with(&ask, "OP-CEDAR-4").done().out, "request ");
    let listed = gateway.run(&format!("identity list --open --save requests {OWNER}")).done();
    assert!(listed.out.contains(&record) && listed.out.contains("requested"), "{listed:?}");
    let theirs = gateway.run(&format!("identity list {PARTNER}")).done();
    assert!(theirs.out.contains(&id) && !theirs.out.contains(&record), "a partner learns no record id: {theirs:?}");

    let early = gateway.run(&format!("identity release {id} --out early.json {OWNER}"));
    assert_eq!(early.code, 1, "{early:?}");
    assert!(!gateway.path("early.json").exists(), "nothing came");
    let request = format!("requests/{id}.json");
    assert!(gateway.run(&format!("approve {request}")).done().out.contains("OP-CEDAR-4"));
    approved(&gateway, &request, "approvals.jsonl");
    let both = gateway.run(&format!("identity approve {id} --approval approvals.jsonl {OWNER}")).done();
    assert!(both.out.contains("1 of 2") && both.out.contains("to be released until"), "{both:?}");

    gateway.run(&format!("identity release {id} --out sealed.json {OWNER}")).done();
    assert_eq!(gateway.run(&format!("identity release {id} --out again.json {OWNER}")).code, 1, "once");
    let opened = gateway.run("identity open sealed.json --key certs-dev/gb-nca/sealing.key").done();
    assert!(opened.out.contains(SUBJECT) && opened.err.contains("SECRET"), "{}", opened.err);
    assert!(gateway.run("identity open sealed.json --key certs-dev/al-police/sealing.key").code != 0);
    let reseal = "identity reseal sealed.json --key certs-dev/gb-nca/sealing.key --out resealed.json";
    assert_eq!(gateway.run(reseal).code, 64, "to whom is the owner's to say");
    let another = gateway.run(&format!("{reseal} --to-agency-file certs-dev/agencies/vn-police.toml"));
    assert!(another.code == 1 && !gateway.path("resealed.json").exists(), "{another:?}");
    gateway.run(&format!("{reseal} --to-agency-file certs-dev/agencies/al-police.toml")).done();
    gateway.run(&format!("identity deliver {id} resealed.json {OWNER}")).done();
    gateway.run(&format!("identity collect {id} --out mine.json {PARTNER}")).done();
    let opened = gateway.run("identity open mine.json --key certs-dev/al-police/sealing.key").done();
    assert!(opened.out.contains(SUBJECT), "{}", opened.err);

    for file in ["sealed.json", "resealed.json", "mine.json", &request] {
        assert!(!gateway.read(file).contains(SUBJECT), "{file}");
    }
    let ask = format!("identity request --record {record} --case OP-2 {OWNER}");
    let second = word_after(&gateway.run(&ask).done().out, "request ");
    gateway.run(&format!("identity refuse {second} --reason not-needed {OWNER}")).done();
    drop(feed);
    gateway.stop();
}
