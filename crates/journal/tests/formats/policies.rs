//! Trust policies: what they may say, each fault with its line, and what they say of checkpoints.

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{Checkpoint, JournalError, MAX_POLICY_BYTES, Policy, VerifierKey, cosign};

const ORIGIN: &str = "log.example";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn log_key(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::new(name, key(seed).public_key()).expect("a name")
}

fn witness_key(seed: u8) -> VerifierKey {
    VerifierKey::cosigner(&format!("witness.example/{seed}"), key(seed).public_key()).expect("a name")
}

/// The specification's example: two of three, and one of three others.
fn example() -> String {
    let mut lines = vec![
        "# who we believe".to_owned(),
        format!("\tlog {} https://log.example/ ", log_key(ORIGIN, 1)),
        String::new(),
    ];
    for seed in 11..=16 {
        lines.push(format!("witness {}{} {}", if seed < 14 { "X" } else { "Y" }, seed, witness_key(seed)));
    }
    lines.push("group X 2 X11 X12 X13".into());
    lines.push("group Y any  Y14\tY15 Y16".into());
    lines.push("group X-and-Y all X Y".into());
    lines.push("quorum X-and-Y".into());
    lines.join("\n") + "\n"
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: 17, root: Digest([3; 32]) }
}

/// The checkpoint signed by the log, and cosigned by these witnesses at these times.
fn cosigned(by: &[(u8, u64)]) -> String {
    let note = checkpoint().sign(&key(1));
    let lines = by
        .iter()
        .map(|(seed, time)| cosign(&note, witness_key(*seed).name(), &key(*seed), *time).expect("a checkpoint"));
    let lines: String = lines.collect();
    note + &lines
}

/// The faults of a policy, each as its line and what is said of it.
fn faults(text: &str) -> Vec<(usize, &'static str)> {
    match Policy::parse(text) {
        Err(JournalError::Policy(faults)) => faults.iter().map(|fault| (fault.line, fault.what)).collect(),
        other => panic!("not refused for its lines: {other:?}"),
    }
}

#[test]
fn the_example_of_the_specification() {
    let policy = Policy::parse(&example()).expect("a good policy");
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.logs()[0].key, log_key(ORIGIN, 1));
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses().len(), 6);
    assert_eq!((policy.witnesses()[5].name.as_str(), &policy.witnesses()[5].url), ("Y16", &None));
    assert!(policy.asks_for_witnesses());
    for (by, quorum_time) in [
        (&[][..], None),
        (&[(11, 100), (12, 100), (13, 100)][..], None),
        (&[(11, 100), (14, 100), (15, 100)][..], None),
        (&[(11, 100), (13, 90), (15, 200)][..], Some(90)),
        (&[(11, 100), (13, 90), (15, 80)][..], Some(80)),
        (&[(11, 100), (12, 300), (13, 200), (14, 50), (15, 400), (16, 60)][..], Some(200)),
    ] {
        let verdict = policy.check(&cosigned(by)).expect("signed by the log");
        assert_eq!(verdict.checkpoint, checkpoint());
        assert_eq!(verdict.log_keys, [log_key(ORIGIN, 1)]);
        assert_eq!(verdict.newest_quorum_time, quorum_time, "{by:?}");
        assert_eq!(verdict.quorum, quorum_time.is_some());
        let names: Vec<String> = by.iter().map(|(at, _)| format!("{}{at}", if *at < 14 { "X" } else { "Y" })).collect();
        let said: Vec<(String, u64)> = names.iter().cloned().zip(by.iter().map(|(_, time)| *time)).collect();
        assert_eq!(verdict.cosigned, said);
        assert_eq!(policy.is_quorum(names.iter().map(String::as_str)), quorum_time.is_some());
    }
    assert!(!policy.is_quorum(["X11", "X11", "Y14", "Z"]), "one witness twice is one witness");
}

