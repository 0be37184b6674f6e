//! What a node shows to the others, and whom it believes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use causeway_store::{Clock, NodeNumber};
use rustls::client::Resumption;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::TrustAnchor;

use super::identity;
use super::verifier::NodeVerifier;
use crate::tls::{ALPN, ClockTime, KeyPair, chain, hybrid};

/// A node's certificate chain, its private key, and the roots of the cluster.
#[derive(Debug, Clone)]
pub struct NodeCredentials {
    pair: Arc<KeyPair>,
    roots: Arc<Vec<TrustAnchor<'static>>>,
}

impl NodeCredentials {
    /// Reads PEM files: the chain, its private key (PKCS#8), and the cluster's roots. The certificate has to be of node `own`.
    ///
    /// # Errors
    /// All that is wrong with them, one line each.
    pub fn load(own: NodeNumber, certificate: &Path, key: &Path, ca: &Path) -> Result<Self, Vec<String>> {
        let named = |what: String| format!("{}: {what}", ca.display());
        let roots = std::fs::read(ca)
            .map_err(|error| named(error.to_string()))
            .and_then(|pem| chain::read_roots(&pem).map_err(named));
        let pair =
            KeyPair::load(certificate, key).and_then(|pair| match pair.chain.first().map(identity::of_certificate) {
                Some(Ok(node)) if node == own => Ok(pair),
                _ => Err(vec![format!("{}: is not the certificate of node {own}", certificate.display())]),
            });
        match (pair, roots) {
            (Ok(pair), Ok(roots)) => Ok(Self { pair: Arc::new(pair), roots: Arc::new(roots) }),
            (pair, roots) => Err(pair.err().into_iter().flatten().chain(roots.err()).collect()),
        }
    }

    /// The accepting end: TLS 1.3 alone, one of these nodes, and no way around asking the verifier.
    pub(super) fn server(&self, others: BTreeSet<NodeNumber>, clock: &Clock) -> Result<ServerConfig, rustls::Error> {
        let verifier = Arc::new(NodeVerifier::new(Arc::clone(&self.roots), others));
        let mut config = ServerConfig::builder_with_details(hybrid::provider(), Arc::new(ClockTime(clock.clone())))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.pair.chain.clone(), self.pair.key.clone_key())?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    /// The calling end, towards one node.
    pub(super) fn client(&self, other: NodeNumber, clock: &Clock) -> Result<ClientConfig, rustls::Error> {
        let verifier = Arc::new(NodeVerifier::new(Arc::clone(&self.roots), BTreeSet::from([other])));
        let mut config = ClientConfig::builder_with_details(hybrid::provider(), Arc::new(ClockTime(clock.clone())))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(self.pair.chain.clone(), self.pair.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(config)
    }
}
