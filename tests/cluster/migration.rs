//! A real gateway's journal into the shared log and back, by the command; what interrupts it, and what it refuses.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;
use causeway_rig::{Installation, Launch, Process, command};
use causeway_store::{
    AppendError, Assurance, AssureError, Head, LocalLog, ReadError, RootSource, SharedLog, SledLog, StoreError,
    migrate_from_shared, migrate_to_shared,
};
use serde_json::Value;

use crate::frames::frame;
use crate::servers::{Cluster, ROOM, cluster};

/// What a command printed, and whether it did what it was asked to.
fn run(words: &[&str]) -> (bool, String) {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    let done = command(&words).and_then(|mut command| Ok(command.output()?)).expect("started");
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (done.status.success(), said)
}

fn report(said: &str) -> Value {
    let line = said.lines().find_map(|line| Some(&line[line.find("{\"to\"")?..]));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{said}"))).expect("JSON")
}

/// A gateway's installation and the file by which it reaches the servers.
struct Stand {
    installation: Installation,
}

impl Stand {
    fn new() -> Self {
        Self { installation: Installation::new().expect("an installation") }
    }

    fn path(&self, name: &str) -> String {
        self.installation.path(name).display().to_string()
    }

    fn write_cluster_file(&self, cluster: &Cluster, stream: &str) {
        let settings = cluster.settings(stream, "gateway");
        let text = format!(
            "servers = {:?}\nstream = {stream:?}\n[tls]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n",
            settings.servers, settings.files.ca, settings.files.certificate, settings.files.key
        );
        fs::write(self.installation.path("config/cluster.toml"), text).expect("written");
    }

    fn start(&self) -> Process {
        self.installation.start(&Launch::default()).expect("started")
    }

    fn submit(&self, gateway: &Process, seed: usize) {
        let (sampled, lines) = run(&["sample", "--count", "25", "--seed", &seed.to_string()]);
        assert!(sampled, "{lines}");
        let lines = lines.lines().filter_map(|line| Some(&line[line.find("{\"submission_id\"")?..]));
        let file = self.path("records.jsonl");
        fs::write(&file, lines.collect::<Vec<_>>().join("\n")).expect("written");
        let (submitted, said) = self.call(gateway, &["submit", &file, "--as", "gb-nca/case-management"]);
        assert!(submitted, "{said}");
    }

    /// All that the partner's feed gives from its beginning.
    fn pull(&self, gateway: &Process, to: &str) -> String {
        let (cursor, out) = (self.path(&format!("{to}.cursor")), self.path(to));
        let words = [
            "pull",
            "--all",
            "--cursor",
            &cursor,
            "--out",
            &out,
            "--agreement",
            "ISA-AL-2026-014",
            "--as",
            "al-police/feed",
        ];
        let (pulled, said) = self.call(gateway, &words);
        assert!(pulled, "{said}");
        fs::read_to_string(out).expect("items")
    }

