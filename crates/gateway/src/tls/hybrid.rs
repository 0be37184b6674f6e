//! X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): a key exchange that holds as long as one of its two halves does, so that what is recorded
//! on its way today stays closed to a quantum computer later. ML-KEM-768 is `causeway-crypto`'s, X25519 ring's.
//!
//! The client's share is its encapsulation key and its X25519 key, the server's the ciphertext and its X25519 key; the secret is that of
//! ML-KEM, then that of X25519, 32 bytes each (section 3 of the draft).

use std::sync::Arc;

use causeway_crypto::{CIPHERTEXT_BYTES, ENCAPSULATION_KEY_BYTES, KemPrivateKey, encapsulate};
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

/// Bytes of an X25519 key and of its secret.
const X25519_BYTES: usize = 32;

/// ring's provider, with the hybrid group before its own: the client sends a share of it, and the server takes the first of which it has
/// one.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let ring = rustls::crypto::ring::default_provider();
    let mut kx_groups: Vec<&'static dyn SupportedKxGroup> = vec![&X25519MlKem768];
    kx_groups.extend(ring.kx_groups);
    Arc::new(CryptoProvider { kx_groups, ..ring })
}

/// The group.
#[derive(Debug)]
struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let (classical, post_quantum) = (X25519.start()?, KemPrivateKey::generate());
        let share = [&post_quantum.encapsulation_key(), classical.pub_key()].concat();
        Ok(Box::new(Exchange { classical, post_quantum, share }))
    }

    fn start_and_complete(&self, client_share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (encapsulation_key, client_key) = halves(client_share, ENCAPSULATION_KEY_BYTES)?;
        let (ciphertext, secret) = encapsulate(encapsulation_key).ok_or(INVALID)?;
        let classical = X25519.start_and_complete(client_key)?;
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [&ciphertext, classical.pub_key.as_slice()].concat(),
            secret: joined(&*secret, &classical.secret),
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// A client's exchange under way. What it holds is wiped when it is dropped.
struct Exchange {
    classical: Box<dyn ActiveKeyExchange>,
    post_quantum: KemPrivateKey,
    share: Vec<u8>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        let (ciphertext, server_key) = halves(server_share, CIPHERTEXT_BYTES)?;
        let secret = self.post_quantum.decapsulate(ciphertext).ok_or(INVALID)?;
        let classical = self.classical.complete(server_key)?;
        Ok(joined(&*secret, &classical))
    }

    /// The X25519 key is offered on its own beside it, so that a server without the hybrid group needs no second hello.
    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.group(), self.classical.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        self.classical.complete(server_share)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

const INVALID: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

/// The ML-KEM half of a share, of so many bytes, and its X25519 half.
fn halves(share: &[u8], post_quantum_bytes: usize) -> Result<(&[u8], &[u8]), Error> {
    match share.split_at_checked(post_quantum_bytes) {
        Some(halves) if halves.1.len() == X25519_BYTES => Ok(halves),
        _ => Err(INVALID),
    }
}

/// Both secrets, in one buffer that grows no more and that rustls wipes.
fn joined(post_quantum: &[u8], classical: &SharedSecret) -> SharedSecret {
    let mut secret = Vec::with_capacity(post_quantum.len() + X25519_BYTES);
    secret.extend_from_slice(post_quantum);
    secret.extend_from_slice(classical.secret_bytes());
    SharedSecret::from(secret)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rustls::client::Resumption;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
    use rustls_pki_types::{PrivateKeyDer, ServerName};

    use super::*;

    #[test]
    fn both_sides_have_the_same_secret_and_each_share_its_length() {
        let client = X25519MlKem768.start().expect("started");
        assert_eq!(client.pub_key().len(), 1216);
        let server = X25519MlKem768.start_and_complete(client.pub_key()).expect("completed");
        assert_eq!((server.pub_key.len(), server.group), (1120, NamedGroup::X25519MLKEM768));
        let secret = client.complete(&server.pub_key).expect("completed");
        assert_eq!(secret.secret_bytes().len(), 64);
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
    }

    #[test]
    fn a_server_with_one_half_only_is_met_by_that_half() {
        let client = X25519MlKem768.start().expect("started");
        let (group, key) = client.hybrid_component().expect("offered beside it");
        assert_eq!(group, NamedGroup::X25519);
        let server = X25519.start_and_complete(key).expect("completed");
        let secret = client.complete_hybrid_component(&server.pub_key).expect("completed");
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        let client = X25519MlKem768.start().expect("started");
        let share = client.pub_key().to_vec();
        let refused = |share: &[u8]| X25519MlKem768.start_and_complete(share).is_err();
        assert!(!refused(&share));
        assert!(refused(&[]) && refused(&share[..share.len() - 1]) && refused(&[share.as_slice(), &[0]].concat()));
        // A coefficient that is not below the modulus (FIPS 203 section 7.2).
        assert!(refused(&[&[0xff; 3], &share[3..]].concat()));
        // A point of small order, which would make the X25519 half nobody's secret (RFC 7748 section 6.1).
        assert!(refused(&[&share[..ENCAPSULATION_KEY_BYTES], &[0; X25519_BYTES]].concat()));
        assert!(client.complete(&[0; 1119]).is_err());
    }

    #[test]
    fn the_hybrid_group_comes_first_and_rings_own_follow() {
        let groups: Vec<NamedGroup> = provider().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups[..2], [NamedGroup::X25519MLKEM768, NamedGroup::X25519]);
    }

    /// Handshakes of both sides on one thread, with a client certificate, by the group that they agree on.
    ///
    /// `cargo test --release -p causeway-gateway hybrid::tests::the_cost -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn the_cost_of_a_handshake() {
        const ROUNDS: usize = 20;
        const HANDSHAKES: usize = 100;
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let sides = [provider(), ring].map(|provider| sides(&provider));
        let mut took = [Duration::ZERO; 2];
        // Turn by turn, so that what else the machine does falls on both.
        for _ in 0..ROUNDS {
            for ((client, server), took) in sides.iter().zip(&mut took) {
                let begun = Instant::now();
                (0..HANDSHAKES).for_each(|_| shake_hands(client, server));
                *took += begun.elapsed();
            }
        }
        let each = took.map(|took| took.as_secs_f64() * 1e6 / (ROUNDS * HANDSHAKES) as f64);
        println!("X25519MLKEM768 {:.0} us a handshake, X25519 {:.0} us, both sides together", each[0], each[1]);
    }

    fn sides(provider: &Arc<CryptoProvider>) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("signed").der().clone();
        let key = || PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a root");
        let roots = Arc::new(roots);
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
        let server = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|server| {
                let server = server.with_client_cert_verifier(verifier.build().expect("there is a root"));
                server.with_single_cert(vec![certificate.clone()], key())
            });
        let client = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|client| client.with_root_certificates(roots).with_client_auth_cert(vec![certificate], key()));
        let mut client = client.expect("in order");
        client.resumption = Resumption::disabled();
        (Arc::new(client), Arc::new(server.expect("in order")))
    }

    fn shake_hands(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) {
        let name = ServerName::try_from("localhost").expect("a name");
        let mut client = ClientConnection::new(Arc::clone(client), name).expect("begun");
        let mut server = ServerConnection::new(Arc::clone(server)).expect("begun");
        while client.is_handshaking() || server.is_handshaking() {
            let mut sent = Vec::new();
            client.write_tls(&mut sent).expect("into memory");
            server.read_tls(&mut sent.as_slice()).expect("from memory");
            server.process_new_packets().expect("in order");
            let mut sent = Vec::new();
            server.write_tls(&mut sent).expect("into memory");
            client.read_tls(&mut sent.as_slice()).expect("from memory");
            client.process_new_packets().expect("in order");
        }
    }
}