#[test]
fn the_logs_signature_is_needed_and_each_known_signature_must_be_good() {
    let policy = Policy::parse(&example()).expect("a good policy");
    let unsigned = JournalError::Signature("none of them is by the expected key");
    assert_eq!(policy.check(&checkpoint().sign(&key(2))), Err(unsigned.clone()));
    let note = cosigned(&[(11, 100)]);
    let (text, signatures) = note.split_once("\n\n").expect("a note");
    let (_, by_witness) = signatures.split_once('\n').expect("two lines");
    assert_eq!(policy.check(&format!("{text}\n\n{by_witness}")), Err(unsigned.clone()), "a witness is no log");
    let stranger = checkpoint().sign(&key(2)).replace(&checkpoint().to_string(), "").replacen('\n', "", 1);
    assert!(policy.check(&format!("{note}{stranger}")).is_ok(), "an unknown key is passed over");
    let moved = note.replace("\n17\n", "\n18\n");
    assert_eq!(policy.check(&moved), Err(JournalError::Signature("it does not verify")));
    let other = Checkpoint { size: 18, ..checkpoint() };
    let elsewhere = cosign(&other.sign(&key(1)), witness_key(12).name(), &key(12), 100).expect("a checkpoint");
    let bad = policy.check(&format!("{note}{elsewhere}"));
    assert_eq!(bad, Err(JournalError::Signature("a cosignature does not verify")));
    // The log's own key under a note that says it is of another log.
    let pretending = causeway_journal::note::sign(
        "other.example\n17\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n",
        ORIGIN,
        &key(1),
    );
    assert_eq!(policy.check(&pretending), Err(JournalError::Origin));
    let text = causeway_journal::note::sign("no checkpoint\n", ORIGIN, &key(1));
    assert!(matches!(policy.check(&text), Err(JournalError::Note(_))));
    let nobody = Policy::parse("quorum none\n").expect("a policy without logs");
    assert_eq!(nobody.check(&note), Err(unsigned), "a policy that names no log believes none");
}

#[test]
fn the_old_and_the_new_key_of_a_rotation_are_both_believed() {
    let text = format!("log {}\nlog {}\nquorum none\n", log_key(ORIGIN, 2), log_key(ORIGIN, 1));
    let policy = Policy::parse(&text).expect("a good policy");
    let keys = |note: &str| policy.check(note).expect("signed").log_keys;
    assert_eq!(keys(&checkpoint().sign(&key(1))), [log_key(ORIGIN, 1)]);
    assert_eq!(keys(&checkpoint().sign(&key(2))), [log_key(ORIGIN, 2)]);
    let both = checkpoint().sign_with(&[&key(2), &key(1)]);
    assert_eq!(keys(&both), [log_key(ORIGIN, 2), log_key(ORIGIN, 1)]);
    let verdict = policy.check(&both).expect("signed");
    assert_eq!((verdict.quorum, verdict.newest_quorum_time), (true, None), "no witness is asked for");
    let of_key = Policy::of_key(log_key(ORIGIN, 1));
    assert!(!of_key.asks_for_witnesses());
    assert_eq!(of_key.check(&both).expect("signed").log_keys, [log_key(ORIGIN, 1)]);
    assert_eq!(of_key.with_log_keys(&[log_key(ORIGIN, 2), log_key(ORIGIN, 1)]).logs().len(), 2);
}

