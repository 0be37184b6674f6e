//! Nothing that the gateway has opens what it sealed.
//!
//! Shown: no file of the gateway's holds the owner's private key in any of four spellings. None of these opens a sealed body as an
//! X-Wing seed: every secret of the unwrapped ring, the root key and what it derives, every unwrapped page key, every record's own key,
//! and every 32 bytes of a file beside the keys. The key is nowhere in the memory of a gateway that has sealed to it.
//! Not shown: that no function of those secrets is the seed (the owner's key is made elsewhere and only its public half is configured),
//! nor that nobody reads a name out of the memory of a running gateway while it is being sealed.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::{RootKey, SealingPrivateKey};
use causeway_journal::v1::SealedBody;
use causeway_proto::v1;
use causeway_store::{Clock, Keys};
use prost::Message;

use super::{NAME, desk, holds, person};
use crate::crash;
use crate::harness::World;
use crate::harness::calls::submit;
use crate::protection::key_search::{Search, bodies};

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
    let keys = world.path("data/keys");
    let root = RootKey::try_from(fs::read(keys.join("root.key")).expect("there").as_slice()).expect("a root key");
    let mut search = Search::default();
    search.keys_folder(&keys, &[root]);
    search.data_dir(&world.path("data/journal"));
    let candidates = search.keys();
    // The control: what is searched opens all that is only encrypted, and holds what is within the ring.
    assert!(bodies(&world.path("data/journal")).iter().all(|body| body.opens_under(&candidates)));
    let (loaded, _) = Keys::load_or_create(&keys).expect("the keys are there");
    assert!(loaded.ring().checkpoint_keys().iter().all(|key| candidates.contains(&*key.seed())));
    let opens = |seed: &[u8]| {
        let key = SealingPrivateKey::from_bytes(seed).expect("32 bytes are a seed");
        // Its key id is another's, so it is tried under the id that it would have.
        let mut body = SealedBody::decode(sealed.sealed_body.as_slice()).expect("a body");
        body.key_id = key.public_key().key_id().0.to_vec();
        let claimed = v1::SealedIdentity { sealed_body: body.encode_to_vec(), ..sealed.clone() };
        desk::open(&key, &claimed).is_ok()
    };
    assert!(opens(&own), "the owner's seed does");
    assert!(!candidates.iter().any(|seed| opens(seed)), "something that the gateway has opens a sealed body");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_private_key_is_not_in_the_gateways_memory() {
    let world = World::with(|setup| {
        // The process goes by the machine's clock.
        setup.now = Clock::system().now();
        setup.edit("config/gateway.toml", |text| text.replace("127.0.0.1:8443", "127.0.0.1:0"));
    });
    let process = crash::start(&world.path("config/gateway.toml"));
    let mut ingest = world.reach(process.address()).ingest("gb-nca/case-management").await;
    let receipt: v1::Receipt = submit(&mut ingest, "one", &person("SUBJECT-A")).await.expect("accepted");
    assert_eq!(receipt.sealing_key_id.len(), 16, "something was sealed");
    if !may_read_a_childs_memory() {
        eprintln!("skipped: this system lets nobody read the memory of a process of one's own");
        return;
    }
    let memory = memory_of(process.id()).expect("a child's memory is its parent's to read");
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

/// Whether a process may read its own child's memory: on Linux, unless the kernel keeps that to administrators (Yama's `ptrace_scope`,
/// 2 and 3).
fn may_read_a_childs_memory() -> bool {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    cfg!(target_os = "linux") && matches!(scope.trim(), "" | "0" | "1")
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
