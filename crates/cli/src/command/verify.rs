//! `causeway verify`: checks evidence offline, as the program `causeway-verify` does, and says what it proves.

use std::time::UNIX_EPOCH;

pub(crate) use causeway_verify::command::Options;

use crate::Failure;
use crate::output::{note, say};

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut answer = causeway_verify::command::run(options, now_seconds);
    answer.lines.iter().for_each(say);
    let reason = if answer.code == 0 { None } else { answer.notes.pop() };
    answer.notes.iter().for_each(note);
    match answer.code {
        0 => Ok(()),
        code => Err(Failure::Verdict { code, what: reason.unwrap_or_default() }),
    }
}

#[expect(clippy::disallowed_methods, reason = "the age of evidence is told by the clock of whoever checks it")]
fn now_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
