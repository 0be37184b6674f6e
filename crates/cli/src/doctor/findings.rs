//! Findings: what was seen, how bad it is, and what to do about it.

use causeway_verify::plain::plain;
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// It works, and will not for ever; or it could not be looked at.
    Warning,
    /// It does not work, or not as it must.
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    check: &'static str,
    state: State,
    seen: String,
    /// What to do; nothing where nothing is to be done.
    #[serde(rename = "do", skip_serializing_if = "str::is_empty")]
    todo: &'static str,
}

/// All of them, in the order of their being found.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn ok(&mut self, check: &'static str, seen: impl Into<String>) {
        self.add(check, State::Ok, seen.into(), "");
    }

    pub(crate) fn warning(&mut self, check: &'static str, seen: impl Into<String>, todo: &'static str) {
        self.add(check, State::Warning, seen.into(), todo);
    }

    pub(crate) fn failure(&mut self, check: &'static str, seen: impl Into<String>, todo: &'static str) {
        self.add(check, State::Failure, seen.into(), todo);
    }

    /// What is in it may come from the other side, so nothing of it acts on a terminal.
    fn add(&mut self, check: &'static str, state: State, seen: String, todo: &'static str) {
        self.0.push(Finding { check, state, seen: plain(&seen), todo });
    }

    pub(crate) fn all(&self) -> &[Finding] {
        &self.0
    }

    pub(crate) fn count(&self, state: State) -> usize {
        self.0.iter().filter(|finding| finding.state == state).count()
    }

    /// Lines for people: what is to be done stands below what was seen.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Finding { check, state, seen, todo } in &self.0 {
            let state = match state {
                State::Ok => "ok",
                State::Warning => "WARNING",
                State::Failure => "FAILURE",
            };
            lines.push(format!("{state:<7}  {check:<13}  {seen}"));
            if !todo.is_empty() {
                lines.push(format!("{:24}  -> {todo}", ""));
            }
        }
        let count = |state| self.count(state);
        let counts = (count(State::Ok), count(State::Warning), count(State::Failure));
        lines.push(format!("{} ok, {} warnings, {} failures", counts.0, counts.1, counts.2));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_stands_below_what_was_seen_and_nothing_acts_on_a_terminal() {
        let mut findings = Findings::default();
        findings.ok("clock", "right");
        findings.failure("live-call", "hostile\u{1b}[2K\nline", "look again");
        let lines = findings.lines();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[1].starts_with("FAILURE  live-call") && !lines[1].contains(char::is_control), "{lines:?}");
        assert!(lines[2].trim_start().starts_with("-> look again"), "{lines:?}");
        assert_eq!(lines[3], "1 ok, 0 warnings, 1 failures");
        let json = serde_json::to_value(findings.all()).expect("JSON");
        assert_eq!(json[1]["do"], "look again");
        assert_eq!(json[0], serde_json::json!({ "check": "clock", "state": "ok", "seen": "right" }));
    }
}
