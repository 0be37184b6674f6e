//! The same canaries in a gateway that is a process of its own: its command line, its environment, the files that it has mapped or
//! open, its folders, what it prints and what it measures.
//!
//! What a caller sends passes through the process's memory, encrypted at rest or not; while a call is under way its plaintext is there,
//! and no search of memory could say otherwise. What lies there once all is quiet is counted by `memory` and printed, not judged.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_rig::command;

use super::scanner::Canaries;
use super::{Watch, accepted, audit, feeds, rejected, streamed};
use crate::harness::World;
use crate::harness::calls::within;

/// A gateway in a process of its own, with its temporary folder and both its outputs in files of the world. Killed when dropped.
struct Process {
    child: Child,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Process {
    async fn start(world: &World) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let metrics = free.expect("the loopback has a free port");
        world.edit("config/gateway.toml", |text| {
            text.replace("listen = \"127.0.0.1:8443\"", "listen = \"127.0.0.1:0\"")
                .replace("\n[metrics]\n", &format!("\n[metrics]\nlisten = \"{metrics}\"\n"))
                .replace("\n[log]\n", "\n[log]\nlevel = \"trace\"\n")
        });
        fs::create_dir(world.path("tmp")).expect("the world's folder is writable");
        let output = |name: &str| File::create(world.path(name)).expect("the world's folder is writable");
        let settings = world.path("config/gateway.toml");
        let child = command(&[OsStr::new("serve"), OsStr::new("--config"), settings.as_os_str()])
            .expect("this is a program")
            .env("TMPDIR", world.path("tmp"))
            .stdout(Stdio::from(output("stdout")))
            .stderr(Stdio::from(output("stderr")))
            .spawn()
            .expect("a second process of this program");
        let mut process = Self { child, address: metrics, metrics };
        process.address = within("the gateway's start", process.serving(world)).await;
        process
    }

