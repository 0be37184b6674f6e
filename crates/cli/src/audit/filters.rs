//! Which entries: every filter of a query, as options.

use std::ops::Range;
use std::str::FromStr;

use causeway_journal::{MAX_TREE_SIZE, Outcome};
use causeway_model::PurposeCode;
use causeway_proto::v1::QueryRequest;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::span::Span;
use crate::Failure;

/// Operations as an entry may have them.
const OPERATIONS: [&str; 11] = [
    "collection",
    "alteration",
    "consultation",
    "disclosure",
    "combination",
    "erasure",
    "authentication",
    "document",
    "key",
    "retention",
    "administration",
];

/// Which entries: those that satisfy every filter that is given.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which entries")]
pub(crate) struct Filters {
    /// Entries that concern this record, the disclosures that covered it included.
    #[arg(long, value_name = "ID", conflicts_with = "pseudonym")]
    pub(crate) record: Option<String>,
    /// Entries that concern the record behind this pseudonym of a feed (with --agreement; for auditors of its owner).
    #[arg(long, value_name = "PSEUDONYM", requires = "agreement")]
    pseudonym: Option<String>,
    /// Entries of what this agency did.
    #[arg(long, value_name = "ID")]
    agency: Option<String>,
    /// Entries of what this system of the agency did.
    #[arg(long, value_name = "NAME", requires = "agency")]
    system: Option<String>,
    /// Entries of what this person of the agency did, by the operator id that was stated.
    #[arg(long, value_name = "ID", requires = "agency")]
    operator_id: Option<String>,
    /// Entries about this recipient: disclosures to it, decisions for it.
    #[arg(long, value_name = "AGENCY")]
    recipient: Option<String>,
    /// Entries under this agreement.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// Entries under this clause of the agreement, as c3.1.
    #[arg(long, value_name = "CLAUSE", requires = "agreement")]
    clause: Option<String>,
    /// Entries of this operation.
    #[arg(long, value_name = "OPERATION", value_parser = PossibleValuesParser::new(OPERATIONS))]
    operation: Option<String>,
    /// Entries for which this purpose was stated (--purpose is why you ask yourself).
    #[arg(long, value_name = "CODE")]
    by_purpose: Option<PurposeCode>,
    /// What was allowed, or what was denied.
    #[arg(long, value_enum)]
    decision: Option<Decided>,
    /// Entries with this reason code, as disclosed.
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Entries of which the journal's rules made this.
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(Outcome::NAMES))]
    outcome: Option<String>,
    /// Entries of this request, as its log lines name it: 32 hexadecimal digits.
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Entries at these leaf indices, the second one excluded; as 0..1000, or 500.. for all from there.
    #[arg(long, value_name = "A..B")]
    leaves: Option<Leaves>,
    #[command(flatten)]
    pub(crate) span: Span,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Decided {
    /// It was done.
    Allowed,
    /// It was refused.
    Denied,
}

/// A range of leaf indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaves(Range<u64>);

impl FromStr for Leaves {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a range is two leaf indices, as 0..1000, or one, as 500..";
        let (from, to) = text.split_once("..").ok_or(form)?;
        let from = from.parse().map_err(|_| form)?;
        match to {
            "" => Ok(Self(from..MAX_TREE_SIZE)),
            to => match to.parse().map_err(|_| form)? {
                to if to > from => Ok(Self(from..to)),
                _ => Err("the range ends before it begins"),
            },
        }
    }
}

impl Filters {
    /// The query, without anything about its form.
    ///
    /// # Errors
    /// No filter at all, and a span of time that ends before it begins.
    pub(crate) fn request(&self) -> Result<QueryRequest, Failure> {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        let (from_micros, to_micros) = self.span.micros()?;
        let leaves = self.leaves.as_ref().map_or(0..0, |leaves| leaves.0.clone());
        let decision = self.decision.map_or("", |decided| match decided {
            Decided::Allowed => "allowed",
            Decided::Denied => "denied",
        });
        let request = QueryRequest {
            record_id: text(&self.record),
            pseudonym: text(&self.pseudonym),
            agency: text(&self.agency),
            system: text(&self.system),
            operator_id: text(&self.operator_id),
            recipient: text(&self.recipient),
            agreement: text(&self.agreement),
            clause: text(&self.clause),
            operation: text(&self.operation),
            purpose: self.by_purpose.map_or_else(String::new, |code| code.to_string()),
            decision: decision.to_owned(),
            reason: text(&self.reason),
            outcome: text(&self.outcome),
            request_id: text(&self.request),
            from_micros,
            to_micros,
            from_leaf_index: leaves.start,
            to_leaf_index: leaves.end,
            ..QueryRequest::default()
        };
        if request == QueryRequest::default() && self.leaves.is_none() {
            return Err(Failure::usage(
                "say which entries: --record, --agency, --recipient, --agreement, --operation, --between and so on, or --leaves 0..1000",
            ));
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        filters: Filters,
    }

    fn request(line: &str) -> Result<QueryRequest, String> {
        let words = std::iter::once("query").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|fault| fault.to_string())?;
        line.filters.request().map_err(|fault| fault.to_string())
    }

    #[test]
    fn every_filter_reaches_the_query() {
        let all = "--record r --agency a --system s --operator-id o --recipient p --agreement g --clause c3.1 --operation disclosure \
                   --by-purpose investigation --decision denied --reason x --outcome void --request q --leaves 5..9 \
                   --between 2026-01-01 2026-01-31";
        let expected = QueryRequest {
            record_id: "r".into(),
            agency: "a".into(),
            system: "s".into(),
            operator_id: "o".into(),
            recipient: "p".into(),
            agreement: "g".into(),
            clause: "c3.1".into(),
            operation: "disclosure".into(),
            purpose: "investigation".into(),
            decision: "denied".into(),
            reason: "x".into(),
            outcome: "void".into(),
            request_id: "q".into(),
            from_leaf_index: 5,
            to_leaf_index: 9,
            from_micros: 1_767_225_600_000_000,
            to_micros: 1_769_904_000_000_000,
            ..QueryRequest::default()
        };
        assert_eq!(request(all), Ok(expected));
        let pseudonym = request("--pseudonym p1-a --agreement g").expect("both are given");
        assert_eq!((pseudonym.pseudonym.as_str(), pseudonym.agreement.as_str()), ("p1-a", "g"));
    }

    #[test]
    fn what_says_nothing_or_no_sense_is_refused() {
        for line in [
            "",
            "--system s",
            "--operator-id o",
            "--clause c",
            "--pseudonym p",
            "--operation reading",
            "--outcome good",
            "--by-purpose curiosity",
            "--leaves 5",
            "--leaves 9..5",
            "--leaves 5..5",
            "--leaves -1..",
            "--between 2026-01-01",
            "--from-time 2026-02-01 --to-time 2026-01-01",
            "--from-time 2026-01-01 --between 2026-01-01 2026-01-02",
        ] {
            assert!(request(line).is_err(), "{line:?}");
        }
        assert!(request("--leaves 0..").is_ok(), "the whole journal is asked for in so many words");
    }
}
