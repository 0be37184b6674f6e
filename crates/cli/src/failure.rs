//! The one error of the binary: what went wrong and what to do about it, as one clear line.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use causeway_verify::VerifyError;

/// So many lines below a failure are listed; the rest are counted.
const LISTED: usize = 10;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// A file or folder could not be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file's content is not what it should be.
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with what to do where that is not plain.
        fault: String,
    },
    /// Several faults, found together and to be mended together.
    Faults {
        /// What has them.
        place: String,
        /// Each fault, on one line.
        faults: Vec<String>,
        /// What mends them; empty where the faults say it.
        remedy: &'static str,
    },
    /// A certificate or key could not be made.
    Certificate(rcgen::Error),
    /// The arguments do not go together.
    Usage(String),
    /// The gateway was not reached, or the connection was refused or lost.
    Unreachable {
        /// What happened, with what to try.
        fault: String,
    },
    /// The gateway did not start, or did not stop as it should.
    Gateway {
        /// Whether the address was taken.
        taken: bool,
        /// What happened, with its causes.
        what: String,
    },
    /// The gateway's keys could not be sealed into a bundle, or put back from one.
    Keys(causeway_store::StoreError),
    /// A backup could not be made or restored.
    Store(causeway_store::StoreError),
    /// The gateway answered with an error.
    Refused {
        /// Its stable reason code.
        reason: String,
        /// Its message.
        message: String,
        /// The rules that the record breaks.
        violations: Vec<Broken>,
        /// The request's id, by which the gateway's operator finds it in log lines and journal.
        request_id: Option<String>,
    },
    /// Evidence does not prove what it should.
    NotProven(VerifyError),
    /// Evidence agrees with itself, and no key was given to say who vouches for it: anybody could have made it.
    Unsigned {
        /// The option that takes the key.
        option: &'static str,
    },
    /// What the offline verifier says of evidence that is not proven, with its exit code.
    Verdict {
        /// The exit code: 1 bad proof, 2 below the quorum or without a key, 3 stale, 4 rollback or split view.
        code: u8,
        /// Why.
        what: String,
    },
    /// What was received does not hold: a chain, a count, an answer.
    DoesNotHold(String),
    /// Some of what was asked for was done and some was not; the output says which.
    Partly(String),
}

/// A rule that a record breaks: never with the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// JSON pointer to the place.
    pub pointer: String,
    /// The rule's name.
    pub rule: String,
    /// The stable reason code.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "(the document)" } else { &self.pointer };
        write!(f, "{pointer}: {} ({})", self.reason, self.rule)
    }
}

impl Failure {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &Path, fault: String) -> Self {
        Self::Content { path: path.to_owned(), fault }
    }

    /// What is in a file was refused: the whole chain of causes on one line.
    pub(crate) fn of_file(path: &Path, error: &dyn std::error::Error) -> Self {
        Self::content(path, chain(error))
    }

    pub(crate) fn faults(place: &Path, faults: &[impl fmt::Display]) -> Self {
        Self::Faults {
            place: place.display().to_string(),
            faults: faults.iter().map(ToString::to_string).collect(),
            remedy: "",
        }
    }

    pub(crate) fn certificate(source: rcgen::Error) -> Self {
        Self::Certificate(source)
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// The gateway did not start, or did not stop as it should: the whole chain of causes on one line.
    pub(crate) fn gateway(place: &Path, error: &causeway_gateway::Error) -> Self {
        if let causeway_gateway::Error::Faults(faults) = error {
            return Self::faults(place, faults);
        }
        Self::Gateway { taken: is_taken(error), what: chain(error) }
    }

    pub(crate) fn does_not_hold(what: impl Into<String>) -> Self {
        Self::DoesNotHold(what.into())
    }

    /// That something does not hold at this place, with what was found there: the verdict is said once.
    pub(crate) fn does_not_hold_at(place: &str, found: &Self) -> Self {
        let what = match found {
            Self::DoesNotHold(what) => what.clone(),
            Self::NotProven(error) => error.to_string(),
            other => other.to_string(),
        };
        Self::DoesNotHold(format!("{place}: {what}"))
    }

    /// The exit code: 1, or what the verifier says of a proof. Evidence without a key has fewer signatures behind it than
    /// anybody can ask for, which is code 2, as evidence below a quorum of witnesses is.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::NotProven(error) => error.exit_code(),
            Self::Verdict { code, .. } => *code,
            Self::Unsigned { .. } => 2,
            _ => 1,
        }
    }

    /// Further lines, below the first one: so many that they can be read.
    pub(crate) fn details(&self) -> Vec<String> {
        let mut lines: Vec<String> = match self {
            Self::Faults { faults, .. } if faults.len() > 1 => faults.clone(),
            // What is wrong with a request's own field is in the message already.
            Self::Refused { message, violations, .. } => {
                violations.iter().filter(|broken| broken.rule != *message).map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        if lines.len() > LISTED {
            let more = lines.split_off(LISTED).len();
            lines.push(format!("and {more} more"));
        }
        if let Self::Refused { request_id: Some(request_id), .. } = self {
            lines.push(format!("request {request_id}"));
        }
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "{}: {source}{}", path.display(), advice(source.kind())),
            Self::Content { path, fault } => write!(f, "{}: {fault}", path.display()),
            Self::Faults { place, faults, remedy } => match (faults.as_slice(), *remedy) {
                ([fault], "") => write!(f, "{place}: {fault}"),
                ([fault], remedy) => write!(f, "{place}: {fault}; {remedy}"),
                (_, "") => write!(f, "{place} has {} faults; mend them and try again:", faults.len()),
                (_, remedy) => write!(f, "{place} has {} faults; {remedy}, and try again:", faults.len()),
            },
            Self::Certificate(source) => write!(f, "a certificate could not be made: {source}"),
            Self::Usage(what) => f.write_str(what),
            Self::Unreachable { fault } => f.write_str(fault),
            Self::Gateway { taken: true, what } => {
                write!(f, "{what}; another gateway may be running: stop it, or listen elsewhere")
            }
            Self::Gateway { taken: false, what } => f.write_str(what),
            Self::Keys(error) | Self::Store(error) => f.write_str(&chain(error)),
            Self::Refused { reason, message, .. } => write!(f, "the gateway refused this ({reason}): {message}"),
            Self::NotProven(error) => write!(f, "does not hold: {error}"),
            Self::Unsigned { option } => write!(
                f,
                "consistent, but NOT proven: without the journal's key anybody could have made this; give {option} \
                 (`causeway audit checkpoint --key-out FILE` writes it)"
            ),
            Self::Verdict { what, .. } => f.write_str(what),
            Self::DoesNotHold(what) => write!(f, "does not hold: {what}"),
            Self::Partly(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Certificate(source) => Some(source),
            Self::NotProven(source) => Some(source),
            Self::Keys(source) | Self::Store(source) => Some(source),
            _ => None,
        }
    }
}

/// An error with all its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "; check the path and the folder you are in",
        io::ErrorKind::PermissionDenied => "; this user may not: run as the one who owns it",
        _ => "",
    }
}

fn is_taken(error: &causeway_gateway::Error) -> bool {
    matches!(error, causeway_gateway::Error::Listen(source) if source.kind() == io::ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_faults_is_cut_and_the_rest_counted() {
        let faults = |count: usize| vec!["a fault"; count];
        assert_eq!(Failure::faults(Path::new("map.toml"), &faults(10)).details().len(), 10);
        let cut = Failure::faults(Path::new("map.toml"), &faults(250)).details();
        assert_eq!((cut.len(), cut.last().map(String::as_str)), (11, Some("and 240 more")));
    }
}
