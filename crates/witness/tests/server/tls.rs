//! TLS of its own: HTTP/2, clients without a certificate turned away, and nothing but the loopback without it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use causeway_witness::Tls;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fake_log::{FakeLog, ORIGIN};
use crate::harness::{Place, hex};

struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        Self { pem: certificate.pem(), certificate: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    fn leaf(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        (params.signed_by(&key, &self.issuer).expect("signed"), key)
    }
}

/// Asks for a log's checkpoint over HTTP/2.
async fn ask(address: SocketAddr, config: ClientConfig) -> Result<u16, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let driven = tokio::spawn(connection);
    let request = http::Request::get(format!("https://localhost/{}/checkpoint", hex(ORIGIN))).body(String::new())?;
    let status = sender.send_request(request).await?.status().as_u16();
    drop(sender);
    driven.await??;
    Ok(status)
}

#[test]
fn http2_over_tls_with_client_certificates() {
    let (servers, clients) = (Ca::new(), Ca::new());
    let log = FakeLog::new("a");
    let mut place = Place::for_log(&log);
    let at = |name: &str| place.folder.path().join(name);
    let (certificate, key) = servers.leaf();
    fs::write(at("w.pem"), certificate.pem()).expect("written");
    fs::write(at("w.key"), key.serialize_pem()).expect("written");
    fs::write(at("ca.pem"), &clients.pem).expect("written");
    let tls = Tls { certificate: at("w.pem"), key: at("w.key"), client_ca: Some(at("ca.pem")) };
    place.config.tls = Some(tls);
    let witness = place.start();

    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        let mut roots = RootCertStore::empty();
        roots.add(servers.certificate.clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(provider());
        builder.with_protocol_versions(&[&rustls::version::TLS13]).expect("supported").with_root_certificates(roots)
    };
    let with = |(certificate, key): (rcgen::Certificate, KeyPair)| {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        builder().with_client_auth_cert(chain, key).expect("a pair")
    };
    let asked = |mut config: ClientConfig| {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(ask(witness.address, config))
    };
    assert_eq!(asked(with(clients.leaf())).expect("let in"), 404, "nothing is held yet");
    assert!(asked(builder().with_no_client_auth()).is_err(), "no certificate");
    assert!(asked(with(servers.leaf())).is_err(), "of another CA");
    witness.stop();
}

#[test]
fn without_tls_only_the_loopback_is_listened_on() {
    let mut place = Place::for_log(&FakeLog::new("a"));
    place.config.listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    assert!(place.faults()[0].contains("loopback"));
}
