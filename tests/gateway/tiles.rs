//! The log's files over HTTPS, as the tools of third parties read a log (C2SP tlog-tiles).

use causeway_crypto::Digest;
use causeway_journal::tlog_path::{TilePath, decode_bundle, decode_tile};
use causeway_journal::v1::Decision;
use causeway_journal::{Checkpoint, Tree, VerifierKey, leaf_hash, verify_checkpoint};
use tonic::codegen::http::Method;
use tonic::transport::Channel;

use crate::feed::{submit_all, verifier_key};
use crate::harness::calls::request;
use crate::harness::files::{STATED, ask, get};
use crate::harness::{World, documents};
use crate::proofs::with_witness;

const AUDITOR: &str = "gb-nca/audit";

/// Everything that a checkpoint covers, from hashes alone and from entries alone.
async fn read_log(channel: &Channel, checkpoint: &Checkpoint) -> (Digest, Digest) {
    let (mut by_hashes, mut by_entries) = (Tree::new(), Tree::new());
    let of_level = |level: u8| checkpoint.size >> (8 * u32::from(level));
    for index in 0..of_level(0).div_ceil(256) {
        let path = TilePath::entries_in(checkpoint.size, index).expect("covered");
        let TilePath::Entries { width, .. } = path else { panic!("a bundle") };
        let file = get(channel, &format!("/{path}")).await;
        assert_eq!(file.status, 200, "{path}: {file:?}");
        let entries = decode_bundle(&file.bytes, width).expect("a bundle");
        let hashes: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        hashes.iter().for_each(|hash| drop(by_entries.push(*hash)));
        let path = TilePath::hashes_in(checkpoint.size, 0, index).expect("covered");
        let file = ask(channel, Method::GET, &format!("/{path}"), &[]).await;
        let tile = decode_tile(&file.bytes, width).expect("a tile");
        assert_eq!(tile, hashes, "{path}");
        tile.iter().for_each(|hash| drop(by_hashes.push(*hash)));
    }
    for index in 0..of_level(1).div_ceil(256) {
        let path = TilePath::hashes_in(checkpoint.size, 1, index).expect("covered");
        let TilePath::Hashes { width, .. } = path else { panic!("a tile") };
        let file = ask(channel, Method::GET, &format!("/{path}"), &[]).await;
        assert_eq!((file.status, file.bytes.len()), (200, usize::from(width) * 32), "{path}");
    }
    (by_hashes.root(), by_entries.root())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_make_the_published_root_while_the_log_grows() {
    let world = World::new();
    let gateway = world.start().await;
    let key: VerifierKey = verifier_key(&gateway).await.parse().expect("a key");
    let channel = gateway.channel(AUDITOR).await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..300).map(|n| request(&format!("r{n}"), &documents::profile())).collect()).await;
    let growing = tokio::spawn(async move {
        for round in 0..20 {
            let more = (0..30).map(|n| request(&format!("more-{round}-{n}"), &documents::route())).collect();
            submit_all(&mut ingest, more).await;
        }
    });
    let mut sizes = Vec::new();
    for _ in 0..6 {
        let file = ask(&channel, Method::GET, "/checkpoint", &[]).await;
        assert_eq!((file.status, file.header("content-type")), (200, "text/plain; charset=utf-8"));
        let checkpoint = verify_checkpoint(file.text(), &key, key.name()).expect("signed");
        let (by_hashes, by_entries) = read_log(&channel, &checkpoint).await;
        assert_eq!((by_hashes, by_entries), (checkpoint.root, checkpoint.root), "{} entries", checkpoint.size);
        sizes.push(checkpoint.size);
    }
    growing.await.expect("it grows");
    assert!(sizes.is_sorted() && sizes[0] < sizes[5] && sizes[5] > 256, "{sizes:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_say_what_they_are_and_what_is_none_says_so() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel(AUDITOR).await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit_all(&mut ingest, (0..300).map(|n| request(&format!("r{n}"), &documents::profile())).collect()).await;
    for (path, media_type, caching) in [
        ("/checkpoint", "text/plain; charset=utf-8", "private, no-cache"),
        ("/tile/0/000", "application/octet-stream", "private, max-age=31536000, immutable"),
        ("/tile/0/000.p/9", "application/octet-stream", "private, no-cache"),
        ("/tile/1/000.p/1", "application/octet-stream", "private, no-cache"),
        ("/tile/entries/000", "application/octet-stream", "no-store"),
        ("/tile/entries/001.p/2", "application/octet-stream", "no-store"),
    ] {
        let file = get(&channel, path).await;
        assert_eq!((file.status, file.header("content-type")), (200, media_type), "{path}");
        assert_eq!(file.header("cache-control"), caching, "{path}");
        assert_eq!(file.header("content-length"), file.bytes.len().to_string(), "{path}");
        assert_eq!(file.header("causeway-request-id").len(), 32, "{path}");
        let head = ask(&channel, Method::HEAD, path, STATED).await;
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        if path.starts_with("/tile") {
            assert_eq!(head.header("content-length"), file.header("content-length"), "{path}");
        }
        let posted = ask(&channel, Method::POST, path, STATED).await;
        assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    for path in [
        "/witnessed-checkpoint",
        "/tile/0/001",
        "/tile/0/002.p/1",
        "/tile/1/000",
        "/tile/2/000.p/1",
        "/tile/9/000.p/1",
        "/tile/63/000",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/257",
        "/tile/0/0",
        "/tile/0/x000/000",
        "/tile/0/x999/x999/x999/x999/x999/999",
        "/tile/-1/000",
        "/tile/0/../0/000",
        "/tile/entries/001",
        "/tile/entries/002.p/1",
        "/tile/entries/000.p/0",
        "/tile/entries/x018/x446/x744/x073/x709/551",
        "/tile/",
        "/tile",
        "/checkpoint/",
        "/",
    ] {
        let file = get(&channel, path).await;
        assert_eq!(file.status, 404, "{path}: {}", file.text());
        assert!(file.text().contains(": ") && !file.headers.contains_key("grpc-status"), "{path}: {file:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_pass_the_gate_that_calls_pass() {
    let world = World::with(with_witness);
    let gateway = world.start().await;
    let (hashes, raw) = ("/tile/0/000.p/1", "/tile/entries/000.p/1");
    for (system, of_hashes, of_raw) in [
        (AUDITOR, 200, 200),
        ("al-police/audit", 200, 403),
        ("gb-nca/observer", 200, 403),
        ("al-police/feed", 403, 403),
        ("gb-nca/case-management", 403, 403),
    ] {
        let channel = gateway.channel(system).await;
        for path in [hashes, "/checkpoint"] {
            assert_eq!(ask(&channel, Method::GET, path, &[]).await.status, of_hashes, "{system} {path}");
        }
        let before = world.journal().size();
        let file = get(&channel, raw).await;
        assert_eq!(file.status, of_raw, "{system}: {file:?}");
        let left = world.journal().entries_from(before);
        assert_eq!(left.len(), 1, "{system}: each read of entries is one entry");
        assert_eq!(left[0].entry.decision() == Decision::Allowed, of_raw == 200, "{system}");
        if of_raw != 200 {
            let bytes = &world.journal().entries()[0].bytes;
            assert!(!file.bytes.windows(bytes.len()).any(|window| window == bytes.as_slice()), "{system}");
        }
    }
    let channel = gateway.channel(AUDITOR).await;
    let stated = |purpose| [("causeway-purpose", purpose), ("causeway-operator", "test.operator")];
    assert_eq!(ask(&channel, Method::GET, raw, &[]).await.status, 400);
    assert_eq!(ask(&channel, Method::GET, raw, &STATED[..1]).await.status, 400);
    assert_eq!(ask(&channel, Method::GET, raw, &stated("curiosity")).await.status, 400);
    let file = ask(&channel, Method::GET, raw, &stated("investigation")).await;
    assert_eq!((file.status, file.text().split(':').next()), (403, Some("purpose-not-for-audit")));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_that_are_read_as_files_are_summed_up() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel(AUDITOR).await;
    let before = world.journal().size();
    for _ in 0..3 {
        for path in ["/checkpoint", "/tile/0/000.p/1", "/tile/0/009.p/1"] {
            ask(&channel, Method::GET, path, &[]).await;
        }
    }
    assert_eq!(world.journal().size(), before, "no entry each");
    world.clock().advance(61);
    let summed = world.journal().entry("the summary", |seen| seen.entry.reason == "hashes-read").await;
    let actor = summed.entry.actor.expect("a system");
    assert_eq!((summed.entry.count, actor.agency.as_str(), actor.system.as_str()), (9, "gb-nca", "audit"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_files_that_are_none_are_summed_up() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel(AUDITOR).await;
    let before = world.journal().size();
    let none = [
        (Method::POST, "/checkpoint", 405),
        (Method::POST, "/tile/entries/000.p/1", 405),
        (Method::GET, "/tile/0/0", 404),
        (Method::GET, "/tile/entries/0", 404),
    ];
    for (method, path, status) in none {
        assert_eq!(ask(&channel, method, path, STATED).await.status, status, "{path}");
    }
    assert_eq!(world.journal().size(), before, "no entry each");
    world.clock().advance(61);
    let summed = world.journal().entry("the summary", |seen| seen.entry.reason == "malformed-requests").await;
    let actor = summed.entry.actor.expect("a system");
    assert_eq!((summed.entry.count, actor.agency.as_str(), actor.system.as_str()), (4, "gb-nca", "audit"));
    gateway.stop().await;
}
