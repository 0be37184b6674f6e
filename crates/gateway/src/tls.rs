//! The server's side of TLS: 1.3 only, a client certificate always, and nothing that would skip asking for it again.

pub(crate) mod chain;
pub(crate) mod hybrid;
#[cfg(test)]
pub(crate) mod issue;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use causeway_model::{AgencyId, SystemId};
use causeway_store::Clock;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::config::TlsFiles;
use crate::peer::unix_time;
use crate::trust::Authority;
use verifier::AgencyVerifier;

/// HTTP/2, the only protocol offered and accepted (RFC 7301).
pub(crate) const ALPN: &[u8] = b"h2";

/// A certificate chain with its private key.
pub(crate) struct KeyPair {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl KeyPair {
    /// Reads both files; all that is wrong with them is returned together.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, Vec<String>> {
        let named = |path: &Path, what: String| format!("{}: {what}", path.display());
        let chain = std::fs::read(certificate)
            .map_err(|error| named(certificate, error.to_string()))
            .and_then(|pem| chain::read_pem(&pem).map_err(|what| named(certificate, what)));
        let private = std::fs::read(key).map_err(|error| named(key, error.to_string())).and_then(|pem| {
            PrivateKeyDer::from_pem_slice(&pem).map_err(|_| named(key, "holds no private key in PEM".into()))
        });
        match (chain, private) {
            (Ok(chain), Ok(private)) => {
                let own = Self { chain, key: private };
                own.fit().map_err(|what| vec![named(key, format!("{what} {}", certificate.display()))])?;
                Ok(own)
            }
            (chain, private) => Err(chain.err().into_iter().chain(private.err()).collect()),
        }
    }

    /// Whether the key is of a kind that we use, and the certificate's own.
    fn fit(&self) -> Result<(), &'static str> {
        let provider = rustls::crypto::ring::default_provider();
        match CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err("is not the private key of the certificate"),
            Err(_) => Err("is of a kind that cannot be used with the certificate"),
        }
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

/// The gateway's own certificate, in the acceptor's configuration.
pub(crate) struct Own {
    pub(crate) config: ServerConfig,
    pub(crate) system: SystemId,
    pub(crate) expires: UnixTime,
}

/// The acceptor's configuration.
///
/// # Errors
/// All faults: files that do not read, or a certificate that does not speak for a system of the operator's agency now.
pub(crate) fn server_config(
    files: &TlsFiles,
    operator: &AgencyId,
    authority: &Arc<Authority>,
    clock: &Clock,
) -> Result<Own, Vec<String>> {
    let KeyPair { chain, key } = KeyPair::load(&files.certificate, &files.key)?;
    let at = |what: String| vec![format!("{}: {what}", files.certificate.display())];
    let (end_entity, intermediates) = chain.split_first().ok_or_else(|| at("holds no certificate".into()))?;
    let own = authority
        .server(chain::Chain { end_entity, intermediates }, unix_time(clock))
        .map_err(|refused| at(format!("does not serve as the gateway's own certificate: {refused}")))?;
    if own.agency != *operator {
        return Err(at(format!("speaks for {own}, not for a system of the operator {operator}")));
    }
    let ends = chain.iter().map(chain::expiry).collect::<Result<Vec<_>, _>>();
    let ends = ends.map_err(|error| at(format!("does not parse: {error}")))?;
    let verifier = Arc::new(AgencyVerifier::new(Arc::clone(authority)));
    let mut config = ServerConfig::builder_with_details(hybrid::provider(), Arc::new(ClockTime(clock.clone())))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| at(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| at(error.to_string()))?;
    // A resumed session would not ask the verifier again (rustls resumes by default).
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // The chain holds for as long as each of its certificates does.
    let expires = ends.into_iter().min().ok_or_else(|| at("holds no certificate".into()))?;
    Ok(Own { config, system: own, expires })
}

/// The gateway's one clock, where TLS asks for the time.
#[derive(Debug)]
pub(crate) struct ClockTime(pub(crate) Clock);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(&self.0))
    }
}
