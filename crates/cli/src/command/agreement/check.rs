//! `causeway agreement check`: what can be known of an agreement before anybody approves it.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_agreement::{Agreement, Fault, Lines};
use causeway_schema::Schemas;
use clap::Args;

use crate::output::{note, say};
use crate::{Failure, schema_folder};

/// Where the schemas are, unless something else is said.
const SCHEMAS: &str = "config/schemas";

/// What is said where so much is wrong that fields and codes could not be looked at.
const LATER: &str = "fields and codes are checked once these are mended";

/// Checks agreement files; ends with 1 where one has a fault. Notes are no faults.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The files. Of several, what could join their feeds is noted too.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder of the schema files, with their code lists, that the fields are checked against [default: config/schemas,
    /// where that is there].
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

/// A file that is an agreement.
struct Read<'a> {
    path: &'a Path,
    lines: Lines,
    agreement: Agreement,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let schemas = schemas(options.schemas.as_deref())?;
    let report = Report::of(&options.files, schemas.as_ref())?;
    report.lines.iter().for_each(say);
    let (faults, faulty, files) = (report.faults, report.faulty, options.files.len());
    match faulty {
        0 => Ok(()),
        _ => Err(Failure::Partly(format!("not without fault: {faulty} of {files} files, {faults} faults in all"))),
    }
}

/// What is said of the files.
#[derive(Debug)]
struct Report {
    lines: Vec<String>,
    faults: usize,
    faulty: usize,
}

impl Report {
    /// Checks each file: its faults in the order of their lines, or what is to be noted of it and of it beside the files
    /// before it.
    fn of(paths: &[PathBuf], schemas: Option<&Schemas>) -> Result<Self, Failure> {
        let mut report = Self { lines: Vec::new(), faults: 0, faulty: 0 };
        let mut sound: Vec<Read<'_>> = Vec::new();
        for path in paths {
            let text = fs::read_to_string(path).map_err(|source| Failure::file(path, source))?;
            match faults_of(&text, schemas) {
                Ok(agreement) => sound.push(Read { path, lines: Lines::of(&text), agreement }),
                Err(Faulty { faults, fields_checked }) => {
                    report.faulty += 1;
                    report.faults += faults.len();
                    report.lines.extend(faults.iter().map(|fault| fault_line(path, fault)));
                    report.lines.extend((!fields_checked).then(|| at(path, None, LATER)));
                }
            }
        }
        for (index, read) in sound.iter().enumerate() {
            report.lines.extend(notes(read, &sound[..index], schemas));
        }
        Ok(report)
    }
}

/// What is wrong with a text.
#[derive(Debug)]
struct Faulty {
    faults: Vec<Fault>,
    /// Whether its fields and codes were looked at, too.
    fields_checked: bool,
}

/// The agreement in a text, or every fault of it.
fn faults_of(text: &str, schemas: Option<&Schemas>) -> Result<Agreement, Faulty> {
    let against = |schemas: &Schemas, agreement: &Agreement| {
        let mut faults = agreement.check_fields(&|kind| schemas.tables(kind));
        faults.extend(agreement.check_codes(&|kind, path, code| schemas.knows_code(kind, path, code)));
        faults
    };
    let check = |agreement: &Agreement| schemas.map(|schemas| against(schemas, agreement)).unwrap_or_default();
    let (faults, checked) = Agreement::faults(text, check);
    let fields_checked = checked || schemas.is_none();
    match Agreement::parse(text) {
        Ok(agreement) if faults.is_empty() => Ok(agreement),
        _ => Err(Faulty { faults, fields_checked }),
    }
}

/// That a file has no fault, and what could join items of its feed with each other or with those of `others`.
fn notes(read: &Read<'_>, others: &[Read<'_>], schemas: Option<&Schemas>) -> Vec<String> {
    let Read { path, lines, agreement } = read;
    let mut notes = agreement.joins(&|kind| schemas.map(|schemas| schemas.tables(kind)).unwrap_or_default());
    let others = others.iter().filter(|other| other.agreement.id != agreement.id);
    notes.extend(others.flat_map(|other| agreement.joins_with(&other.agreement)));
    let (id, version) = (&agreement.id, agreement.version);
    let first = at(path, None, format_args!("{id} version {version}: no fault, {} notes", notes.len()));
    let notes = notes.into_iter().map(|note| {
        let line = lines.line(&note.place);
        at(path, line, format_args!("note: {}: {}", note.place, note.what))
    });
    std::iter::once(first).chain(notes).collect()
}

fn fault_line(path: &Path, fault: &Fault) -> String {
    // Of a text that is not TOML only the line is known.
    match fault.place.as_str() {
        "" => at(path, fault.line, &fault.what),
        _ => at(path, fault.line, fault),
    }
}

/// A line as compilers write it, which editors can follow.
fn at(path: &Path, line: Option<usize>, what: impl Display) -> String {
    let path = path.display();
    line.map_or_else(|| format!("{path}: {what}"), |line| format!("{path}:{line}: {what}"))
}

