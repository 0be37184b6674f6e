//! Who is let in: one SPIFFE ID in a certificate of the agency's own CA, over TLS 1.3, asked for on every connection.
//! Everybody else is refused in the handshake, all with the same alert, and counted.

use std::fs;

use causeway_cli::certs::{Authority, Issued, Profile, Validity, spiffe_uri};
use causeway_journal::v1;
use causeway_model::{Date, SystemId, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::{AlertDescription, HandshakeKind};

use crate::harness::raw_tls::{Client, Ended, hello};
use crate::harness::{Gateway, World};

const SYSTEM: &str = "gb-nca/case-management";

/// 2026-11-21, in every world's first second.
const NOW: Timestamp = Timestamp(1_795_262_400_000_000);

fn profile(system: &str) -> Profile {
    let system: SystemId = system.parse().expect("well formed");
    Profile::client(&system, NOW)
}

fn issue(authority: &Authority, profile: &Profile) -> Issued {
    authority.issue(profile).expect("any profile can be minted")
}

fn years(from: u16, until: u16) -> Validity {
    let day = |year| Date::new(year, 1, 1).expect("a day");
    Validity { from: day(from), until: day(until) }
}

/// How the gateway ends a handshake with this certificate, or with none.
async fn ends(world: &World, gateway: &Gateway, identity: Option<&Issued>) -> Ended {
    let ca = fs::read_to_string(world.path("certs-dev/gb-nca/ca.pem")).expect("issued with the world");
    Client::new(identity, &ca).attempt(gateway.address()).await.0
}

/// A certificate whose subject names the system, with URI SANs beside it or without.
fn with_common_name(authority: &Authority, uris: &[&str]) -> Issued {
    let mut ca = CertificateParams::new(Vec::new()).expect("no names");
    ca.distinguished_name = DistinguishedName::new();
    ca.distinguished_name.push(DnType::CommonName, "gb-nca development CA");
    let issuer = Issuer::new(ca, KeyPair::from_pem(&authority.key_pem()).expect("a key"));
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "spiffe://gb-nca.causeway.example/case-management");
    for uri in uris {
        params.subject_alt_names.push(SanType::URI((*uri).try_into().expect("ASCII")));
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2120, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("any certificate can be signed");
    Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_current_certificate_of_the_agencys_own_ca_is_taken() {
    let world = World::new();
    let gateway = world.start().await;
    let (own, albania) = (world.authority("gb-nca"), world.authority("al-police"));
    let namesake = Authority::generate(&"gb-nca".parse().expect("well formed"), NOW).expect("a CA");
    let uri = spiffe_uri(&SYSTEM.parse().expect("well formed"));
    let uris = |uris: &[&str]| Profile { uris: uris.iter().map(ToString::to_string).collect(), ..profile(SYSTEM) };

    assert_eq!(ends(&world, &gateway, Some(&issue(&own, &profile(SYSTEM)))).await, Ended::Taken);
    assert_eq!(ends(&world, &gateway, Some(&issue(&albania, &profile("al-police/feed")))).await, Ended::Taken);
    assert_eq!(ends(&world, &gateway, Some(&with_common_name(&own, &[&uri]))).await, Ended::Taken);

    let refused = [
        ("expired", issue(&own, &Profile { validity: years(2020, 2026), ..profile(SYSTEM) })),
        ("not yet valid", issue(&own, &Profile { validity: years(2027, 2030), ..profile(SYSTEM) })),
        ("of a CA that nobody knows", issue(&namesake, &profile(SYSTEM))),
        ("for gb-nca, of al-police's CA", issue(&albania, &profile(SYSTEM))),
        ("for al-police, of gb-nca's CA", issue(&own, &profile("al-police/feed"))),
        ("two URI SANs", issue(&own, &uris(&[&uri, "spiffe://gb-nca.causeway.example/audit"]))),
        ("the same URI SAN twice", issue(&own, &uris(&[&uri, &uri]))),
        ("no URI SAN", issue(&own, &uris(&[]))),
        ("a common name instead of a URI SAN", with_common_name(&own, &[])),
        ("not a SPIFFE ID", issue(&own, &uris(&["https://gb-nca.causeway.example/case-management"]))),
        ("of another trust domain", issue(&own, &uris(&["spiffe://gb-nca.elsewhere.example/case-management"]))),
        ("a system that its agency does not have", issue(&own, &profile("gb-nca/stranger"))),
        ("an agency that there is not", issue(&own, &profile("gb-met/case-management"))),
        ("for a server", issue(&own, &Profile { server: true, ..profile(SYSTEM) })),
    ];
    let mut alerts = Vec::new();
    for (what, issued) in &refused {
        match ends(&world, &gateway, Some(issued)).await {
            Ended::Refused(alert) => alerts.push((alert, *what)),
            Ended::Taken => panic!("the gateway took a certificate: {what}"),
        }
    }
    // A refusal says nothing about its reason, so that nobody can ask which agencies and systems there are.
    let first = alerts[0].0;
    assert!(alerts.iter().all(|(alert, _)| *alert == first), "{alerts:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_certificate_is_refused() {
    let world = World::new();
    let gateway = world.start().await;
    assert_eq!(ends(&world, &gateway, None).await, Ended::Refused(AlertDescription::CertificateRequired));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_connector_says_what_to_do_about_a_refusal() {
    let world = World::new();
    let gateway = world.start().await;
    let issued = issue(&world.authority("al-police"), &profile(SYSTEM));
    let refused = gateway.connect_with(&issued, "forged").await.expect_err("refused");
    assert!(matches!(refused, causeway_gateway::client::ClientError::Refused), "{refused:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_refused_and_1_3_is_not() {
    let world = World::new();
    let gateway = world.start().await;
    let (answer, payload) = hello(gateway.address(), true).await;
    assert_eq!((answer, payload[0]), (22, 2), "a ServerHello");
    let (answer, payload) = hello(gateway.address(), false).await;
    assert_eq!((answer, payload.as_slice()), (21, &[2, 70][..]), "a fatal alert: protocol_version");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_ever_resumed() {
    let world = World::new();
    let gateway = world.start().await;
    let ca = fs::read_to_string(world.path("certs-dev/gb-nca/ca.pem")).expect("issued with the world");
    let client = Client::new(Some(&issue(&world.authority("gb-nca"), &profile(SYSTEM))), &ca);
    for _ in 0..2 {
        assert_eq!(client.attempt(gateway.address()).await, (Ended::Taken, Some(HandshakeKind::Full)));
    }
    assert!(!client.has_ticket(), "nothing to resume with was given out");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_two_bundles_stops_the_start() {
    let world = World::new();
    for file in ["ca.pem", "ca.key"] {
        let (from, to) = (world.path("certs-dev/gb-nca").join(file), world.path("certs-dev/al-police").join(file));
        fs::copy(from, to).expect("copied");
    }
    world.reissue();
    let Err(refused) = world.try_start().await else { panic!("the gateway started") };
    let causeway_gateway::Error::Faults(faults) = refused else { panic!("not faults: {refused:?}") };
    assert_eq!(faults, ["agencies al-police and gb-nca: the same key is in both trust bundles"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_handshakes_are_summed_into_one_entry() {
    let world = World::new();
    let gateway = world.start().await;
    let forged = issue(&world.authority("al-police"), &profile(SYSTEM));
    let before = world.journal().size();
    for _ in 0..7 {
        assert!(matches!(ends(&world, &gateway, Some(&forged)).await, Ended::Refused(_)));
    }
    // A call of somebody else, so that the last refusal has long been counted.
    gateway.ingest(SYSTEM).await.list_schemas(causeway_proto::v1::ListSchemasRequest {}).await.expect("served");
    let is_summary = |entry: &v1::Entry| entry.reason == "handshakes-refused";
    let early = world.journal().entries_from(before);
    assert!(!early.iter().any(|seen| is_summary(&seen.entry)), "nobody can make the log grow by knocking");

    world.clock().advance(61);
    let summary = world.journal().entry("a summary", |seen| is_summary(&seen.entry)).await.entry;
    assert_eq!(summary.count, 7);
    assert_eq!(summary.decision(), v1::Decision::Denied);
    assert_eq!(summary.operation(), v1::Operation::Authentication);
    assert!(summary.actor.is_none(), "nobody was authenticated");
    assert_eq!(summary.commitments.expect("where from").source_address.len(), 32);
    let period = summary.period.expect("a period");
    assert!(period.to_micros - period.from_micros >= 60_000_000);
    gateway.stop().await;
    let summaries = world.journal().entries_from(before).into_iter().filter(|seen| is_summary(&seen.entry));
    assert_eq!(summaries.count(), 1);
}
