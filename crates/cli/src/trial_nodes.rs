//! What several gateways need to be the nodes of one log, all on one machine: settings, one key ring, and certificates that are made for
//! this run. To show a cluster and to break it; not for an installation.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_store::Keys;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use toml::{Table, Value};

use crate::nats::{Failed, NatsServers, User, gateway_user};

/// The stream that they share.
pub const STREAM: &str = "LOG";

/// The user by whom the log's servers know a gateway.
pub fn log_user() -> User {
    gateway_user("gateway", &[STREAM])
}

/// Where the nodes' settings come from.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// The folder with `gateway.toml`, `agencies/`, `agreements/` and `schemas/`.
    pub config_dir: &'a Path,
    /// The development identities.
    pub certs_dir: &'a Path,
}

/// Where one node listens.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// For agencies; port 0 for any.
    pub agencies: SocketAddr,
    /// For the other nodes.
    pub nodes: SocketAddr,
    /// For the operator's monitoring; none for nobody.
    pub metrics: Option<SocketAddr>,
}

/// Writes what nodes at these places need, below `folder`: of the one with index 0 `node-1/gateway.toml`, and so on. Gives the settings'
/// files.
///
/// # Errors
/// When a file cannot be read, made or written.
pub fn prepare(
    folder: &Path,
    template: Template<'_>,
    servers: &NatsServers,
    places: &[Place],
) -> Result<Vec<PathBuf>, Failed> {
    let authority = NodeAuthority::new(folder)?;
    let mut written = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let (name, own) = (node_name(index), folder.join(node_name(index)));
        fs::create_dir_all(own.join("keys"))?;
        match index {
            0 => drop(Keys::load_or_create(&own.join("keys"))?),
            // Root key and ring are one for all; page keys are each node's own.
            _ => {
                for file in ["root.key", "ring"] {
                    fs::copy(folder.join(node_name(0)).join("keys").join(file), own.join("keys").join(file))?;
                }
            }
        }
        authority.issue(&own, index)?;
        fs::write(own.join("cluster.toml"), cluster(folder, servers, places, index).to_string())?;
        let settings = own.join("gateway.toml");
        fs::write(&settings, gateway(template, &name, place)?.to_string())?;
        written.push(settings);
    }
    Ok(written)
}

/// A node's name in entries.
pub fn node_name(index: usize) -> String {
    format!("node-{}", index + 1)
}

/// The gateway's settings as they are in the template's folder, with what is this node's own.
fn gateway(template: Template<'_>, name: &str, place: &Place) -> Result<Table, Failed> {
    let path = template.config_dir.join("gateway.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut settings: Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    let has_mirror = settings.get("keys").is_some_and(|keys| keys.get("mirror_dir").is_some());
    let (config, certs) = (fs::canonicalize(template.config_dir)?, fs::canonicalize(template.certs_dir)?);
    let mut put = |section: &str, key: &str, value: Value| {
        let within = match section {
            "" => Some(&mut settings),
            section => settings.entry(section).or_insert_with(|| Table::new().into()).as_table_mut(),
        };
        within.map(|within| within.insert(key.to_owned(), value)).ok_or_else(|| format!("{section} is no table"))
    };
    put("", "node", name.into())?;
    put("", "listen", place.agencies.to_string().into())?;
    put("", "cluster", "cluster.toml".into())?;
    put("", "data_dir", "journal".into())?;
    put("", "keys_dir", "keys".into())?;
    put("tls", "certificate", file(&certs.join("gb-nca/gateway.pem")))?;
    put("tls", "key", file(&certs.join("gb-nca/gateway.key")))?;
    put("revocation", "folder", file(&certs.join("crls")))?;
    put("start", "agencies", file(&certs.join("agencies")))?;
    put("start", "approvals", file(&certs.join("approvals")))?;
    put("start", "agreements", file(&config.join("agreements")))?;
    put("start", "schemas", file(&config.join("schemas")))?;
    put("log", "level", "warn".into())?;
    if has_mirror {
        put("keys", "mirror_dir", "mirror".into())?;
    }
    if let Some(metrics) = place.metrics {
        put("metrics", "listen", metrics.to_string().into())?;
    }
    Ok(settings)
}

/// How a node reaches the servers and the other nodes.
fn cluster(folder: &Path, servers: &NatsServers, places: &[Place], own: usize) -> Table {
    let mut addresses = servers.addresses();
    // Each asks another server first.
    let first = own % addresses.len().max(1);
    addresses.rotate_left(first);
    let roster = places.iter().enumerate().map(|(index, place)| {
        table([
            ("number", number(index)),
            ("name", node_name(index).into()),
            ("address", place.nodes.to_string().into()),
        ])
    });
    let nodes = table([
        ("own", number(own)),
        ("version", 1.into()),
        ("listen", places[own].nodes.to_string().into()),
        ("ca", file(&folder.join("nodes-ca.pem"))),
        ("certificate", "node.pem".into()),
        ("key", "node.key".into()),
        ("roster", roster.collect::<Vec<Value>>().into()),
    ]);
    let tls = table([
        ("ca", file(&servers.file("ca.pem"))),
        ("certificate", file(&servers.file("gateway.pem"))),
        ("key", file(&servers.file("gateway.key"))),
    ]);
    let mut cluster = Table::new();
    cluster.insert("servers".into(), addresses.into());
    cluster.insert("stream".into(), STREAM.into());
    cluster.insert("tls".into(), tls);
    cluster.insert("nodes".into(), nodes);
    cluster
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Table>().into()
}

fn file(path: &Path) -> Value {
    path.display().to_string().into()
}

/// A node's number: from 1.
fn number(index: usize) -> Value {
    i64::try_from(index + 1).expect("few nodes").into()
}

/// The CA of the nodes, which issues nothing else.
struct NodeAuthority(Issuer<'static, KeyPair>);

impl NodeAuthority {
    /// A new one; its certificate goes into `folder`.
    fn new(folder: &Path) -> Result<Self, Failed> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name = named("nodes ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        fs::write(folder.join("nodes-ca.pem"), params.self_signed(&key)?.pem())?;
        Ok(Self(Issuer::new(params, key)))
    }

    /// `node.pem` and `node.key` of the node with this index.
    fn issue(&self, folder: &Path, index: usize) -> Result<(), Failed> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name = named(&node_name(index));
        params.subject_alt_names = vec![SanType::URI(format!("causeway-node:{}", index + 1).try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        fs::write(folder.join("node.pem"), params.signed_by(&key, &self.0)?.pem())?;
        Ok(fs::write(folder.join("node.key"), key.serialize_pem())?)
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
