//! A witness from its key to its stop, through the binary.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use causeway_crypto::{SigningKey, sha256};
use causeway_journal::{Checkpoint, VerifierKey, leaf_hash, verify_cosignature};

use crate::member;
use crate::secrets::dumps_no_core;

const ORIGIN: &str = "log.example";

/// A witness that runs. Dropped, it is killed.
struct Running {
    child: Child,
    address: String,
    verifier: VerifierKey,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("runs").success());
        assert!(self.child.wait().expect("its own child").success(), "the witness ends in order");
    }
}

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.current_dir(folder).args(line.split(' '));
    command
}

fn ran(folder: &Path, line: &str) -> Output {
    command(folder, line).output().expect("runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn start(folder: &Path, line: &str) -> Running {
    let mut child = command(folder, line).stderr(Stdio::piped()).spawn().expect("runs");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let mut after = |before: &str| {
        let line = lines.find_map(|line| line.expect("text").split_once(before).map(|(_, rest)| rest.to_owned()));
        line.unwrap_or_else(|| panic!("the witness does not say `{before}`"))
    };
    let address = after("witnessing on http://").split(';').next().expect("an address").to_owned();
    let verifier = after("verifier key: ").parse().expect("a verifier key");
    std::thread::spawn(move || lines.for_each(drop));
    Running { child, address, verifier }
}

/// The shipped settings, on any free port and for this log.
fn settings(folder: &Path, log: &VerifierKey) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/witness.toml");
    let sample = fs::read_to_string(sample).expect("the shipped settings");
    let set = |line: &str| match line {
        "listen = \"127.0.0.1:8460\"" => "listen = \"127.0.0.1:0\"\n".to_owned(),
        "state_dir = \"../data/witness\"" => "state_dir = \"state\"\n".to_owned(),
        "key = \"../data/witness.key\"" => "key = \"witness.key\"\n".to_owned(),
        line if line.starts_with("keys = [") => format!("keys = [\"{log}\"]\n"),
        line => format!("{line}\n"),
    };
    fs::write(folder.join("witness.toml"), sample.lines().map(set).collect::<String>()).expect("written");
}

/// What the witness answers where it is asked to cosign, holding nothing.
fn add(witness: &Running, checkpoint: &str) -> String {
    let body = format!("old 0\n\n{checkpoint}");
    let length = body.len();
    let head =
        format!("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = TcpStream::connect(&witness.address).expect("connected");
    stream.write_all((head + &body).as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn a_witness_is_given_a_key_begun_once_and_shows_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let log = SigningKey::generate();
    settings(folder, &VerifierKey::new(ORIGIN, log.public_key()).expect("a name"));
    let made = ran(folder, "witness new-key --name witness.causeway.example --out witness.key");
    assert!(made.status.success(), "{made:?}");
    let policy_line = text(&made.stdout).trim_end().to_owned();

    let refused = ran(folder, "witness --config witness.toml");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--begin"), "{refused:?}");
    let witness = start(folder, "witness --config witness.toml --begin");
    dumps_no_core(witness.child.id());
    assert_eq!(policy_line, format!("witness witness.causeway.example {}", witness.verifier));

    let of = |entry: &[u8]| Checkpoint { origin: ORIGIN.into(), size: 1, root: leaf_hash(entry) }.sign(&log);
    let checkpoint = of(b"entry");
    let answer = add(&witness, &checkpoint);
    let (head, line) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(verify_cosignature(&(checkpoint + line), &witness.verifier).expect("a note").is_some());
    // The log shows another history of the same size: anybody with its verifier key can be shown so.
    assert!(add(&witness, &of(b"another")).starts_with("HTTP/1.1 409"));
    let evidence = format!("state/evidence/{}-1", sha256(&[ORIGIN.as_bytes()]));
    let verifier = VerifierKey::new(ORIGIN, log.public_key()).expect("a name");
    let verdict = ran(folder, &format!("verify {evidence}-a.note {evidence}-b.note --key {verifier} --evidence-dir ."));
    assert_eq!(verdict.status.code(), Some(4), "{verdict:?}");

    let shown = ran(folder, "witness show --config witness.toml --json");
    let shown = text(&shown.stdout);
    assert_eq!((member(shown, "origin"), member(shown, "size")), (ORIGIN.to_owned(), "1".to_owned()));
    assert_eq!(member(shown, "root"), leaf_hash(b"entry").to_string());
    let shown = ran(folder, "witness show --config witness.toml");
    assert_eq!(text(&shown.stdout).lines().count(), 2, "{shown:?}");
    let second = ran(folder, "witness --config witness.toml");
    assert!(!second.status.success() && text(&second.stderr).contains("another witness is running"), "{second:?}");
    witness.stop();

    let again = ran(folder, "witness --config witness.toml --begin");
    assert!(!again.status.success() && text(&again.stderr).contains("begun here already"), "{again:?}");
    start(folder, "witness --config witness.toml").stop();
}
