//! `causeway audit unusual`: what is out of the ordinary, by rules that are stated in a file.

mod finding;
mod hours;
mod purpose;
mod rules;
mod subject;
mod volume;

use std::path::PathBuf;

use causeway_proto::v1::QueryRequest;
use clap::Args;

use crate::Failure;
use crate::audit::asking::{Asking, PURPOSES};
use crate::audit::checks::Row;
use crate::audit::span::Span;
use crate::output::{note, say, say_json};
use finding::Finding;
use rules::Rules;

const AFTER_HELP: &str = "Rules: volume (much more in a day than usual), hours (outside an agency's hours), off-purpose (a purpose that a system does not act for otherwise), \
                          same-subject (one person after one record, or refused again and again). config/audit/unusual.toml states them as they are without --rules, with \
                          every number. A finding names the entries that it rests on; it is a reason to look, no proof.";

/// Looks for what is unusual in a span of time, oldest first.
#[derive(Debug, Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{PURPOSES}"))]
pub(crate) struct Options {
    #[command(flatten)]
    span: Span,
    /// The rules, instead of those that are built in.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let (from_micros, to_micros) = options.span.bounded()?;
    let rules = Rules::of(options.rules.as_deref())?;
    let mut watch = Watch::new(rules);
    let mut desk = options.asking.open().await?;
    let request = QueryRequest { from_micros, to_micros, with_openings: true, ..QueryRequest::default() };
    let mut found = 0_u64;
    let mut tell = |finding: &Finding| {
        found += 1;
        match options.asking.json {
            true => say_json(finding),
            false => finding.lines().iter().for_each(say),
        }
    };
    let each = |row: &Row| {
        watch.take(row).iter().for_each(&mut tell);
        Ok(())
    };
    desk.each(request, each).await?;
    watch.rest().iter().for_each(&mut tell);
    note(sentence(found));
    desk.note_grounds();
    Ok(())
}

/// What the answer shows. It may be less than there is: an auditor's scope is not known here.
fn sentence(found: u64) -> String {
    match found {
        0 => "nothing unusual by these rules that this auditor may see".to_owned(),
        found => format!("{found} findings in what this auditor may see: reasons to look, no proof"),
    }
}

/// Every rule, over entries in the order of the journal.
#[derive(Debug)]
struct Watch {
    volume: Option<volume::Watch>,
    hours: Option<hours::Watch>,
    purpose: Option<purpose::Watch>,
    subject: Option<subject::Watch>,
}

impl Watch {
    fn new(rules: Rules) -> Self {
        Self {
            volume: rules.volume.map(volume::Watch::new),
            hours: rules.hours.map(hours::Watch::new),
            purpose: rules.off_purpose.map(purpose::Watch::new),
            subject: rules.same_subject.map(subject::Watch::new),
        }
    }

    /// Takes the next entry; what it makes certain.
    fn take(&mut self, row: &Row) -> Vec<Finding> {
        // What the gateway does by itself, and what nobody authenticated did, is nobody's habit.
        let acted = row.entry.actor.as_ref().is_some_and(|actor| !actor.system.is_empty());
        if !acted {
            return Vec::new();
        }
        let mut found = Vec::new();
        if let Some(volume) = &mut self.volume {
            volume.take(row);
        }
        if let Some(hours) = &mut self.hours {
            hours.take(row);
        }
        found.extend(self.purpose.as_mut().and_then(|purpose| purpose.take(row)));
        found.extend(self.subject.iter_mut().flat_map(|subject| subject.take(row)));
        found
    }

    /// What only the end makes certain.
    fn rest(&mut self) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.hours.iter_mut().flat_map(hours::Watch::rest).collect();
        found.extend(self.volume.iter().flat_map(volume::Watch::rest));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_is_not_denied() {
        for found in [0, 3] {
            assert!(
                sentence(found).contains("that this auditor may see")
                    || sentence(found).contains("what this auditor may see")
            );
        }
    }
}
