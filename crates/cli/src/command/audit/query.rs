//! `causeway audit query`: entries of the journal by what they say.

use causeway_proto::v1::QueryRequest;
use clap::Args;

use crate::Failure;
use crate::audit::answer::Answer;
use crate::audit::asking::{Asking, Desk, PURPOSES};
use crate::audit::checks::{Checks, Row, Told};
use crate::audit::filters::Filters;
use crate::audit::row::RowForm;
use crate::entry_text;
use crate::output::{note, say, say_json};
use crate::text_table::cell;
use causeway_verify::plain::plain;

/// Which entries, and in which form.
#[derive(Debug, Args)]
#[command(after_help = PURPOSES)]
pub(crate) struct Options {
    #[command(flatten)]
    filters: Filters,
    /// Newest first instead of oldest first.
    #[arg(long)]
    newest: bool,
    /// At most so many rows (1 to 10,000) a page.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on where an earlier page of the same question stopped.
    #[arg(long, value_name = "CURSOR", default_value = "", hide_default_value = true)]
    cursor: String,
    /// Every page, one after the other, instead of one.
    #[arg(long)]
    all: bool,
    /// Show the texts that entries commit to (purpose text, operator id, source address, case reference), where they are still there.
    #[arg(long)]
    openings: bool,
    /// Show what was in each disclosed page. For the operator's auditors.
    #[arg(long)]
    items: bool,
    /// Show the texts of governed documents and published tables; with --json only.
    #[arg(long, requires = "json")]
    texts: bool,
    #[command(flatten)]
    asking: Asking,
}

impl Options {
    fn request(&self) -> Result<QueryRequest, Failure> {
        Ok(QueryRequest {
            limit: self.limit,
            newest_first: self.newest,
            cursor: self.cursor.clone(),
            prove: self.asking.prove,
            with_openings: self.openings,
            with_items: self.items,
            with_texts: self.texts,
            ..self.filters.request()?
        })
    }
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let request = options.request()?;
    let Desk { session, keys, .. } = options.asking.open().await?;
    let signed = keys.is_some();
    let about_record = !request.record_id.is_empty() || !request.pseudonym.is_empty();
    let checks = Checks::new(request.clone(), keys);
    let mut answer = Answer::new(&session, request, checks, options.all);
    let (mut count, mut next) = (0_u64, String::new());
    while let Some(told) = answer.next().await? {
        match told {
            Told::Row(row) => {
                count += 1;
                match options.asking.json {
                    true => say_json(&RowForm::new(&row, about_record)),
                    false => lines(&row, options.filters.record.as_deref(), about_record).iter().for_each(say),
                }
            }
            Told::End(cursor) => next = cursor,
            Told::Begin(_) => {}
        }
    }
    let size = answer.checks().begun().map_or(0, |begun| begun.checkpoint.size);
    note(match count {
        0 => format!("no entry below {size} satisfies it, or none that this auditor may see"),
        count => {
            format!("{count} entries below {size} that this auditor may see{}", checked(options.asking.prove, signed))
        }
    });
    if !next.is_empty() {
        note(format_args!("there are more: --cursor {}", plain(&next)));
    }
    Ok(())
}

const fn checked(proved: bool, signed: bool) -> &'static str {
    match (proved, signed) {
        (true, true) => "; inclusion proofs and the checkpoint's signature hold",
        (true, false) => "; inclusion proofs hold, the signature was not checked: give --verifier-key",
        (false, _) => "; to prove them: --prove, or one of them: causeway audit prove LEAF --out FILE",
    }
}

/// The row in words, and what came beside it below.
fn lines(row: &Row, record: Option<&str>, about_record: bool) -> Vec<String> {
    let text = record.map_or_else(|| entry_text::summary(&row.entry), |record| entry_text::story(&row.entry, record));
    let mut lines = vec![format!("{:>8}  {text}{}", row.leaf(), remark(row, about_record))];
    let mut below = |text: String| lines.push(format!("          {}", plain(&text)));
    if let Some(opened) = &row.wire.opened {
        let texts = [
            ("person", &opened.operator_id),
            ("purpose", &opened.purpose_text),
            ("from", &opened.source_address),
            ("case", &opened.case_reference),
        ];
        let texts = texts
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| format!("{name} \"{}\"", cell(text).replace('"', "'")));
        below(texts.collect::<Vec<_>>().join("; "));
    }
    for item in &row.wire.items {
        let left = if item.left { "" } else { ", its content did not leave" };
        let version = if item.version == 0 { String::new() } else { format!(" version {}", item.version) };
        below(format!("position {}: {} {}{version} {}{left}", item.position, item.kind, item.record_id, item.clause));
    }
    lines
}

/// What apply made of the entry, where it is not what one would think.
fn remark(row: &Row, about_record: bool) -> String {
    match (row.wire.outcome.as_str(), row.wire.record_left) {
        // The page held its position: it was put off, or a withdrawal stood in its place.
        ("effective", false) if about_record && row.discloses_page() => ", its content did not leave".into(),
        ("effective", false) => String::new(),
        ("effective", true) => ", the record's content left".into(),
        (outcome, _) => format!(" [{}]", plain(entry_text::outcome(outcome))),
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Operation, Page};
    use causeway_proto::v1::{DisclosedItem, OpenedTexts};

    use super::*;
    use crate::audit::test_answers::{entry, row};

    #[test]
    fn what_others_wrote_stays_on_its_line() {
        let hostile = "an operator\nentry 7 \u{1b}[2J\u{202e}".to_owned();
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 2, ..Page::default() };
        let mut row =
            row(3, causeway_journal::v1::Entry { page: Some(page), ..entry(0, Operation::Disclosure, "disclosed") });
        row.wire.opened = Some(OpenedTexts { operator_id: hostile.clone(), ..OpenedTexts::default() });
        row.wire.items =
            vec![DisclosedItem { kind: hostile.clone(), clause: hostile, position: 1, ..DisclosedItem::default() }];
        row.wire.outcome = "void\n".into();
        let lines = lines(&row, None, false);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains(|c: char| c.is_control() || c == '\u{202e}')), "{lines:#?}");
    }

    #[test]
    fn a_page_about_a_record_says_whether_its_content_left() {
        let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 2, ..Page::default() };
        let mut row =
            row(3, causeway_journal::v1::Entry { page: Some(page), ..entry(0, Operation::Disclosure, "disclosed") });
        assert!(lines(&row, Some("ab"), true)[0].ends_with(", its content did not leave"));
        row.wire.record_left = true;
        assert!(lines(&row, Some("ab"), true)[0].ends_with(", the record's content left"));
        let json = serde_json::to_value(RowForm::new(&row, true)).expect("JSON");
        assert_eq!((&json["record_left"], &json["operation"]), (&true.into(), &"disclosure".into()));
    }
}
