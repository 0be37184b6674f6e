//! The only module that writes to the terminal: answers on standard output, progress and errors on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::Failure;
use causeway_verify::plain::plain_json;

/// Without a terminal, progress is a plain line each time so many more are done.
const PLAIN_STEP: u64 = 10_000;

/// The exit code for a command line that says nothing sensible (`EX_USAGE` of sysexits.h): 2 is a verdict on evidence.
const USAGE: u8 = 64;

/// One line of an answer. A reader that has gone away (`| head`) ends the program quietly. An answer that cannot be written
/// ends it too, with the reason and code 1, so that nothing that stands on the answer (a cursor, say) is done after it.
pub(crate) fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        std::process::exit(unsaid(&error));
    }
}

/// What clap has to say instead of a command: help and version on standard output, a fault in the command line on standard
/// error. Gives the exit code.
pub(crate) fn say_usage(message: &clap::Error) -> u8 {
    match message.print() {
        Err(error) if !message.use_stderr() => u8::try_from(unsaid(&error)).unwrap_or(1),
        _ if message.use_stderr() => USAGE,
        _ => 0,
    }
}

/// The exit code where standard output cannot be written; says why where somebody may be waiting for the answer.
fn unsaid(error: &io::Error) -> i32 {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return 0;
    }
    note(format_args!("causeway: standard output: {error}; the answer is not all there, what the gateway did stands"));
    1
}

/// A JSON value as an answer, on one line, in which nothing acts on a terminal.
pub(crate) fn say_json(value: &impl Serialize) {
    say(plain_json(&serde_json::to_string(value).expect("a value of texts and numbers is JSON")));
}

/// One line beside the answer, on standard error. Nothing can be done where that is closed.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The line that says why a command failed, and its details below.
pub(crate) fn fail(failure: &Failure) {
    note(format_args!("causeway: {failure}"));
    failure.details().iter().for_each(|detail| note(format_args!("  {detail}")));
}

/// How far a long command has come, on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    total: Option<u64>,
    plain_at: Option<u64>,
}

impl Progress {
    /// A bar towards `total`, or a counter where that is not known; nothing at all where `quiet`.
    pub(crate) fn start(what: &'static str, total: Option<u64>, quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {pos}/{len} {rate} {eta}",
            None => "{msg} {pos} {rate}",
        };
        let style = ProgressStyle::with_template(template).expect("the template is well formed");
        let style =
            style.progress_chars("=> ").with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                // A bar that cannot be written is no reason to stop what it shows.
                let _ = write!(text, "{:.0}/s", state.per_sec());
            });
        let bar = ProgressBar::with_draw_target(total, target).with_style(style).with_message(what);
        Self { bar, what, total, plain_at: (!terminal && !quiet).then_some(PLAIN_STEP) }
    }

    /// `done` of them are done.
    pub(crate) fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        if let Some(step) = self.plain_at.filter(|step| done >= *step) {
            match self.total {
                Some(total) => note(format_args!("{}: {done} of {total}", self.what)),
                None => note(format_args!("{}: {done}", self.what)),
            }
            self.plain_at = Some(step + PLAIN_STEP);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