    /// The same once there is something, and nothing more comes: releases follow a submission by a moment.
    fn pull_all(&self, gateway: &Process) -> String {
        let (mut before, mut looks) = (String::new(), 0..100);
        loop {
            let number = looks.next().expect("the partner has something in the end");
            let now = self.pull(gateway, &format!("look-{number}.jsonl"));
            if !now.is_empty() && now == before {
                return now;
            }
            before = now;
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn call(&self, gateway: &Process, words: &[&str]) -> (bool, String) {
        let (address, certs) = (format!("https://{}", gateway.address()), self.path("certs-dev"));
        run(&[words, &["--gateway", &address, "--certs-dir", &certs]].concat())
    }

    fn migrate(&self, words: &[&str]) -> (bool, String) {
        let (config, cluster) = (self.path("config/gateway.toml"), self.path("config/cluster.toml"));
        run(&[&["migrate", "--config", &config, "--cluster", &cluster, "--json"], words].concat())
    }

    fn own(&self) -> LocalLog {
        LocalLog {
            data_dir: self.installation.path("data/journal"),
            keys_dir: self.installation.path("data/keys"),
            root: RootSource::File,
            origin: "gateway.causeway.example/journal".into(),
        }
    }
}

const THERE: [&str; 4] = ["--from", "sled", "--to", "nats"];
const BACK: [&str; 4] = ["--from", "nats", "--to", "sled"];

#[test]
fn a_journal_goes_to_the_servers_and_comes_back_as_it_was() {
    let Some(cluster) = cluster() else { return };
    causeway_store::create_stream(&cluster.settings("MOVED", "admin"), ROOM).expect("created");
    let stand = Stand::new();
    stand.write_cluster_file(&cluster, "MOVED");
    let gateway = stand.start();
    stand.submit(&gateway, 1);
    let before = stand.pull_all(&gateway);
    let (migrated, said) = stand.migrate(&THERE);
    assert!(!migrated && said.contains("another process"), "a gateway that runs: {said}");
    gateway.stop().expect("stopped");

    let (migrated, said) = stand.migrate(&THERE);
    assert!(migrated, "{said}");
    let there = report(&said);
    assert_eq!((&there["were_there"], &there["beyond"]), (&0.into(), &0.into()), "{there}");
    let (migrated, said) = stand.migrate(&THERE);
    assert!(migrated, "{said}");
    let again = report(&said);
    assert_eq!((&again["were_there"], &again["root"]), (&there["frames"], &there["root"]), "nothing was to be done");

    // Back, and a gateway over it: the partner reads the same, from bodies that its own key pages open.
    let new = stand.path("data/journal-2");
    let (migrated, said) = stand.migrate(&[&BACK[..], &["--into", &new]].concat());
    assert!(migrated, "{said}");
    let back = report(&said);
    for what in ["log", "frames", "entries", "root"] {
        assert_eq!(back[what], there[what], "{what}");
    }
    let (migrated, said) = stand.migrate(&[&BACK[..], &["--into", &new]].concat());
    assert!(!migrated && said.contains("is not empty"), "nothing is overwritten: {said}");
    stand.installation.edit(|settings| settings.replace("../data/journal\"", "../data/journal-2\"")).expect("changed");
    let gateway = stand.start();
    assert_eq!(stand.pull(&gateway, "after.jsonl"), before);
    stand.submit(&gateway, 2);
    gateway.stop().expect("stopped");

    // What it has written since goes behind what is there.
    let (migrated, said) = stand.migrate(&THERE);
    assert!(migrated, "{said}");
    let more = report(&said);
    assert_eq!(more["were_there"], there["frames"]);
    assert!(more["frames"].as_u64() > there["frames"].as_u64(), "{more}");
    stand.installation.edit(|settings| settings.replace("../data/journal-2\"", "../data/journal\"")).expect("changed");
    let (migrated, said) = stand.migrate(&THERE);
    assert!(!migrated && said.contains("this is an old copy"), "{said}");
    // The way back from a log that has gone on: with the old copy's keys and checkpoints, and a word about the rest.
    let (migrated, said) = stand.migrate(&[&BACK[..], &["--into", &stand.path("data/journal-3")]].concat());
    assert!(migrated, "{said}");
    let beyond = report(&said)["beyond"].as_u64();
    assert_eq!(beyond, more["frames"].as_u64().zip(there["frames"].as_u64()).map(|(more, there)| more - there));

    let other = Stand::new();
    other.write_cluster_file(&cluster, "MOVED");
    other.start().stop().expect("stopped");
    let (migrated, said) = other.migrate(&THERE);
    assert!(!migrated && said.contains("another journal"), "{said}");
}

/// A log that fails at one frame: not stored, or stored and not acknowledged.
#[derive(Debug)]
struct Failing {
    log: SledLog,
    at: AtomicU64,
    stores: bool,
}

impl SharedLog for Failing {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        let fails = expect.is_some_and(|expect| expect.0 + 1 == self.at.load(Ordering::SeqCst));
        if fails && self.stores {
            SharedLog::append(&self.log, id, bytes, expect)?;
        }
        if fails { Err(AppendError::Unknown("pulled".into())) } else { SharedLog::append(&self.log, id, bytes, expect) }
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        SharedLog::read(&self.log, from, max_bytes)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        SharedLog::wait(&self.log, after, until)
    }

    fn head(&self) -> Result<Head, ReadError> {
        self.log.head()
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        SharedLog::assure(&self.log)
    }

    fn close(&self) -> Result<(), ReadError> {
        SharedLog::close(&self.log)
    }
}

fn shared(folder: &Path) -> SledLog {
    SledLog::open(folder).expect("opened")
}

#[test]
fn a_migration_goes_on_where_it_stopped_and_refuses_what_is_not_the_journals() {
    let stand = Stand::new();
    let gateway = stand.start();
    stand.submit(&gateway, 3);
    gateway.stop().expect("stopped");
    let own = stand.own();
    let folder = |name: &str| -> PathBuf { stand.installation.path(name) };

    // Failed, and failed but persisted.
    for stores in [false, true] {
        let log = Failing { log: shared(&folder(&format!("shared-{stores}"))), at: AtomicU64::new(3), stores };
        let stopped = migrate_to_shared(&own, &log, &mut |_| {}).expect_err("pulled").to_string();
        assert!(stopped.contains("frame 3") && stopped.contains("may be stored or not"), "{stopped}");
        log.at.store(0, Ordering::SeqCst);
        let migrated = migrate_to_shared(&own, &log, &mut |_| {}).expect("goes on");
        assert_eq!(migrated.were_there, if stores { 3 } else { 2 });
        assert_eq!(log.head().expect("a head").last.0, migrated.frames, "each once");
    }

    // One frame of something else, in the place of the journal's.
    let log = shared(&folder("other"));
    let (_, first) = SharedLog::read(&shared(&folder("shared-true")), FrameSeq(1), 1).expect("read").swap_remove(0);
    SharedLog::append(&log, &causeway_journal::frame_id(&first), &first, None).expect("appended");
    let wrong = frame("x", 1);
    SharedLog::append(&log, &wrong.id, &wrong.bytes, None).expect("appended");
    let refused = migrate_to_shared(&own, &log, &mut |_| {}).expect_err("not its frame").to_string();
    assert!(refused.contains("frame 2 of the shared log is not this journal's"), "{refused}");
    assert_eq!(log.head().expect("a head").last, FrameSeq(2), "and nothing was appended to it");

    // The way back from a log that was cut back, or is another: nothing is in place.
    let to = folder("back");
    let refused = migrate_from_shared(&own, &log, &to, &mut |_| {}).expect_err("shorter").to_string();
    assert!(refused.contains("cut back"), "{refused}");
    let foreign = shared(&folder("foreign"));
    SharedLog::append(&foreign, &wrong.id, &wrong.bytes, None).expect("appended");
    assert!(migrate_from_shared(&own, &foreign, &to, &mut |_| {}).is_err());
    assert!(!to.exists());

    // A journal that is not what it has signed is not migrated: its log is put back to before, and the checkpoint is not.
    let cut = shared(&folder("cut"));
    let whole = shared(&folder("shared-false"));
    for (_, bytes) in SharedLog::read(&whole, FrameSeq(1), usize::MAX).expect("read").into_iter().take(2) {
        SharedLog::append(&cut, &causeway_journal::frame_id(&bytes), &bytes, None).expect("appended");
    }
    SharedLog::close(&cut).expect("closed");
    fs::rename(folder("data/journal/log"), folder("data/journal-log")).expect("aside");
    fs::rename(folder("cut/log"), folder("data/journal/log")).expect("in its place");
    let empty = shared(&folder("empty"));
    let refused = migrate_to_shared(&own, &empty, &mut |_| {}).expect_err("rolled back");
    assert!(matches!(refused, StoreError::RolledBack { .. }), "{refused:?}");
    assert_eq!(empty.head().expect("a head").last, FrameSeq(0));
    let nowhere = LocalLog { data_dir: folder("nowhere"), ..own };
    let refused = migrate_to_shared(&nowhere, &empty, &mut |_| {}).expect_err("no journal").to_string();
    assert!(refused.contains("there is no journal") && !folder("nowhere").exists(), "{refused}");
}
