//! The service in a process of its own: this program, started again.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use causeway_gateway::identity::SpiffeId;
use causeway_model::{Class, Kind, SchemaId, SystemId};
use causeway_proto::v1::feed_service_server::FeedServiceServer;
use causeway_proto::v1::ingest_service_server::IngestServiceServer;
use causeway_rig::{Failed, Reach};
use causeway_schema::Schemas;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::transport::Server;

use super::feed::Feed;
use super::ingest::Ingest;
use super::store::Store;
use crate::peer::daemon::Daemon;
use crate::secured::{accepted, server_tls};

/// Holds what the child process has to know.
const SETTINGS: &str = "CAUSEWAY_BENCH_POSTGRES";

/// What it says before its address.
const SERVES: &str = "the service is on ";

/// As the gateway has them.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Calls at a time on a connection: more than are measured.
const CALLS: u32 = 1_024;

/// The process; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Service {
    process: Daemon,
    pub(super) reach: Reach,
}

impl Service {
    /// Starts it over the database whose socket is in `socket`, with the identities in `certs` and the schemas in `schemas`.
    pub(super) fn start(socket: &Path, certs: &Path, schemas: &Path, connections: usize) -> Result<Self, Failed> {
        let settings = json!({ "socket": socket, "certs": certs, "schemas": schemas, "connections": connections });
        let mut command = causeway_rig::command(&[])?;
        let listens = |line: &str| line.split_once(SERVES)?.1.parse::<SocketAddr>().ok();
        let (process, address) = Daemon::start(command.env(SETTINGS, settings.to_string()), "TERM", listens)?;
        Ok(Self { process, reach: Reach::new(address, certs) })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Serves, where this process was started for that; none where it was not.
pub(in crate::peer) fn run_service() -> Option<ExitCode> {
    let settings = std::env::var(SETTINGS).ok()?;
    let served = || -> Result<(), Failed> {
        let settings: Value = serde_json::from_str(&settings)?;
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&settings))
    };
    Some(served().map_or_else(
        |error| {
            crate::complain(error.as_ref());
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}

async fn serve(settings: &Value) -> Result<(), Failed> {
    let folder = |name: &str| settings[name].as_str().map(PathBuf::from).ok_or("a folder is not stated");
    let connections = usize::try_from(settings["connections"].as_u64().ok_or("the connections are not stated")?)?;
    let schemas = Arc::new(schemas(&folder("schemas")?)?);
    let store = Arc::new(Store::open(&folder("socket")?, connections, hidden(&schemas)).await?);
    let certs = folder("certs")?;
    let tls = server_tls(&certs.join("gb-nca/gateway"), &roots(&certs)?)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    crate::say(format_args!("{SERVES}{}", listener.local_addr()?));
    let server = Server::builder()
        .max_concurrent_streams(CALLS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(IngestServiceServer::new(Ingest::new(Arc::clone(&store), schemas)))
        .add_service(FeedServiceServer::new(Feed::new(store)))
        .serve_with_incoming(accepted(listener, tls, caller));
    Ok(server.await?)
}

/// The system that a certificate names.
fn caller(certificate: &CertificateDer<'_>) -> Option<SystemId> {
    SpiffeId::of_certificate(certificate).ok().map(|id| id.system)
}

/// The authorities of all agencies.
fn roots(certs: &Path) -> Result<Vec<PathBuf>, Failed> {
    let agencies = fs::read_dir(certs)?.collect::<Result<Vec<_>, _>>()?;
    let root = |agency: fs::DirEntry| agency.path().join("ca.pem");
    Ok(agencies.into_iter().map(root).filter(|root| root.exists()).collect())
}

/// The schemas of a folder, as the gateway compiles them.
fn schemas(folder: &Path) -> Result<Schemas, Failed> {
    let mut documents = Vec::new();
    for (name, text) in texts(folder)? {
        let (kind, version) = name.rsplit_once('-').ok_or("a schema that is not named as one")?;
        let id = || Some(SchemaId { kind: kind.parse().ok()?, version: version.parse().ok()? });
        documents.push((id().ok_or("a schema that is not named as one")?, text));
    }
    let lists = texts(&folder.join("codes"))?;
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    let documents: Vec<(SchemaId, &str)> = documents.iter().map(|(id, text)| (*id, text.as_str())).collect();
    Schemas::compile(&documents, &lists).map_err(|faults| faults.join("; ").into())
}

/// The JSON files of a folder: the name without its end, and the text.
fn texts(folder: &Path) -> Result<Vec<(String, String)>, Failed> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let (Some("json"), Some(name)) = (path.extension().and_then(|it| it.to_str()), path.file_stem()) {
            texts.push((name.to_string_lossy().into_owned(), fs::read_to_string(&path)?));
        }
    }
    Ok(texts)
}

/// The members of a record of which nothing may leave in any form.
fn hidden(schemas: &Schemas) -> Vec<String> {
    let (mut hidden, mut leaving) = (BTreeSet::new(), BTreeSet::new());
    let tables = [Kind::VictimProfile, Kind::TraffickingRoute].into_iter().flat_map(|kind| schemas.tables(kind));
    for leaf in tables.flat_map(|table| table.iter()) {
        let member = leaf.path.as_str().split(['.', '[']).next().unwrap_or_default().to_owned();
        let group = if leaf.class == Class::Sealed { &mut hidden } else { &mut leaving };
        group.insert(member);
    }
    hidden.difference(&leaving).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_codes_leave() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/schemas");
        let hidden = hidden(&schemas(Path::new(folder)).expect("the shipped schemas"));
        let is_hidden = |name: &str| hidden.iter().any(|member| member == name);
        assert!(is_hidden("given_name") && is_hidden("family_name") && !is_hidden("tlp"), "{hidden:?}");
    }
}
