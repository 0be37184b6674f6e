//! Who may call what: every served method with every role, what a call has to state, and what a refusal leaves behind.

use causeway_gateway::client::Statement;
use causeway_journal::v1::Decision;
use causeway_proto::FILE_DESCRIPTOR_SET;
use causeway_proto::v1::GetReceiptRequest;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::harness::World;
use crate::harness::calls::reason;

/// A system of each role, and the services whose methods are that role's.
const ROLES: [(&str, &str); 5] = [
    ("gb-nca/case-management", "IngestService"),
    ("al-police/feed", "FeedService"),
    ("gb-nca/audit", "AuditService"),
    ("gb-nca/protection", "ProtectionService"),
    ("gb-nca/operations", "AdminService"),
];

/// The methods of all services of this package, as `FeedService/Pull`.
fn methods() -> Vec<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the generated set decodes");
    let services = set.file.iter().filter(|file| file.package() == "causeway.v1").flat_map(|file| &file.service);
    services
        .flat_map(|service| service.method.iter().map(|method| format!("{}/{}", service.name(), method.name())))
        .collect()
}

/// What a call states, as `name: value` pairs.
type Statements<'a> = &'a [(&'static str, &'a str)];

const STATED: Statements<'_> = &[("causeway-purpose", "investigation"), ("causeway-operator", "test.operator")];

/// Calls a method with an empty request. An answer that has begun is a success: what is refused never begins.
async fn call(channel: &Channel, path: &str, stated: Statements<'_>) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("the connection stands");
    let mut request = Request::new(tokio_stream::once(()));
    let metadata: &mut MetadataMap = request.metadata_mut();
    for (name, value) in stated {
        metadata.append(*name, value.parse().expect("ASCII"));
    }
    let path: PathAndQuery = path.parse().expect("a path");
    client.streaming(request, path, ProstCodec::<(), ()>::default()).await.map(drop)
}

