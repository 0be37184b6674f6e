//! What was found, in plain words and as JSON.

use causeway_journal::Checkpoint;
use serde_json::{Map, Value};

use super::Answer;
use crate::VerifyError;
use crate::plain::{plain, plain_json};
use crate::trust::Vouched;

/// So many single faults are listed; the rest are counted.
const LISTED: usize = 20;

/// What was found so far.
pub(super) struct Report {
    lines: Vec<String>,
    faults: Vec<String>,
    members: Map<String, Value>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { lines: Vec::new(), faults: Vec::new(), members: Map::new() }
    }

    /// A line of the report; the first one is what the evidence shows.
    pub(super) fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A member of the report as JSON.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// One fault of several.
    pub(super) fn fault(&mut self, fault: String) {
        if self.faults.len() < LISTED {
            self.faults.push(fault);
        }
    }

    /// The checkpoint that everything rests on, and who vouches for it.
    pub(super) fn checkpoint(&mut self, vouched: &Vouched) {
        let Checkpoint { origin, size, root } = &vouched.checkpoint;
        self.say(format!("  at size {size} with root {root}"));
        self.set("origin", origin.as_str());
        self.set("tree_size", *size);
        self.set("root", root.to_string());
        let signers: Vec<String> = vouched.signers.iter().map(ToString::to_string).collect();
        self.lines.extend(signers.iter().map(|key| format!("  signed by {key}")));
        self.set("signed_by", signers);
        let cosigned: Vec<&str> = vouched.cosigned.iter().map(|(name, _)| name.as_str()).collect();
        if !cosigned.is_empty() {
            self.say(format!("  cosigned by {}", cosigned.join(", ")));
        }
        self.set("cosigned_by", cosigned);
    }

    pub(super) fn answer(mut self, verdict: Result<(), VerifyError>, json: bool) -> Answer {
        let code = verdict.as_ref().err().map_or(0, VerifyError::exit_code);
        let standing = match code {
            0 => "holds",
            _ if verdict == Err(VerifyError::OutcomesUnknown) => "holds, but what came of it is NOT proven",
            2 | 3 if !self.lines.is_empty() => "NOT proven, only consistent in itself",
            _ => "does not hold",
        };
        let mut notes = self.faults;
        notes.extend(verdict.err().map(|error| match code {
            1 | 4 => format!("does not hold: {error}"),
            _ => error.to_string(),
        }));
        if json {
            self.members.insert("verdict".into(), VERDICTS[usize::from(code.min(4))].into());
            self.members.insert("faults".into(), notes.clone().into());
            let json = Value::Object(self.members).to_string();
            return Answer {
                lines: vec![plain_json(&json)],
                notes: notes.iter().map(|note| plain(note)).collect(),
                code,
            };
        }
        // What a refused file says of itself is not repeated as if it were so.
        let lines = match code {
            0 | 2 | 3 => self.lines,
            _ => Vec::new(),
        };
        let mut lines = lines.into_iter();
        let first = lines.next().map(|first| format!("{standing}: {first}"));
        let lines = first.into_iter().chain(lines).map(|line| plain(&line)).collect();
        Answer { lines, notes: notes.iter().map(|note| plain(note)).collect(), code }
    }
}

/// By exit code.
const VERDICTS: [&str; 5] = ["good", "bad-proof", "below-quorum", "stale", "rollback-or-split-view"];
