//! `causeway pseudonym`: what can be said of a pseudonym without any key, offline.

use std::path::PathBuf;

use causeway_crypto::pseudonym_is_well_formed;
use causeway_schema::normalise;
use clap::{Args, Subcommand};

use crate::output::{note, say};
use crate::{Failure, input};

/// Pseudonyms.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tells a mistyped pseudonym from a well-formed one; or shows the form in which identifiers are compared.
    Check(CheckOptions),
}

/// Which text.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// A pseudonym, as p1-lr54ipmu7af6oiukiha4m6myzp-ey, or - for one line of standard input.
    #[arg(required_unless_present = "scheme")]
    pseudonym: Option<String>,
    /// Show an identifier of this scheme (subject, document, phone...) as it is compared: spellings that give one form get
    /// one pseudonym.
    #[arg(long, value_name = "SCHEME", requires = "value_from", conflicts_with = "pseudonym")]
    scheme: Option<String>,
    /// The identifier: a file with one line, or - for standard input.
    #[arg(long, value_name = "FILE", requires = "scheme")]
    value_from: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Check(options) = command;
    if let (Some(scheme), Some(source)) = (&options.scheme, &options.value_from) {
        say(normalised(scheme, &input::line(source)?)?);
        return Ok(());
    }
    let text = match options.pseudonym.as_deref() {
        Some(input::STANDARD_INPUT) | None => input::line(input::STANDARD_INPUT.as_ref())?,
        Some(text) => text.to_owned(),
    };
    check(&text)
}

fn check(text: &str) -> Result<(), Failure> {
    match pseudonym_is_well_formed(text) {
        true => {
            say("well formed: its check characters fit");
            note("whether anybody has this pseudonym only the gateway can say");
            Ok(())
        }
        false => Err(Failure::DoesNotHold(
            "this is no pseudonym, or a character of it is wrong (which one cannot be known): compare it with the item"
                .into(),
        )),
    }
}

/// An identifier as the gateway compares it.
fn normalised(scheme: &str, value: &str) -> Result<String, Failure> {
    let unknown = || Failure::usage("there is no such scheme; the schema's page says which field is of which");
    normalise(scheme, value).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_pseudonym_is_told_from_a_good_one() {
        let good = "p1-lr54ipmu7af6oiukiha4m6myzp-ey";
        check(good).expect("from the readme");
        for (at, _) in good.char_indices().skip(3) {
            let mut mistyped = good.to_owned();
            let other = if good[at..].starts_with('a') { "b" } else { "a" };
            mistyped.replace_range(at..=at, other);
            assert!(check(&mistyped).is_err(), "{mistyped}");
        }
        for text in ["", "p1", "NRM-1", "p1-lr54ipmu7af6oiukiha4m6myzp", "P1-LR54IPMU7AF6OIUKIHA4M6MYZP-EY"] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spellings_of_one_identifier_have_one_form() {
        let form = |value| normalised("document", value).expect("a document number");
        assert_eq!(form("AB 12-34 56c"), form("ab123456C"));
        assert!(normalised("shoe-size", "42").is_err());
    }
}