    /// Where it says that it serves, once it does.
    async fn serving(&mut self, world: &World) -> SocketAddr {
        loop {
            let said = fs::read_to_string(world.path("stderr")).expect("it writes there");
            if let Some((_, rest)) = said.split_once("serving on https://") {
                return rest.split(';').next().and_then(|address| address.parse().ok()).expect("an address");
            }
            assert!(self.child.try_wait().expect("ours").is_none(), "it did not start:\n{said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn scrape(&self) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.metrics).expect("metrics are served");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        assert!(answer.windows(9).any(|part| part == b"causeway_"), "{}", String::from_utf8_lossy(&answer));
        answer
    }

    fn terminate(mut self) {
        let told = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(told.expect("there is a shell").success());
        assert!(self.child.wait().expect("ours").success(), "it ends in order");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_shows_no_canary_to_whoever_may_look_at_it() {
    let world = World::new();
    let process = Process::start(&world).await;
    let reach = world.reach(process.address);
    let mut watch = Watch { canaries: Canaries::new(), answers: 0, refusals: 0 };
    let channel = reach.channel("gb-nca/case-management").await;
    let stated = watch.statement("investigation");
    let mut ingest = IngestServiceClient::with_interceptor(channel.clone(), stated);
    let receipts = accepted(&mut watch, &mut ingest).await;
    rejected(&mut watch, &mut ingest, &channel).await;
    streamed(&mut watch, &mut ingest).await;
    let id = watch.canaries.word();
    let unknown = v1::GetReceiptRequest { submission_id: id };
    watch.refused("an unknown submission", tonic::Code::NotFound, ingest.get_receipt(unknown).await);
    within("five items", settled(&reach)).await;
    feeds(&mut watch, &reach, "al-police/feed").await;
    audit(&mut watch, &reach, &receipts[0].record_id).await;
    let canaries = &watch.canaries;
    canaries.assert_none_in("the metrics", &process.scrape());
    let Seen { found, mapped, open } = look(canaries, process.child.id());
    assert_eq!(found, Vec::<String>::new());
    assert!(mapped >= 3 && open >= 3, "{mapped} mapped and {open} open files are too few to have looked");
    none_kept(canaries, &world);
    let _ = memory(canaries, process.child.id());
    process.terminate();
    none_kept(canaries, &world);
    for name in ["data/planted", "tmp/planted", "stderr"] {
        let mut planted = File::options().create(true).append(true).open(world.path(name)).expect("writable");
        planted.write_all(watch.canaries.word().as_bytes()).expect("written");
    }
    assert_eq!(kept(&watch.canaries, &world).len(), 3, "the search finds what is there");
}

/// Until a partner's feed holds enough to look at.
async fn settled(reach: &crate::harness::Reach) {
    let mut feed = reach.feed("al-police/feed").await;
    loop {
        let page = feed.pull(v1::PullRequest { limit: 1, ..v1::PullRequest::default() }).await.expect("a page");
        if page.into_inner().page.is_some_and(|page| page.newest_position >= 5) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn none_kept(canaries: &Canaries, world: &World) {
    assert_eq!(kept(canaries, world), Vec::<String>::new());
    let said = fs::read_to_string(world.path("stderr")).expect("it wrote there");
    assert!(said.contains("request_id"), "the lines of calls are there: {said}");
}

/// What is in its folders and its outputs.
fn kept(canaries: &Canaries, world: &World) -> Vec<String> {
    let mut found = canaries.find_below(&world.path("data")).0;
    found.extend(canaries.find_below(&world.path("tmp")).0);
    for name in ["stdout", "stderr"] {
        found.extend(canaries.find(&fs::read(world.path(name)).expect("its output")));
    }
    found
}

/// What procfs shows of a process.
struct Seen {
    found: Vec<String>,
    mapped: usize,
    open: usize,
}

/// Looks for canaries in the command line, the environment, and every regular file that the process has mapped or open: but for this
/// program's own, in which the tests' words stand.
fn look(canaries: &Canaries, process: u32) -> Seen {
    let of = |what: &str| PathBuf::from(format!("/proc/{process}/{what}"));
    let own = fs::read_link(of("exe")).expect("it runs");
    let mut found = Vec::new();
    let mut search = |place: String, file: &Path| {
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{place}: {error}"));
        found.extend(canaries.find(&bytes).map(|what| format!("{place}: {what}")));
    };
    for what in ["cmdline", "environ"] {
        search(what.to_owned(), &of(what));
    }
    let maps = fs::read_to_string(of("maps")).expect("this process may look");
    let mut mapped: Vec<PathBuf> = maps.lines().filter_map(|line| line.find('/').map(|at| line[at..].into())).collect();
    mapped.sort();
    mapped.dedup();
    mapped.retain(|path| path.is_file() && *path != own);
    mapped.iter().for_each(|path| search(format!("mapped {}", path.display()), path));
    let mut open = 0;
    for entry in fs::read_dir(of("fd")).expect("this process may look") {
        let descriptor = entry.expect("an entry").path();
        // A file that is deleted is read through the descriptor all the same; sockets and pipes are no files.
        if fs::metadata(&descriptor).is_ok_and(|file| file.is_file()) {
            open += 1;
            search(format!("open {}", descriptor.display()), &descriptor);
        }
    }
    Seen { found, mapped: mapped.len(), open }
}

/// How many canaries lie in the writable memory of a process, and in how many bytes was looked; printed. None where this process may not
/// look.
#[expect(clippy::print_stderr, reason = "how much was looked into is for whoever reads the run")]
fn memory(canaries: &Canaries, process: u32) -> Option<usize> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let Ok(mut memory) = File::open(format!("/proc/{process}/mem")) else {
        eprintln!("memory was not looked into: only root may");
        return None;
    };
    let (mut count, mut looked) = (0, 0);
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (range, _) = line.split_once(' ').expect("maps begin with a range");
        let (from, to) = range.split_once('-').expect("of two addresses");
        let address = |text: &str| u64::from_str_radix(text, 16).expect("in hexadecimal");
        let (from, to) = (address(from), address(to));
        let mut bytes = vec![0; usize::try_from(to - from).expect("it fits into memory twice")];
        let read = memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read_exact(&mut bytes));
        if read.is_ok() {
            looked += bytes.len();
            count += canaries.count(&bytes);
        }
    }
    eprintln!("{count} canaries lie in {looked} bytes of writable memory after a quiet moment");
    Some(count)
}

#[test]
fn what_a_process_shows_is_found() {
    let mut canaries = Canaries::new();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), canaries.word()).expect("written");
    let mut child = Command::new("sleep")
        .arg("600")
        .env("PLANTED", canaries.word())
        .stdin(File::open(file.path()).expect("it was written"))
        .spawn()
        .expect("sleep is part of every system");
    // Its environment is there a moment after the child is.
    while fs::read(format!("/proc/{}/environ", child.id())).expect("this process may look").is_empty() {
        std::thread::yield_now();
    }
    let seen = look(&canaries, child.id());
    child.kill().expect("ours");
    child.wait().expect("it has ended");
    assert_eq!(seen.found.len(), 2, "the environment and the open file: {:?}", seen.found);
    // This program has the word in its own memory, which it maps from its file.
    let own = memory(&canaries, std::process::id());
    assert!(own.is_none_or(|count| count > 0));
}
