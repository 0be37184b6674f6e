//! How far a log has been applied here, as clients carry it from one node to another to read there what they have written here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use causeway_model::FrameSeq;

use crate::unavailable::stopped;
use crate::{Class, Error, Exchange};

/// When a caller whose position has not been reached may try again.
const RETRY: Duration = Duration::from_secs(1);

/// A place in a log. As text it is the log's id in 32 hexadecimal digits, a hyphen, and the frame's place in 16: of one length, so that
/// answers differ by nothing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The log's id.
    pub log: [u8; 16],
    /// The frame up to which it has been applied.
    pub frame: FrameSeq,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{:016x}", u128::from_be_bytes(self.log), self.frame.0)
    }
}

/// The text is none of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPosition;

impl FromStr for LogPosition {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (log, frame) = text.split_once('-').ok_or(NoPosition)?;
        let is_hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !is_hex(log, 32) || !is_hex(frame, 16) {
            return Err(NoPosition);
        }
        let log = u128::from_str_radix(log, 16).map_err(|_| NoPosition)?.to_be_bytes();
        Ok(Self { log, frame: FrameSeq(u64::from_str_radix(frame, 16).map_err(|_| NoPosition)?) })
    }
}

impl Exchange {
    /// How far this gateway has applied its log; none before it has one.
    pub fn log_position(&self) -> Option<LogPosition> {
        self.journal().read(|state| Some(LogPosition { log: state.log_id()?, frame: state.head().0 }))
    }

    /// Waits until this gateway has come to a position, however long that takes: whoever calls sets a limit, and refuses with
    /// [`Exchange::not_at`] then.
    ///
    /// # Errors
    /// `Invalid` for a position of another log; `Unavailable` where the journal has stopped.
    pub async fn comes_to(&self, position: LogPosition) -> Result<(), Error> {
        loop {
            let changed = self.changed();
            let own = self.log_position().ok_or_else(stopped)?;
            if own.log != position.log {
                let message = "this position is of another gateway's log than this one's: ask the gateways that share the log it is of, or \
                               ask without it";
                return Err(Error::invalid("position-of-another-log", message));
            }
            if own.frame >= position.frame {
                return Ok(());
            }
            if !self.is_running() {
                return Err(self.unavailable());
            }
            changed.await;
        }
    }

    /// The refusal of a caller whose position has not been reached in time.
    pub fn not_at(&self, position: LogPosition) -> Error {
        let behind = self.log_position().map_or(0, |own| position.frame.0.saturating_sub(own.frame.0));
        let message = "this gateway has not come to this position yet: try again after the delay, or ask another one";
        let error = Error::new(Class::Unavailable, "position-not-reached", message);
        Error { retry_after: Some(RETRY), ..error }.because(Behind(behind))
    }
}

/// By how many frames.
#[derive(Debug)]
struct Behind(u64);

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {} frames behind", self.0)
    }
}

impl std::error::Error for Behind {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written_and_in_no_other_way() {
        let log = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let position = LogPosition { log, frame: FrameSeq(0x1f) };
        let text = position.to_string();
        assert_eq!(text, "000102030405060708090a0b0c0d0e0f-000000000000001f");
        assert_eq!(text.parse(), Ok(position));
        for wrong in [
            "",
            "-",
            "1f",
            &text[1..],
            &text[..48],
            &format!("{text}0"),
            &text.to_uppercase(),
            &text.replace('-', "+"),
            &text.replacen("00", "+0", 1),
        ] {
            assert_eq!(wrong.parse::<LogPosition>(), Err(NoPosition), "{wrong}");
        }
    }
}
