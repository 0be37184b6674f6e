//! `causeway schemas`: which schemas are in force, the exact text of one, and the pages that say what they mean.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_model::SchemaId;
use causeway_proto::v1::{GetSchemaRequest, ListSchemasRequest};
use causeway_schema::DocsPage;
use clap::{Args, Subcommand};

use crate::Failure;
use crate::certs;
use crate::client_options::ClientOptions;
use crate::output::say;
use crate::session::{Doing, Session};
use causeway_verify::hex::hex;

/// Schemas.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the schemas in force, each with its digest: for systems that submit (as gb-nca/case-management).
    List(ListOptions),
    /// Shows one schema's exact text: for systems that submit.
    Show(ShowOptions),
    /// Writes the pages that say what the schemas mean, from the files; needs no gateway.
    Docs(DocsOptions),
}

/// Lists the schemas in force: for systems that submit (as gb-nca/case-management).
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    client: ClientOptions,
}

/// Shows one schema: for systems that submit (as gb-nca/case-management).
#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// Which one, as victim-profile/1.0.
    schema: String,
    #[command(flatten)]
    client: ClientOptions,
}

/// Writes the pages of the schemas.
#[derive(Debug, Args)]
pub(crate) struct DocsOptions {
    /// The folder of the schema files, with their code lists and mapping.
    #[arg(long, value_name = "DIR", default_value = "config/schemas")]
    schemas: PathBuf,
    /// Where the pages are.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Writes nothing, and ends with 1 where a page is not what it would be.
    #[arg(long)]
    check: bool,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(options) => list(options).await,
        Command::Show(options) => show(options).await,
        Command::Docs(options) => docs(options),
    }
}

async fn list(options: &ListOptions) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let response = session.ingest().list_schemas(ListSchemasRequest {}).await.map_err(|s| session.failure(s))?;
    for schema in response.into_inner().schemas {
        say(format_args!("{}/{}  {}", schema.kind, schema.schema_version, hex(&schema.digest)));
    }
    Ok(())
}

async fn show(options: &ShowOptions) -> Result<(), Failure> {
    let wrong = |_| Failure::usage("the schema is named as victim-profile/1.0; `causeway schemas list` shows all");
    let id: SchemaId = options.schema.parse().map_err(wrong)?;
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = GetSchemaRequest { kind: id.kind.to_string(), schema_version: id.version.to_string() };
    let response = session.ingest().get_schema(request).await.map_err(|status| session.failure(status))?;
    let text = String::from_utf8(response.into_inner().text);
    say(text.map_err(|_| Failure::does_not_hold("the schema that the gateway sent is not UTF-8"))?.trim_end());
    Ok(())
}

fn docs(options: &DocsOptions) -> Result<(), Failure> {
    let pages = pages(&options.schemas)?;
    if options.check {
        let stale =
            |page: &&DocsPage| fs::read_to_string(options.out.join(page.name)).ok().as_ref() != Some(&page.text);
        let stale: Vec<&str> = pages.iter().filter(stale).map(|page| page.name).collect();
        if stale.is_empty() {
            say(format_args!("{} pages are as the schemas say", pages.len()));
            return Ok(());
        }
        return Err(Failure::does_not_hold(format!(
            "not as the schemas say: {}; run `causeway schemas docs --out {}`",
            stale.join(", "),
            options.out.display()
        )));
    }
    fs::create_dir_all(&options.out).map_err(|source| Failure::file(&options.out, source))?;
    for page in &pages {
        let path = options.out.join(page.name);
        fs::write(&path, &page.text).map_err(|source| Failure::file(&path, source))?;
        say(path.display());
    }
    Ok(())
}

/// The pages of a folder of schemas.
fn pages(folder: &Path) -> Result<Vec<DocsPage>, Failure> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|source| Failure::file(path, source));
    let mut schemas = Vec::new();
    for path in certs::files(folder, "json")? {
        let id = certs::schema_id(&path).ok_or_else(|| Failure::content(&path, "not named as a schema".into()))?;
        schemas.push((id, read(&path)?));
    }
    let lists = certs::code_lists(folder)?;
    let schemas: Vec<(SchemaId, &str)> = schemas.iter().map(|(id, text)| (*id, text.as_str())).collect();
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    let mapping = read(&folder.join("mapping/standards.json"))?;
    causeway_schema::docs(&schemas, &lists, &mapping).map_err(|faults| Failure::faults(folder, &faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
    }

    fn options(out: PathBuf, check: bool) -> DocsOptions {
        DocsOptions { schemas: workspace("config/schemas"), out, check }
    }

    #[test]
    fn the_pages_under_docs_are_up_to_date() {
        docs(&options(workspace("docs/schema"), true)).expect("run `causeway schemas docs --out docs/schema`");
    }

    #[test]
    fn a_page_that_differs_or_is_missing_is_named() {
        let out = tempfile::tempdir().expect("a folder");
        docs(&options(out.path().to_owned(), false)).expect("written");
        docs(&options(out.path().to_owned(), true)).expect("just written");
        fs::write(out.path().join("codes.md"), "edited by hand").expect("written");
        fs::remove_file(out.path().join("mapping.md")).expect("removed");
        let failure = docs(&options(out.path().to_owned(), true)).expect_err("two pages differ").to_string();
        assert!(failure.contains("codes.md") && failure.contains("mapping.md"), "{failure}");
        assert!(!failure.contains("README.md"), "{failure}");
    }
}
