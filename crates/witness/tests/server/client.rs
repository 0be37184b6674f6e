//! HTTP/1.1 by hand: tests also send what no library would.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A server that has not answered by then has a bug; nothing is measured.
const FAIL_SAFE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn has_header(&self, line: &str) -> bool {
        self.head.lines().any(|header| header.eq_ignore_ascii_case(line))
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(FAIL_SAFE)).expect("set");
    stream
}

/// Everything that comes until the server closes; what came before a reset counts too.
pub(crate) fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut some) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends these bytes as they are and reads the answer; none where the server only closes.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = connect(address);
    // The server may have closed on what it has seen already.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    parse(&read_all(&mut stream))
}

pub(crate) fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: witness\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = connect(address);
    stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
    parse(&read_all(&mut stream)).expect("an answer")
}

pub(crate) fn add(address: SocketAddr, body: &str) -> Reply {
    request(address, "POST", "/add-checkpoint", body.as_bytes())
}
