//! The verifier of client certificates: an agency's roots for an agency's systems, one and the same alert for every refusal.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::tls::chain::{self, Chain};
use crate::trust::Authority;

/// Asks the authority which system a certificate speaks for.
#[derive(Debug)]
pub(crate) struct AgencyVerifier {
    authority: Arc<Authority>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AgencyVerifier {
    pub(crate) fn new(authority: Arc<Authority>) -> Self {
        Self { authority, algorithms: chain::algorithms() }
    }
}

impl ClientCertVerifier for AgencyVerifier {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    /// Empty: which agencies there are is nobody's business before they have said who they are.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.authority.client(Chain { end_entity, intermediates }, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(reason) => {
                tracing::info!(%reason, "client certificate refused");
                Err(chain::refusal())
            }
        }
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
        verify_tls13_signature(message, cert, dss, &self.algorithms).map_err(|_| chain::refusal())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
