//! HTTP/2 by hand over real TLS: frames that no library would send, and whether the gateway ends the connection for them.

use std::io;
use std::net::SocketAddr;

use causeway_cli::certs::Profile;
use causeway_model::{SystemId, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;

use super::World;
use super::mirror::PATIENCE;
use super::raw_tls::Client;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;

/// Flags.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The setting of how much of a stream may be on its way to the client.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// A frame that the gateway sent.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

/// A connection whose frames are written by the test; what comes is read beside.
pub(crate) struct Raw {
    writer: WriteHalf<TlsStream<TcpStream>>,
    frames: mpsc::UnboundedReceiver<Frame>,
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// The header block of a call: every field literal, none indexed (RFC 7541 section 6.2.2).
pub(crate) fn call(method: &str) -> Vec<u8> {
    let path = format!("/causeway.v1.{method}");
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", &path),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("causeway-purpose", "investigation"),
        ("causeway-operator", "test.operator"),
    ];
    let sized = |text: &str| [&[u8::try_from(text.len()).expect("short")][..], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], sized(name), sized(value)].concat()).collect()
}

/// A message of gRPC.
pub(crate) fn message(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short").to_be_bytes();
    [&[0], &length[..], bytes].concat()
}

impl Raw {
    /// Connects as a system of this world and says hello, with these settings.
    pub(crate) async fn open(world: &World, gateway: SocketAddr, system: &str, settings: &[(u16, u32)]) -> Self {
        let id: SystemId = system.parse().expect("well formed");
        let now = Timestamp(world.time().now().0);
        let issued = world.authority(id.agency.as_str()).issue(&Profile::client(&id, now)).expect("minted");
        let ca = std::fs::read_to_string(world.path("certs-dev/gb-nca/ca.pem")).expect("issued with the world");
        let (reader, writer) = tokio::io::split(Client::new(Some(&issued), &ca).open(gateway).await);
        let (seen, frames) = mpsc::unbounded_channel();
        tokio::spawn(read(reader, seen));
        let settings = settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        let settings: Vec<u8> = settings.collect();
        let mut raw = Self { writer, frames };
        let hello = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &settings)].concat();
        raw.send(&hello).await.expect("the gateway takes the connection");
        raw
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await?;
        self.writer.flush().await
    }

    /// Sends the same again and again until the gateway does not take it any more; gives up after `most` times.
    pub(crate) async fn flood(&mut self, most: usize, mut next: impl FnMut(u32) -> Vec<u8>) -> io::Result<()> {
        for number in 0..most {
            self.send(&next(u32::try_from(number).expect("not so many"))).await?;
        }
        Ok(())
    }

    /// The next frame; none where the gateway has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        tokio::time::timeout(PATIENCE, self.frames.recv()).await.expect("a frame, or the end")
    }

    /// Returns when the gateway has ended the connection.
    pub(crate) async fn ended(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// Reads frames until the connection ends, however it does.
async fn read(mut reader: ReadHalf<TlsStream<TcpStream>>, seen: mpsc::UnboundedSender<Frame>) {
    let mut header = [0; 9];
    while reader.read_exact(&mut header).await.is_ok() {
        let [a, b, c, kind, flags, stream @ ..] = header;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).expect("short")];
        if reader.read_exact(&mut payload).await.is_err() {
            return;
        }
        let _ = seen.send(Frame { kind, flags, stream: u32::from_be_bytes(stream) });
    }
}
