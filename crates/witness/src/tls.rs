//! The server's side of TLS: 1.3 only, client certificates where roots for them are stated, and no resumption, which would
//! not ask for them again.

use std::path::Path;
use std::sync::Arc;

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;

/// HTTP/2, where the client offers it (RFC 7301).
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";

const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The acceptor's configuration.
///
/// # Errors
/// All that is wrong with the files, one line each.
pub(crate) fn server_config(files: &Tls) -> Result<Arc<ServerConfig>, Vec<String>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&files.certificate);
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|_| format!("{}: holds no private key in PEM, or cannot be read", files.key.display()));
    let verifier = client_verifier(files.client_ca.as_deref());
    let (chain, key, verifier) = match (chain, key, verifier) {
        (Ok(chain), Ok(key), Ok(verifier)) => (chain, key, verifier),
        (chain, key, verifier) => {
            return Err([chain.err(), key.err(), verifier.err()].into_iter().flatten().collect());
        }
    };
    let at = |error: rustls::Error| vec![format!("{}: {error}", files.certificate.display())];
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(at)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(at)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
    Ok(Arc::new(config))
}

fn client_verifier(roots: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let Some(path) = roots else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let at = |what: String| format!("{}: {what}", path.display());
    let mut store = RootCertStore::empty();
    for root in certificates(path)? {
        store.add(root).map_err(|error| at(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider);
    // Whoever asks is not told who is let in.
    match verifier.clear_root_hint_subjects().build() {
        Ok(verifier) => Ok(verifier),
        Err(error) => Err(at(error.to_string())),
    }
}

/// All certificates of a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let at = |what: String| format!("{}: {what}", path.display());
    let pem = std::fs::read(path).map_err(|error| at(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(at("holds no certificate".into())),
        Ok(found) => Ok(found),
        Err(_) => Err(at("is not PEM".into())),
    }
}
