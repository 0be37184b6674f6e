//! `causeway schemas`: which schemas are in force, and the exact text of one.

use causeway_model::SchemaId;
use causeway_proto::v1::{GetSchemaRequest, ListSchemasRequest};
use clap::{Args, Subcommand};

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::hex::hex;
use crate::output::say;
use crate::session::{Doing, Session};

/// Schemas.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the schemas in force, each with its digest.
    List(ListOptions),
    /// Shows one schema's exact text.
    Show(ShowOptions),
}

/// Lists the schemas in force.
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    client: ClientOptions,
}

/// Shows one schema.
#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// Which one, as victim-profile/1.0.
    schema: String,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(options) => list(options).await,
        Command::Show(options) => show(options).await,
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
