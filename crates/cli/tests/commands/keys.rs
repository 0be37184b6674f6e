//! Every rotation, and the backup of the keys.

use crate::party::Gateway;
use crate::{member, submitted};

#[test]
fn every_key_is_rotated_while_the_gateway_runs() {
    let gateway = Gateway::start();
    submitted(&gateway);
    let mut feed = gateway.watch("watch --as al-police/feed");
    let before = member(&feed.next_line(), "document/subject_reference");
    let operator = "--as gb-nca/operations";
    gateway.run("audit checkpoint --key-out old.txt --as gb-nca/audit").done();
    gateway.run("audit prove 3 --out old-proof.txt --as gb-nca/audit").done();
    gateway.run(&format!("keys rotate --feed ISA-AL-2026-014 {operator}")).done();
    let again = feed.next_line();
    let after = member(&again, "document/subject_reference");
    assert!(after.starts_with("p2-") && after != before, "{again}");
    assert_eq!(member(&again, &format!("pseudonyms/{before}")), after, "planned: the old one beside the new");
    gateway.run(&format!("keys rotate --feed ISA-AL-2026-014 --compromised {operator}")).done();
    let last = feed.next_line();
    assert!(member(&last, "document/subject_reference").starts_with("p3-") && !last.contains("p2-"), "{last}");
    for which in ["--pages", "--root", "--signing"] {
        gateway.run(&format!("keys rotate {which} {operator}")).done();
    }
    gateway.run("audit checkpoint --key-out new.txt --as gb-nca/audit").done();
    assert_ne!(gateway.read("old.txt"), gateway.read("new.txt"));
    gateway.run("audit prove 3 --out new-proof.txt --as gb-nca/audit").done();
    gateway.run("verify old-proof.txt --key old.txt").done();
    gateway.run("verify new-proof.txt --key new.txt").done();
    gateway.run("verify new-proof.txt --key old.txt").done();

    gateway.run(&format!("keys rotate --signing --compromised {operator}")).done();
    gateway.run("audit checkpoint --key-out newest.txt --as gb-nca/audit").done();
    gateway.run("audit prove 3 --out newest-proof.txt --as gb-nca/audit").done();
    for key in ["old.txt", "new.txt"] {
        let refused = gateway.run(&format!("verify newest-proof.txt --key {key}"));
        assert!(refused.code == 1 && refused.err.contains("rotated"), "{}", refused.err);
    }
    gateway.write("all.txt", &["old.txt", "new.txt", "newest.txt"].map(|key| gateway.read(key)).concat());
    for proof in ["old-proof.txt", "new-proof.txt", "newest-proof.txt"] {
        gateway.run(&format!("verify {proof} --key all.txt")).done();
    }
    gateway.run("pull --all --verifier-key all.txt --as al-police/feed").done();
    let old = gateway.read("old.txt");
    let refused = gateway.run("audit checkpoint --key-out old.txt --as gb-nca/audit");
    assert!(refused.code == 1 && refused.err.contains("rotated"), "{}", refused.err);
    assert_eq!(gateway.read("old.txt"), old, "a pinned key stays");

    gateway.run("keys new --out kept").done();
    gateway.run("keys backup --recipient kept/sealing.pub --out keys.backup").done();
    gateway.run("keys restore keys.backup --key kept/sealing.key --into restored").done();
    for name in ["root.key", "ring"] {
        let read = |folder: &str| std::fs::read(gateway.path(folder).join(name)).expect("there");
        assert!(read("data/keys") == read("restored"), "{name}");
    }
    drop(feed);
    gateway.stop();
}