fn own(method: &str) -> String {
    format!("/causeway.v1.{method}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_method_is_for_its_role_alone_and_every_refusal_is_one_entry() {
    let world = World::new();
    let gateway = world.start().await;
    let methods = methods();
    assert!(methods.len() >= 30, "{methods:?}");
    for (system, service) in ROLES {
        let channel = gateway.channel(system).await;
        for method in &methods {
            let before = world.journal().size();
            let answer = call(&channel, &own(method), STATED).await;
            let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
            if method.starts_with(service) {
                assert_ne!(code, Code::Unauthenticated, "{system} {method}");
                let denied_for_role = answer.is_err_and(|status| reason(&status) == "role-missing");
                assert!(!denied_for_role, "{system} {method}");
                continue;
            }
            let status = answer.expect_err(method);
            assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "role-missing"), "{method}");
            let left = world.journal().entries_from(before);
            assert_eq!(left.len(), 1, "{system} {method}: {left:?}");
            let entry = &left[0].entry;
            let actor = entry.actor.as_ref().expect("the system is known");
            assert_eq!(format!("{}/{}", actor.agency, actor.system), system);
            assert_eq!((entry.decision(), entry.reason.as_str()), (Decision::Denied, "role-missing"), "{method}");
            assert_eq!((actor.certificate_digest.len(), entry.request_id.len()), (32, 16));
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_a_role_may_ask_for_health_alone() {
    let world = World::with(|setup| {
        setup.edit("config/agencies/gb-nca.toml", |text| format!("{text}\n[[systems]]\nname = \"idle\"\n"));
    });
    let gateway = world.start().await;
    let channel = gateway.channel("gb-nca/idle").await;
    for method in methods() {
        let status = call(&channel, &own(&method), STATED).await.expect_err("it has no role");
        assert_eq!(status.code(), Code::PermissionDenied, "{method}");
    }
    call(&channel, "/grpc.health.v1.Health/Check", &[]).await.expect("health asks for no role and no statement");
    let status = call(&channel, "/causeway.v1.FeedService/Steal", STATED).await.expect_err("there is no such method");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "unknown-method"));
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let status = call(&channel, reflection, &[]).await.expect_err("reflection is off unless configured");
    assert_eq!(status.code(), Code::Unimplemented);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_served() {
    let world = World::new();
    let gateway = world.start().await;
    for (system, service) in ROLES {
        let channel = gateway.channel(system).await;
        for method in methods().iter().filter(|method| method.starts_with(service)) {
            let code = call(&channel, &own(method), STATED).await.err().map_or(Code::Ok, |status| status.code());
            assert_ne!(code, Code::Unimplemented, "{method}");
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_states_why_and_who() {
    let world = World::new();
    let gateway = world.start().await;
    let (purpose, operator) = ("causeway-purpose", "causeway-operator");
    let long = "x".repeat(129);
    let cases: [(Statements<'_>, &str, &str); 8] = [
        (&[(operator, "a.clerk")], "metadata-missing", purpose),
        (&[(purpose, "investigation")], "metadata-missing", operator),
        (&[], "metadata-missing", purpose),
        (&[(purpose, "curiosity"), (operator, "a.clerk")], "metadata-malformed", purpose),
        (&[(purpose, ""), (operator, "a.clerk")], "metadata-malformed", purpose),
        (&[(purpose, "investigation"), (operator, "")], "metadata-malformed", operator),
        (&[(purpose, "investigation"), (operator, &long)], "metadata-malformed", operator),
        (&[(purpose, "investigation"), (purpose, "safeguarding"), (operator, "a")], "metadata-malformed", purpose),
    ];
    for (system, service) in ROLES {
        let channel = gateway.channel(system).await;
        for method in methods().iter().filter(|method| method.starts_with(service)) {
            for (stated, expected, named) in cases {
                let status = call(&channel, &own(method), stated).await.expect_err(method);
                assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected), "{method}");
                assert!(status.message().contains(named), "{method}: {}", status.message());
            }
        }
    }
    // Anyone can send these at will, so they are summed up and do not make the log grow one by one.
    let before = world.journal().size();
    world.clock().advance(61);
    let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "malformed-requests").await;
    assert!(summary.leaf >= before && summary.entry.count >= 8 * 3, "{summary:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_in_the_entry_and_the_texts_are_commitments() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel("gb-nca/case-management").await;
    let stated = Statement::new("safeguarding: UNIQUE-WHY-7731", "UNIQUE-WHO-7732").expect("well formed");
    let mut ingest = IngestServiceClient::with_interceptor(channel, stated);
    let before = world.journal().size();
    let unknown = GetReceiptRequest { submission_id: "UNIQUE-WHAT-7733".into() };
    assert_eq!(ingest.get_receipt(unknown).await.expect_err("never sent").code(), Code::NotFound);

    let left = world.journal().entries_from(before);
    let denied = left.iter().find(|seen| seen.entry.reason == "unknown-submission").expect("the refusal is an entry");
    assert_eq!(denied.entry.purpose_code, "safeguarding");
    let commitments = denied.entry.commitments.as_ref().expect("there is an operator");
    assert_eq!(
        (commitments.operator.len(), commitments.source_address.len(), commitments.purpose_text.len()),
        (32, 32, 32)
    );
    for seen in left {
        for text in ["UNIQUE-WHY-7731", "UNIQUE-WHO-7732", "UNIQUE-WHAT-7733", "127.0.0.1"] {
            assert!(!contains(&seen.bytes, text.as_bytes()), "{text} is in an entry");
        }
    }
    gateway.stop().await;
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_read_for_the_four_purposes_of_the_law_only() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel("gb-nca/audit").await;
    let stated = |purpose: &'static str| [("causeway-purpose", purpose), ("causeway-operator", "an.auditor")];
    for purpose in ["lawfulness", "self-monitoring", "integrity", "criminal-proceedings"] {
        call(&channel, &own("AuditService/GetCheckpoint"), &stated(purpose)).await.expect(purpose);
    }
    for purpose in ["investigation", "prevention", "safeguarding"] {
        let before = world.journal().size();
        let status = call(&channel, &own("AuditService/GetCheckpoint"), &stated(purpose)).await.expect_err(purpose);
        let told = (status.code(), reason(&status));
        assert_eq!(told, (Code::PermissionDenied, "purpose-not-for-audit".to_owned()), "{purpose}");
        let left = world.journal().entries_from(before);
        assert_eq!(left.len(), 1, "{purpose}");
        assert_eq!((left[0].entry.decision(), left[0].entry.purpose_code.as_str()), (Decision::Denied, purpose));
    }
    gateway.stop().await;
}
