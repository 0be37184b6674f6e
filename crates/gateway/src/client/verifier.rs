//! The verifier of the gateway's certificate: the same parser and chain check as the acceptor's, for one expected identity.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::KeyUsage;

use crate::identity::SpiffeId;
use crate::tls::chain::{self, Chain};

/// Accepts one gateway, by its SPIFFE ID and its agency's roots; host names mean nothing here.
#[derive(Debug)]
pub(crate) struct GatewayVerifier {
    expected: SpiffeId,
    roots: Arc<Vec<TrustAnchor<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl GatewayVerifier {
    pub(crate) fn new(expected: SpiffeId, roots: Arc<Vec<TrustAnchor<'static>>>) -> Self {
        Self { expected, roots, algorithms: chain::algorithms() }
    }
}

impl ServerCertVerifier for GatewayVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let id = SpiffeId::of_certificate(end_entity).map_err(|_| chain::refusal())?;
        if id != self.expected {
            return Err(chain::refusal());
        }
        let chain = Chain { end_entity, intermediates };
        chain::check(chain, &self.roots, now, KeyUsage::server_auth(), &|_| Ok(())).map_err(|_| chain::refusal())?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
