//! The frames of an HTTP/2 connection, counted as they arrive: those that cost the gateway work and move nothing are few on an honest
//! connection. Pure: what it is shown is what came out of TLS, and its time is passed in.
//!
//! hyper and h2 bound what a connection can make them *keep* (header lists, CONTINUATION frames of one block, streams reset before
//! they were taken, small DATA frames). What a peer can make them *do* again and again is bounded here: PING, SETTINGS, PRIORITY,
//! WINDOW_UPDATE and empty frames, and streams that are begun and reset at once (CVE-2023-44487).

use std::time::Duration;

use super::bucket::{Bucket, Rate};

/// The preface of a client (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;

/// The header of a frame (RFC 9113 section 4.1).
const HEADER_BYTES: usize = 9;

/// Frames that carry nothing. An honest client probes and opens windows as it is sent something: see [`BYTES_SENT`].
const IDLE: Rate = Rate { per_second: 100, most: 2_000 };

/// Streams that the client resets. Deadlines pass and calls are dropped, but not hundreds in a second for long.
const RESETS: Rate = Rate { per_second: 50, most: 1_000 };

/// For so many bytes that the gateway has sent, the client may send one frame more that carries nothing.
const BYTES_SENT: u64 = 64;

/// For so many bytes that the gateway has sent, the client may reset one stream more: it was answered.
const BYTES_ANSWERED: u64 = 256;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;

/// What a peer does too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Frames that carry nothing.
    Idle,
    /// Streams begun and reset.
    Resets,
}

impl Flood {
    /// In words, for a log line.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Idle => "frames that carry nothing",
            Self::Resets => "streams reset by the client",
        }
    }
}

/// One connection's frames.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Bytes of the preface, or of a payload, that are passed over.
    skip: usize,
    header: [u8; HEADER_BYTES],
    filled: usize,
    idle: Bucket,
    resets: Bucket,
}

impl Frames {
    pub(crate) const fn new() -> Self {
        Self { skip: PREFACE_BYTES, header: [0; HEADER_BYTES], filled: 0, idle: Bucket::full(), resets: Bucket::full() }
    }

    /// Looks at what has arrived.
    ///
    /// # Errors
    /// What there is too much of.
    pub(crate) fn arrived(&mut self, mut bytes: &[u8], now: Duration) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                self.skip -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            let part = (HEADER_BYTES - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + part].copy_from_slice(&bytes[..part]);
            self.filled += part;
            bytes = &bytes[part..];
            if self.filled == HEADER_BYTES {
                self.filled = 0;
                self.frame(now)?;
            }
        }
        Ok(())
    }

    /// So many bytes went to the peer.
    pub(crate) fn sent(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.idle.give(bytes / BYTES_SENT, IDLE);
        self.resets.give(bytes / BYTES_ANSWERED, RESETS);
    }

    fn frame(&mut self, now: Duration) -> Result<(), Flood> {
        let [a, b, c, kind, ..] = self.header;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        match kind {
            DATA if length > 0 => Ok(()),
            // Requests are counted as such.
            HEADERS => Ok(()),
            RESET => self.resets.take(RESETS, 0, now).map_err(|_| Flood::Resets),
            // CONTINUATION too: an honest list of headers fits into one frame.
            _ => self.idle.take(IDLE, 0, now).map_err(|_| Flood::Idle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).expect("short").to_be_bytes();
        let header = [length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        header.into_iter().chain(std::iter::repeat_n(0xff, payload)).collect()
    }

    fn opened() -> Frames {
        let mut frames = Frames::new();
        frames.arrived(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Duration::ZERO).expect("the preface");
        frames
    }

    /// How many of these frames are taken at one moment.
    fn taken(frames: &mut Frames, kind: u8, payload: usize, now: Duration) -> u64 {
        let bytes = frame(kind, payload);
        (0..100_000).take_while(|_| frames.arrived(&bytes, now).is_ok()).count() as u64
    }

    #[test]
    fn floods_end_and_what_carries_something_does_not_count() {
        let second = Duration::from_secs(1);
        for kind in [2, 4, PING, 7, 8, 9, 250] {
            assert_eq!(taken(&mut opened(), kind, 8, second), IDLE.most, "{kind}");
        }
        assert_eq!(taken(&mut opened(), DATA, 0, second), IDLE.most, "DATA without data");
        assert_eq!(taken(&mut opened(), RESET, 4, second), RESETS.most);
        for kind in [DATA, HEADERS] {
            assert_eq!(taken(&mut opened(), kind, 100, second), 100_000, "{kind}");
        }
        let mut frames = opened();
        for _ in 0..IDLE.most {
            frames.arrived(&frame(PING, 8), second).expect("as many as there may be at once");
        }
        assert_eq!(taken(&mut frames, PING, 8, 2 * second), IDLE.per_second, "a second later");
    }

    #[test]
    fn who_is_sent_much_may_probe_and_open_windows_as_often() {
        let (mut frames, second) = (opened(), Duration::from_secs(1));
        for _ in 0..50_000 {
            frames.sent(128);
            frames.arrived(&frame(8, 4), second).expect("a window is opened for what was sent");
            frames.arrived(&frame(PING, 8), second).expect("and a probe");
        }
        let (mut frames, mut answered) = (opened(), 0u64);
        while frames.arrived(&frame(PING, 8), second).is_ok() {
            frames.sent(17);
            answered += 1;
        }
        assert_eq!(answered, IDLE.most, "answers to probes pay for none");
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        for _ in 0..IDLE.most / 2 {
            bytes.extend([frame(PING, 8), frame(DATA, 300)].concat());
        }
        for cut in [1, 2, 7, 9, 10, 4_096, bytes.len()] {
            let mut frames = Frames::new();
            for part in bytes.chunks(cut) {
                frames.arrived(part, Duration::ZERO).expect("within its limits");
            }
            assert_eq!(taken(&mut frames, PING, 8, Duration::ZERO), IDLE.most / 2, "parts of {cut}");
        }
    }
}
