//! A feed as it is kept by its partner: verified again offline, whatever was done to it.

use crate::party::Gateway;
use crate::{CASES, submitted};

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
    assert_eq!(gateway.run(VERIFY).code, 1, "a page in the place of another");
    std::fs::write(second, &last).expect("writable");
    gateway.run(VERIFY).done();
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