/// The schemas to check against; without any, fields are not looked at.
fn schemas(stated: Option<&Path>) -> Result<Option<Schemas>, Failure> {
    match stated {
        Some(folder) => schema_folder::read(folder).map(Some),
        None if Path::new(SCHEMAS).is_dir() => schema_folder::read(Path::new(SCHEMAS)).map(Some),
        None => {
            note(format_args!("there is no {SCHEMAS} here: the listed fields are not checked; give --schemas"));
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(path)
    }

    fn shipped(id: &str) -> String {
        fs::read_to_string(config("agreements").join(format!("{id}.toml"))).expect("it is there")
    }

    /// What is said of these texts as files, each line without its folder.
    fn lines(texts: &[&str]) -> (Vec<String>, usize) {
        let schemas = schema_folder::read(&config("schemas")).expect("they compile");
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = (1..).map(|n| folder.path().join(format!("{n}.toml"))).take(texts.len()).collect();
        for (path, text) in paths.iter().zip(texts) {
            fs::write(path, text).expect("written");
        }
        let report = Report::of(&paths, Some(&schemas)).expect("readable");
        let prefix = format!("{}/", folder.path().display());
        (report.lines.iter().map(|line| line.replace(&prefix, "")).collect(), report.faulty)
    }

    #[test]
    fn every_shipped_agreement_checks_clean() {
        let files = crate::certs::files(&config("agreements"), "toml").expect("a folder");
        assert!(files.len() >= 2);
        run(&Options { files, schemas: Some(config("schemas")) }).expect("no fault");
    }

    #[test]
    fn the_example_of_the_documentation_checks_clean() {
        let page = fs::read_to_string(config("../docs/agreements.md")).expect("the page is there");
        let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let (said, faulty) = lines(&[example]);
        assert_eq!(faulty, 0, "{said:#?}");
    }

    #[test]
    fn every_fault_is_said_with_its_file_and_line() {
        let good = shipped("ISA-AL-2026-014");
        let bad = good.replacen("version = 1\n", "version = 0\n", 1).replacen("\"band\"", "\"fine\"", 1);
        let line = |text: &str, piece: &str| text[..text.find(piece).expect("there")].matches('\n').count() + 1;
        let expected = [
            format!("2.toml:{}: version: is not a whole number of at least 1, within range", line(&bad, "version = 0")),
            format!(
                "2.toml:{}: clauses[0].fields.age_band: is not \"exact\", \"pseudonym\" or a step",
                line(&bad, "\"fine\"")
            ),
        ];
        let (said, faulty) = lines(&[&good, &bad]);
        assert_eq!((&said[..2], faulty), (&expected[..], 1));
        assert_eq!(said[2], "2.toml: fields and codes are checked once these are mended");
        assert!(said[3].starts_with("1.toml: ISA-AL-2026-014 version 1: no fault, "), "{said:?}");

        let unlisted = good.replacen("\"gender\" = \"female-male\"", "\"shoe_size\" = \"exact\"", 1);
        let (said, _) = lines(&[&unlisted]);
        let at = line(&unlisted, "\"shoe_size\"");
        assert_eq!(
            said,
            [format!("1.toml:{at}: clauses[0].fields.\"shoe_size\": is not a field of the clause's kinds")]
        );
        let unknown = good.replacen("\"XK\"", "\"UK\"", 1);
        let (said, _) = lines(&[&unknown]);
        let at = line(&unknown, "\"UK\"");
        let place = "clauses[1].filter.route_countries[1]";
        assert_eq!(said, [format!("1.toml:{at}: {place}: \"UK\" is no code that the schemas know: no record has it")]);
        let (said, _) = lines(&["id = \"a\"\nid = \"b\"\n"]);
        assert!(said.len() == 2 && said[0].starts_with("1.toml:2: "), "{said:?}");
    }

    #[test]
    fn fields_and_codes_are_checked_beside_other_faults_and_all_are_said_in_the_order_of_their_lines() {
        let good = shipped("ISA-AL-2026-014");
        let bad = good
            .replacen("\"XK\"", "\"UK\"", 1)
            .replacen("\"gender\" = \"female-male\"", "\"shoe_size\" = \"exact\"", 1)
            .replacen("\"band\"", "\"fine\"", 1);
        let (said, _) = lines(&[&format!("strange = 1\n{bad}")]);
        let numbers: Vec<usize> =
            said.iter().map(|line| line.split(':').nth(1).expect("a line").parse().expect("a number")).collect();
        assert!(numbers.len() == 4 && numbers.is_sorted(), "{said:#?}");
        assert_eq!(said[0], "1.toml:1: strange: is not a known key");
        for what in ["age_band: is not \"exact\"", "\"shoe_size\": is not a field", "\"UK\" is no code"] {
            assert!(said.iter().any(|line| line.contains(what)), "{what}: {said:#?}");
        }
    }

    #[test]
    fn a_clause_that_cannot_be_read_is_there_all_the_same() {
        let clause = "[[clauses]]\nid = \"c1\"\n";
        let (said, _) = lines(&[clause]);
        assert!(!said.iter().any(|line| line.contains("grants nothing")), "{said:#?}");
        assert!(said.last().is_some_and(|line| line.ends_with(LATER)), "{said:#?}");
        let (said, _) = lines(&["id = \"a\"\n"]);
        assert!(said.iter().any(|line| line.contains("grants nothing")), "{said:#?}");
    }

    #[test]
    fn what_joins_two_feeds_is_said_at_the_later_file() {
        let (one, two) = (shipped("ISA-AL-2026-014"), shipped("ISA-VN-2026-021"));
        let between = |texts: &[&str]| {
            let (said, faulty) = lines(texts);
            assert_eq!(faulty, 0);
            said.into_iter().filter(|line| line.contains("whoever has both feeds")).collect::<Vec<_>>()
        };
        assert!(between(&[&one]).is_empty() && between(&[&one, &one]).is_empty(), "it is one feed");
        let said = between(&[&one, &two]);
        assert!(!said.is_empty() && said.iter().all(|line| line.starts_with("2.toml:")), "{said:?}");
    }

    #[test]
    fn a_stated_folder_without_schemas_is_a_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        schemas(Some(folder.path())).expect_err("it holds no schema");
        schemas(Some(&folder.path().join("none"))).expect_err("it is not there");
    }
}
