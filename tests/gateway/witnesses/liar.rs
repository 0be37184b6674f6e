//! Witnesses that lie, each in its own way, over plain HTTP on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use causeway_crypto::{Digest, SigningKey, sha256};
use causeway_journal::witness::AddCheckpoint;
use causeway_journal::{Checkpoint, VerifierKey, cosign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::party::ORIGIN;

/// How it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// It says that it holds a larger checkpoint, and shows none.
    Number,
    /// It says so, and shows one that another key has signed.
    Forged,
    /// What it gives is no cosignature.
    Garbage,
    /// It cosigns with another key under its own name.
    WrongKey,
    /// Its answer has no end.
    Huge,
    /// It never answers.
    Hangs,
    /// It speaks no HTTP.
    Noise,
    /// Its conflict names no number.
    NoNumber,
    /// It always refuses the proof.
    Refuses,
}

impl Lie {
    pub(crate) const ALL: [Self; 9] = [
        Self::Number,
        Self::Forged,
        Self::Garbage,
        Self::WrongKey,
        Self::Huge,
        Self::Hangs,
        Self::Noise,
        Self::NoNumber,
        Self::Refuses,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// Starts a liar, and gives its line in a policy.
pub(crate) async fn begin(lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(lie, stream));
        }
    });
    let (name, key) = (lie.name(), SigningKey::generate());
    let key = VerifierKey::cosigner(&format!("{name}.example"), key.public_key()).expect("a name");
    format!("witness {name} {key} http://{address}\n")
}

/// Starts one that cosigns nothing, and shows this note as what it holds; gives its line in a policy.
pub(crate) async fn showing(name: &str, note: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let note = note.clone();
            tokio::spawn(async move {
                let (head, _) = request(&mut stream).await?;
                let answer = match head.starts_with("POST ") {
                    true => "HTTP/1.1 409 Conflict\r\ncontent-length: 14\r\n\r\n1099511627776\n".to_owned(),
                    false => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{note}", note.len()),
                };
                stream.write_all(answer.as_bytes()).await.ok()
            });
        }
    });
    let key = VerifierKey::cosigner(&format!("{name}.example"), SigningKey::generate().public_key()).expect("a name");
    format!("witness {name} {key} http://{address}\n")
}

async fn answer(lie: Lie, mut stream: TcpStream) -> Option<()> {
    let (head, body) = request(&mut stream).await?;
    let is_add = head.starts_with("POST /add-checkpoint ");
    assert!(is_add || head.starts_with(&format!("GET /{}/checkpoint ", sha256(&[ORIGIN.as_bytes()]))), "{head}");
    let (status, body) = match (lie, is_add) {
        (Lie::Hangs, _) => std::future::pending().await,
        (Lie::Noise, _) => return stream.write_all(b"220 mail.example ESMTP\r\n").await.ok(),
        (Lie::Huge, _) => return endless(&mut stream).await,
        (Lie::Number | Lie::Forged, true) => ("409 Conflict", format!("{}\n", u64::MAX >> 8)),
        (Lie::NoNumber, true) => ("409 Conflict", "many\n".to_owned()),
        (Lie::Refuses, true) => ("422 Unprocessable Entity", "no\n".to_owned()),
        (Lie::Garbage, true) => ("200 OK", "— garbage.example AAAA\n".to_owned()),
        (Lie::WrongKey, true) => ("200 OK", by_another_key(&body)),
        (Lie::Forged, false) => ("200 OK", forged()),
        (Lie::Garbage, false) => ("200 OK", "\u{0}\u{1}".to_owned()),
        (_, false) => ("404 Not Found", String::new()),
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.ok()
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes[end + 4..].to_vec()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn endless(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    loop {
        stream.write_all(chunk.as_bytes()).await.ok()?;
        tokio::task::yield_now().await;
    }
}

fn by_another_key(body: &[u8]) -> String {
    let request = AddCheckpoint::parse(body).expect("the gateway asks as it should");
    let name = format!("{}.example", Lie::WrongKey.name());
    cosign(&request.checkpoint, &name, &SigningKey::generate(), 1_900_000_000).expect("cosigned")
}

/// A checkpoint of the log, far ahead, by a key that is not the log's.
fn forged() -> String {
    Checkpoint { origin: ORIGIN.into(), size: u64::MAX >> 8, root: Digest([7; 32]) }.sign(&SigningKey::generate())
}

/// Longer than any of them can hold the gateway's start up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);
