//! The options of every command that calls a gateway: who calls, and which gateway.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::certs::DEVELOPMENT_SUFFIX;

/// The system that answers where nothing else is said: the development gateway.
const DEFAULT_GATEWAY_ID: &str = "gb-nca/gateway";

/// Where the development gateway listens.
pub(crate) const DEFAULT_GATEWAY: &str = "https://127.0.0.1:8443";

/// Who calls, and which gateway.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who calls, and where")]
pub(crate) struct ClientOptions {
    /// Call as this development identity, as gb-nca/case-management.
    #[arg(long = "as", value_name = "AGENCY/SYSTEM", conflicts_with_all = ["cert", "key", "ca"])]
    pub(crate) identity: Option<String>,
    /// Where `causeway certs dev` wrote the development identities.
    #[arg(long, value_name = "DIR", default_value = "certs-dev")]
    pub(crate) certs_dir: PathBuf,
    /// The client certificate (PEM), with --key and --ca.
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"])]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// The CA that the gateway's certificate must be from (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) ca: Option<PathBuf>,
    /// The gateway's address.
    #[arg(long, value_name = "URL", default_value = DEFAULT_GATEWAY)]
    pub(crate) gateway: String,
    /// The system that must answer there.
    #[arg(long, value_name = "AGENCY/SYSTEM", default_value = DEFAULT_GATEWAY_ID)]
    pub(crate) gateway_id: String,
    /// The part of the trust domain that all agencies share.
    #[arg(long, value_name = "DOMAIN", default_value = DEVELOPMENT_SUFFIX)]
    pub(crate) trust_suffix: String,
    /// Why: a purpose code, or code:text. Development identities have a default.
    #[arg(long, value_name = "CODE[:TEXT]")]
    pub(crate) purpose: Option<String>,
    /// The person acting. Development identities have a default.
    #[arg(long, value_name = "ID")]
    pub(crate) operator: Option<String>,
    /// Have the gateway answer only once it has applied its log up to here: what another node of its cluster gave with an answer, as
    /// `causeway submit` shows it.
    #[arg(long, value_name = "POSITION")]
    pub(crate) log_position: Option<String>,
}

impl ClientOptions {
    /// A development identity at one gateway, everything else as by default.
    pub(crate) fn development(identity: &str, certs_dir: &Path, gateway: &str) -> Self {
        Self {
            identity: Some(identity.to_owned()),
            certs_dir: certs_dir.to_owned(),
            cert: None,
            key: None,
            ca: None,
            gateway: gateway.to_owned(),
            gateway_id: DEFAULT_GATEWAY_ID.to_owned(),
            trust_suffix: DEVELOPMENT_SUFFIX.to_owned(),
            purpose: None,
            operator: None,
            log_position: None,
        }
    }
}
