//! What has happened so far, to be told where a simulation fails.

/// Lines that are told.
const LAST: usize = 60;

/// The seed and the last things that happened.
#[derive(Debug)]
pub(super) struct Story {
    seed: u64,
    lines: Vec<String>,
}

impl Story {
    pub(super) fn of(seed: u64) -> Self {
        Self { seed, lines: Vec::new() }
    }

    pub(super) fn tell(&mut self, line: String) {
        self.lines.push(line);
    }
}

impl Drop for Story {
    #[expect(clippy::print_stderr, reason = "a simulation that fails says how it came to that")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let first = self.lines.len().saturating_sub(LAST);
            eprintln!("seed {}; the last of {} things that happened:", self.seed, self.lines.len());
            self.lines[first..].iter().for_each(|line| eprintln!("  {line}"));
        }
    }
}
