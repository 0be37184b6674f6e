//! `causeway sample`: synthetic submissions, to try things with.

use clap::Args;

use crate::output::{note, say};
use crate::sample::{FaultKind, SampleRecord, clean, records};
use crate::{Failure, line};

/// Writes synthetic submissions as JSON Lines, for `submit` and `validate`. From the same seed come the same bytes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    count: usize,
    /// The seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Put records among them that must be refused, one for each kind of fault that a line of JSON can hold.
    #[arg(long)]
    with_faults: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let sample =
        if options.with_faults { records(options.seed, options.count) } else { clean(options.seed, options.count) };
    let mut left_out = Vec::new();
    for record in sample {
        match line_of(&record) {
            Some(line) => say(line),
            None => left_out.extend(record.fault.map(FaultKind::as_str)),
        }
    }
    if !left_out.is_empty() {
        note(format_args!("left out, since no line of JSON can hold them: {}", left_out.join(", ")));
    }
    Ok(())
}

/// The record as a line; none where its document is not such that a line can hold it.
fn line_of(record: &SampleRecord) -> Option<String> {
    let document = std::str::from_utf8(&record.document).ok()?;
    let line = format!(
        r#"{{"submission_id":"{}","kind":"{}","schema_version":"{}","document":{document}}}"#,
        record.submission_id, record.schema.kind, record.schema.version
    );
    line::parse(&line).is_ok().then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clean_record_is_a_line_that_reads_back() {
        for record in clean(3, 50) {
            let line = line::parse(&line_of(&record).expect("a line can hold it")).expect("of the form");
            assert_eq!((line.submission_id.expose(), line.document), (record.submission_id.as_str(), record.document));
        }
    }

    #[test]
    fn what_is_not_json_is_left_out_and_the_rest_is_there() {
        let lost: Vec<_> = records(3, 200).filter(|record| line_of(record).is_none()).collect();
        assert!(lost.iter().all(|record| record.fault.is_some()));
        assert!((1..6).contains(&lost.len()), "{} kinds of fault cannot be a line", lost.len());
    }
}
