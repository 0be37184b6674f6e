//! Nothing that the gateway has opens what it sealed: not a key on its disk, not a secret in its ring, not a byte of its memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::SealingPrivateKey;
use causeway_proto::v1;
use causeway_store::{Clock, Keys};

use super::{NAME, desk, holds, person};
use crate::harness::World;
use crate::harness::calls::submit;

/// Everything on the gateway's disk, file by file.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(fs::read(path).expect("readable")) }
    }
    all
}

/// The forms in which a private seed could lie somewhere.
fn spellings(seed: &[u8]) -> [Vec<u8>; 4] {
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let reversed: Vec<u8> = seed.iter().rev().copied().collect();
    [seed.to_vec(), hex.into_bytes(), STANDARD.encode(seed).into_bytes(), reversed]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_that_the_gateway_holds_opens_what_it_sealed() {
    let world = World::new();
    let gateway = world.start().await;
    let (receipt, ..) = super::shown(&world, &gateway, "SUBJECT-A").await;
    let mut owner = desk::Desk::of(&world, &gateway, "gb-nca").await;
    let id = owner.request_record(&receipt.record_id).await.expect("requested");
    owner.approve(&id, "director").await.expect("approved");
    owner.approve(&id, "dpo").await.expect("approved");
    let sealed = owner.release(&id).await.expect("released").sealed.expect("sealed");
    assert!(
        holds(&owner.open(&sealed).expect("the owner's key opens it"), NAME.as_bytes()),
        "the test opens what is there"
    );
    gateway.stop().await;

    let own = desk::private_key(&world, "gb-nca").to_bytes();
    for file in files(&world.path("data")) {
        for spelling in spellings(&own) {
            assert!(!holds(&file, &spelling), "the owner's private key is on the gateway's disk");
        }
        assert!(!holds(&file, NAME.as_bytes()));
    }
    // Every 32 bytes in the keys folder, and every secret of the unwrapped ring that has a form of its own, as a private key.
    let (keys, _) = Keys::load_or_create(&world.path("data/keys")).expect("the keys are there");
    let mut candidates: Vec<Vec<u8>> = keys.ring().checkpoint_keys().iter().map(|key| key.seed().to_vec()).collect();
    for name in ["root.key", "ring"] {
        let file = fs::read(world.path("data/keys").join(name)).expect("there");
        candidates.extend(file.windows(32).map(<[u8]>::to_vec));
    }
    let page_keys = fs::read(world.path("data/keys/page-keys")).expect("there");
    candidates.extend(
        page_keys
            .windows(32)
            .step_by(4)
            .filter(|window| window.iter().any(|byte| *byte != 0))
            .take(2_000)
            .map(<[u8]>::to_vec),
    );
    assert!(candidates.len() > 200, "{} candidates", candidates.len());
    for candidate in candidates {
        let key = SealingPrivateKey::from_bytes(&candidate).expect("32 bytes are a seed");
        // Its key id is another's; and under the id that it is sealed to, it does not open either.
        assert!(desk::open(&key, &sealed).is_err());
        let mut claimed = sealed.clone();
        let mut body: causeway_journal::v1::SealedBody =
            prost::Message::decode(claimed.sealed_body.as_slice()).expect("a body");
        body.key_id = key.public_key().key_id().0.to_vec();
        claimed.sealed_body = prost::Message::encode_to_vec(&body);
        assert!(desk::open(&key, &claimed).is_err(), "something on the gateway's disk opens a sealed body");
    }
}

/// A gateway in a process of its own, killed when the test lets go of it.
struct Process(Child, SocketAddr);

impl Process {
    fn start(settings: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this is a program"))
            .args(["crash::serves", "--exact", "--ignored", "--nocapture"])
            .env("CAUSEWAY_TEST_SERVE", settings)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a second process of this program");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("the gateway did not start") };
            if let Some((_, rest)) = line.split_once("serving on https://") {
                break rest.split(';').next().and_then(|address| address.parse().ok()).expect("an address");
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, address)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_private_key_is_not_in_the_gateways_memory() {
    let world = World::with(|setup| {
        // The process goes by the machine's clock.
        setup.now = Clock::system().now();
        setup.edit("config/gateway.toml", |text| text.replace("127.0.0.1:8443", "127.0.0.1:0"));
    });
    let process = Process::start(&world.path("config/gateway.toml"));
    let mut ingest = world.reach(process.1).ingest("gb-nca/case-management").await;
    let receipt: v1::Receipt = submit(&mut ingest, "one", &person("SUBJECT-A")).await.expect("accepted");
    assert_eq!(receipt.sealing_key_id.len(), 16, "something was sealed");
    let memory = match memory_of(process.0.id()) {
        Ok(memory) => memory,
        Err(error) => {
            eprintln!("skipped: another process's memory cannot be read here: {error}");
            return;
        }
    };
    let public = desk::private_key(&world, "gb-nca").public_key().to_bytes();
    assert!(memory.iter().any(|part| holds(part, &public[..64])), "the search finds what is there: the public half");
    let own = desk::private_key(&world, "gb-nca").to_bytes();
    for spelling in spellings(&own) {
        assert!(
            !memory.iter().any(|part| holds(part, &spelling)),
            "the owner's private key is in the gateway's memory"
        );
    }
}

/// The readable and writable parts of a process' memory.
fn memory_of(process: u32) -> std::io::Result<Vec<Vec<u8>>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut parts = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let hex = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let (from, to) = (hex(from), hex(to));
        let mut part = vec![0; usize::try_from(to - from).expect("it fits")];
        // Guard pages and the like cannot be read, and hold nothing.
        if memory.read_exact_at(&mut part, from).is_ok() {
            parts.push(part);
        }
    }
    if parts.is_empty() { Err(std::io::Error::other("no part of it can be read")) } else { Ok(parts) }
}
