//! Files of records that are no regular files, and such as hold nothing.

use std::process::Command;

use crate::CASES;
use crate::party::Gateway;

#[test]
fn what_comes_through_a_pipe_is_sent_and_what_holds_nothing_is_an_error() {
    let gateway = Gateway::start();
    let sample = gateway.run("sample --count 3 --seed 9").done().out;
    let checked = gateway.run_with(&format!("validate - {CASES}"), &sample).done();
    assert!(checked.out.contains("3 records: 3 valid"), "{}", checked.out);
    let sent = gateway.run_with(&format!("submit - --receipts receipts.jsonl {CASES}"), &sample).done();
    assert!(sent.out.contains("3 submissions: 3 accepted"), "{}", sent.out);
    assert_eq!(gateway.read("receipts.jsonl").lines().count(), 3);

    gateway.write("more.jsonl", &gateway.run("sample --count 4 --seed 10").done().out);
    assert!(Command::new("mkfifo").arg(gateway.path("fifo")).status().expect("runs").success());
    let (from, to) = (gateway.path("more.jsonl"), gateway.path("fifo"));
    let writer = std::thread::spawn(move || std::fs::copy(from, to));
    let sent = gateway.run(&format!("submit fifo {CASES}")).done();
    assert!(sent.out.contains("4 submissions: 4 accepted"), "{}", sent.out);
    writer.join().expect("no panic").expect("taken whole");

    gateway.write("empty.jsonl", "\n\n");
    for line in ["submit -", "submit empty.jsonl", "validate -", "validate empty.jsonl", "submit config"] {
        let ran = gateway.run(&format!("{line} {CASES}"));
        assert_eq!(ran.code, 1, "{line}: {}", ran.err);
        assert!(ran.err.contains("there is no line in it") || line == "submit config", "{line}: {}", ran.err);
    }
    gateway.stop();
}

#[test]
fn an_import_through_a_pipe_is_sent_and_one_that_brings_nothing_is_an_error() {
    let gateway = Gateway::start();
    let import = |file: &str, input: &str| {
        gateway.run_with(&format!("import --map config/imports/nrm-referral.toml {file} {CASES}"), input)
    };
    let rubbish = import("-", r#"{"what":"rubbish"}"#);
    assert_eq!(rubbish.code, 1, "{}{}", rubbish.out, rubbish.err);
    assert!(rubbish.out.contains("1 rows: 0 accepted") && rubbish.err.contains("none of 1 rows"), "{}", rubbish.err);
    let empty = import("-", "[]");
    assert!(empty.code == 1 && empty.err.contains("there is no row in it"), "{}", empty.err);
    gateway.stop();
}