#[test]
fn each_fault_is_told_with_its_line() {
    let text = format!(
        "log\nlog {log}\nlog {log}\nlog {as_log}\nlog nonsense\nwitness a {witness} url extra\nwitness none {witness}\n\
         witness a {witness} https://a.example\nwitness a {second}\nwitness b {log_again}\nwitness c {renamed}\ngroup g\n\
         group g 1\ngroup g 0 a\ngroup h 3 a b\ngroup i 1 a j\ngroup k any a\ngroup l all k a\nGROUP m any b\ngroup m any m\n\
         group n 01 c\ncontrol\u{1} {{}}\nquorum z\nquorum none\n",
        log = log_key(ORIGIN, 1),
        as_log = witness_key(12),
        witness = witness_key(11),
        second = witness_key(13),
        log_again = log_key("b", 14),
        renamed = VerifierKey::cosigner("renamed", key(11).public_key()).expect("a name"),
    );
    let threshold = "the threshold is not all, any or a number from 1 to that of the members";
    let of_group = "not of the form: group NAME all|any|NUMBER MEMBER...";
    let expected = [
        (1, "not of the form: log KEY [URL]"),
        (3, "the key is on an earlier line too"),
        (4, "the log's key is a witness's"),
        (5, "the key is malformed, or of a type that is not supported"),
        (6, "not of the form: witness NAME KEY [URL]"),
        (7, "the name none has a meaning of its own"),
        (9, "the name is defined above"),
        (10, "the witness's key is none for cosignatures (type 4)"),
        (11, "the key is on an earlier line too"),
        (12, of_group),
        (13, of_group),
        (14, threshold),
        (15, threshold),
        (16, "a member is not defined above"),
        (17, "a member is in a group already"),
        (18, "a member is in a group already"),
        (19, "it begins with none of log, witness, group, quorum"),
        (20, "a member is not defined above"),
        (21, threshold),
        (22, "a control character"),
        (23, "the quorum's name is not defined above"),
        (24, "a second quorum line"),
    ];
    assert_eq!(faults(&text), expected);
    let said = Policy::parse("quorum none\nlog\nwitness\n").expect_err("two faults").to_string();
    assert_eq!(said, "policy: line 2: not of the form: log KEY [URL]; line 3: not of the form: witness NAME KEY [URL]");
}

#[test]
fn a_policy_is_whole_or_nothing() {
    let no_quorum = (0, "there is no quorum line");
    assert_eq!(faults(""), [no_quorum]);
    assert_eq!(faults(&example().replace("quorum X-and-Y\n", "")), [no_quorum]);
    assert_eq!(faults("quorum none"), [(0, "the last line does not end: was the file cut off?")]);
    assert_eq!(faults("quorum none\r\n"), [(1, "a control character"), no_quorum]);
    assert_eq!(faults("quorum\u{a0}none\n").len(), 2, "only spaces and tabs part the items");
    assert_eq!(faults("quorum later\nwitness later key\n")[0], (1, "the quorum's name is not defined above"));
    let too_large = JournalError::TooLarge { what: "policy", limit: MAX_POLICY_BYTES };
    assert_eq!(Policy::parse(&"#\n".repeat(MAX_POLICY_BYTES)), Err(too_large));
}

#[test]
fn thirty_two_of_each_are_taken_and_not_one_more() {
    let names: Vec<String> = (0..32).map(|at| format!("w{at}")).collect();
    let mut text = String::new();
    for (at, name) in (0u8..).zip(&names) {
        text += &format!("log {}\nwitness {name} {}\n", log_key(ORIGIN, 100 + at), witness_key(200 + at));
    }
    text += &format!("group g0 all {}\n", names.join(" "));
    for at in 1..32 {
        text += &format!("group g{at} any g{}\n", at - 1);
    }
    let quorum = text.clone() + "quorum g31\n";
    let policy = Policy::parse(&quorum).expect("32 of each");
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (32, 32));
    let keys: Vec<SigningKey> = (100..132).map(key).collect();
    let mut note = checkpoint().sign_with(&keys.iter().collect::<Vec<_>>());
    for seed in 200..232 {
        note += &cosign(&checkpoint().sign(&key(100)), witness_key(seed).name(), &key(seed), 5).expect("a checkpoint");
    }
    let verdict = policy.check(&note).expect("64 signatures fit on a note");
    assert_eq!((verdict.log_keys.len(), verdict.cosigned.len(), verdict.newest_quorum_time), (32, 32, Some(5)));
    let one_more =
        format!("{text}log {}\nwitness one {}\ngroup more any g31\nquorum g31\n", log_key(ORIGIN, 1), witness_key(2));
    let said: Vec<&str> = faults(&one_more).into_iter().map(|(_, what)| what).collect();
    assert_eq!(said, ["more than 32 logs", "more than 32 witnesses", "more than 32 groups"]);
}
