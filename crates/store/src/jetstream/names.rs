//! A stream's name, and the subjects that follow from it: those that the servers' permissions name (docs/cluster.md).

use std::fmt;
use std::str::FromStr;

/// Longest name of a stream.
const MAX_NAME: usize = 32;

/// The name of a stream: of `A` to `Z`, `0` to `9` and `_`, beginning with a letter. In small letters it begins the stream's subjects,
/// so that two streams on the same servers have none in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName(String);

impl StreamName {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn small(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What frames are published on. The last part is the shard: there is one.
    pub(super) fn frames(&self) -> String {
        format!("{}.0", self.small())
    }

    /// All that the stream takes.
    pub(super) fn taken(&self) -> String {
        format!("{}.>", self.small())
    }

    /// What the stream publishes again once it is committed, without the bytes.
    pub(super) fn tail(&self) -> String {
        format!("{}tail.>", self.small())
    }

    /// Where each server says how it keeps the log: a service that the account imports from the system's.
    pub(super) fn servers(&self) -> String {
        format!("{}servers", self.small())
    }

    /// A call of JetStream's interface.
    pub(super) fn call(&self, what: &str) -> String {
        format!("$JS.API.{what}.{}", self.0)
    }
}

impl FromStr for StreamName {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let begins = name.bytes().next().is_some_and(|first| first.is_ascii_uppercase());
        let is_word = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        if begins && is_word && name.len() <= MAX_NAME {
            Ok(Self(name.to_owned()))
        } else {
            Err("must be of at most 32 characters A to Z, 0 to 9 and _, and begin with a letter, as LOG")
        }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_in_capitals() {
        for good in ["LOG", "A", "LOG_2"] {
            assert_eq!(good.parse::<StreamName>().expect("a name").as_str(), good);
        }
        for bad in ["", "log", "2LOG", "LOG.X", "LOG*", "LOG >", &"L".repeat(33)] {
            assert!(bad.parse::<StreamName>().is_err(), "{bad}");
        }
        let name: StreamName = "LOG".parse().expect("a name");
        assert_eq!((name.frames().as_str(), name.tail().as_str()), ("log.0", "logtail.>"));
        assert_eq!(name.call("STREAM.INFO"), "$JS.API.STREAM.INFO.LOG");
    }
}
