//! Bringing documents into force live: what they need for it, what is wrong with them, and what a look at them beforehand says.

use causeway_journal::v1::{Decision, DocumentKind, Operation};
use causeway_proto::v1;
use prost::Message;
use tonic::Code;

use super::office::{self, Document, NCA, Person, agreement_text, assert_refused};
use crate::feed::{ALBANIA, VIET_NAM};
use crate::harness::{Gateway, World};
use crate::rotation::agency;

fn config(world: &World, file: &str) -> String {
    std::fs::read_to_string(world.path(&format!("config/{file}"))).expect("the file is there")
}

/// One sound later document of each kind.
fn sound(world: &World) -> Vec<Document> {
    let schema = config(world, "schemas/victim-profile-1.1.json").replace("victim-profile/1.1", "victim-profile/1.2");
    let list = config(world, "schemas/codes/nrm.json").replacen("\"version\": 1", "\"version\": 2", 1);
    vec![
        Document::agency(&agency::next(world, "al-police")),
        Document::next(world, ALBANIA, 2, str::to_owned),
        Document::schema("victim-profile/1.2", schema),
        Document::code_list("nrm", 2, list),
    ]
}

/// Sends what must be refused, with one entry that says so.
async fn refused(
    world: &World,
    gateway: &Gateway,
    request: v1::ActivateDocumentRequest,
    code: Code,
    expected: &str,
) -> String {
    let before = world.journal().size();
    let answer = office::send(gateway, request).await;
    assert_refused(world, before, answer, code, expected).message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_takes_two_persons_of_the_agency_that_answers_for_it_over_its_exact_text() {
    let world = World::new();
    let gateway = world.start().await;
    for document in sound(&world) {
        let wrong: [(&str, Vec<Person>); 5] = [
            ("none", vec![]),
            ("one", vec![NCA[0]]),
            ("one twice", vec![NCA[0], NCA[0]]),
            ("one of another agency", vec![NCA[0], ("al-police", "chief")]),
            ("two of another agency", vec![("al-police", "chief"), ("al-police", "deputy")]),
        ];
        for (what, persons) in wrong {
            let request = document.signed(&world, &persons);
            refused(&world, &gateway, request, Code::PermissionDenied, "unapproved").await;
            assert!(!what.is_empty());
        }
        // Approved, and then changed by a blank at its end.
        let mut other = document.signed(&world, &NCA);
        other.text.push(b'\n');
        refused(&world, &gateway, other, Code::PermissionDenied, "unapproved").await;
        // One approval of this text, and one of what suspends the same version.
        let mut mixed = document.signed(&world, &NCA);
        if matches!(document.kind, DocumentKind::Agency | DocumentKind::Agreement) {
            let digest = causeway_journal::suspension_digest(document.kind, &document.id, document.version);
            mixed.approvals[1] = office::approval(&world, &digest, NCA[1]).encode_to_vec();
            refused(&world, &gateway, mixed, Code::PermissionDenied, "unapproved").await;
        }
        let leaf = office::bring(&world, &gateway, &document).await;
        let seen = world.journal().entries().into_iter().find(|seen| seen.leaf == leaf).expect("its entry");
        assert_eq!((seen.entry.operation(), seen.entry.reason.as_str()), (Operation::Document, "activated"));
        let again = document.signed(&world, &NCA);
        refused(&world, &gateway, again, Code::AlreadyExists, "version-not-later").await;
    }
    gateway.stop().await;
    let gateway = world.start().await;
    for document in sound(&world).into_iter().skip(1) {
        let request = document.signed(&world, &NCA);
        refused(&world, &gateway, request, Code::AlreadyExists, "version-not-later").await;
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_document_is_refused_with_its_faults_and_a_look_beforehand_names_the_same() {
    let world = World::new();
    let gateway = world.start().await;
    let second = |id: &str, change: &dyn Fn(&str) -> String| {
        let text = agreement_text(&world, id).replacen("version = 1", "version = 2", 1);
        Document { kind: DocumentKind::Agreement, id: id.into(), version: 2, text: change(&text) }
    };
    let schema = |id: &str, change: &dyn Fn(&str) -> String| {
        let text = config(&world, "schemas/victim-profile-1.1.json").replace("victim-profile/1.1", id);
        Document::schema(id, change(&text))
    };
    let list = config(&world, "schemas/codes/country.json").replacen("\"version\": 1", "\"version\": 2", 1);
    let without_gabon: String = list.lines().filter(|line| !line.contains("\"GA\"")).collect::<Vec<_>>().join("\n");
    let cases: Vec<(Document, &str)> = vec![
        (second(ALBANIA, &|text| text.replacen("\"gender\"", "\"shoe_size\"", 1)), "shoe_size"),
        (second(ALBANIA, &|text| text.replace("\"AMBER\"", "\"RED\"")), "TLP:RED"),
        (second(ALBANIA, &|text| text.replace("\"al-police\"", "\"ro-police\"")), "ro-police has no agency file"),
        (second(ALBANIA, &|text| text.replace("\"al-police\"", "\"vn-police\"")), "keeps its parties"),
        (second(ALBANIA, &|text| text.replace(ALBANIA, "ISA-AL-2026-015")), "another one, or of another version"),
        (second(VIET_NAM, &|_| "surprise = 1".into()), "surprise"),
        (second(ALBANIA, &|text| text.replacen("\"XK\"", "\"UK\"", 1)), "route_countries[1]: \"UK\" is no code"),
        (schema("victim-profile/1.2", &|text| text.replacen("\"x-field\": 60", "\"x-field\": 900", 1)), "x-field"),
        (
            schema("victim-profile/1.2", &|text| text.replacen("\"maxLength\": 100", "\"maxLength\": 10", 1)),
            "maxLength",
        ),
        (schema("victim-profile/1.2", &|text| text.replacen("\"x-class\"", "\"x-klass\"", 1)), "x-class"),
        (Document { version: 2, ..schema("victim-profile/1.1", &str::to_owned) }, "version is in its id"),
        (Document::code_list("country", 2, without_gabon), "\"GA\" is gone"),
        (Document::code_list("country", 2, list.replace("\"licence\"", "\"changes\"")), "licence"),
        (Document::code_list("country", 3, list.clone()), "another one, or of another version"),
    ];
    for (document, words) in cases {
        let message =
            refused(&world, &gateway, document.signed(&world, &NCA), Code::InvalidArgument, "documents-faulty").await;
        assert!(message.contains(words), "{words}: {message}");
        let before = world.journal().size();
        let looked = office::propose(&gateway, &document).await.expect("looked at");
        assert!(looked.faults.iter().any(|fault| fault.contains(words)), "{words}: {:?}", looked.faults);
        assert_eq!(message, looked.faults.join("\n"), "both say the same");
        let left = world.journal().entries_from(before);
        let said: Vec<_> = left.iter().map(|seen| (seen.entry.decision(), seen.entry.reason.as_str())).collect();
        assert_eq!(said, [(Decision::Denied, "document-proposed")]);
        assert_eq!(left[0].entry.count, looked.faults.len() as u64);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_sound_document_says_what_to_sign_and_who_signs_it_and_changes_nothing() {
    let world = World::new();
    let gateway = world.start().await;
    for document in sound(&world) {
        let before = world.journal().size();
        let looked = office::propose(&gateway, &document).await.expect("looked at");
        assert_eq!(looked.faults, Vec::<String>::new(), "{}", document.id);
        assert_eq!(looked.digest, document.digest().0);
        assert_eq!(looked.approving_agency, "gb-nca");
        assert_eq!(looked.version_in_force, if document.kind == DocumentKind::Schema { 0 } else { 1 });
        let left = world.journal().entries_from(before);
        assert_eq!(left.len(), 1);
        let entry = &left[0].entry;
        assert_eq!((entry.operation(), entry.decision()), (Operation::Consultation, Decision::Allowed));
        assert_eq!(
            (entry.reason.as_str(), entry.subject_digest.as_slice()),
            ("document-proposed", &document.digest().0[..])
        );
    }
    // The version in force again is not later, and is said to be that.
    let same = Document::next(&world, ALBANIA, 1, str::to_owned);
    let looked = office::propose(&gateway, &same).await.expect("looked at");
    assert_eq!((looked.faults.len(), looked.version_in_force), (1, 1), "{:?}", looked.faults);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_agencys_operator_neither_proposes_nor_compares_nor_suspends_nor_activates() {
    let world = World::with(|setup| {
        setup.edit("config/agencies/al-police.toml", |text| {
            format!("{text}\n[[systems]]\nname = \"desk\"\nroles = [\"operator\"]\n")
        });
    });
    let gateway = world.start().await;
    let mut desk = gateway.admin("al-police/desk").await;
    let document = Document::next(&world, ALBANIA, 2, str::to_owned);
    let signed = document.signed(&world, &NCA);
    let (kind, id, version, text) = (signed.kind.clone(), signed.id.clone(), signed.version, signed.text.clone());
    let code = Code::PermissionDenied;
    let before = world.journal().size();
    assert_refused(&world, before, desk.activate_document(signed).await, code, "not-the-operator");
    let before = world.journal().size();
    let proposed = desk.propose_document(v1::ProposeDocumentRequest { kind, id, version, text: text.clone() }).await;
    assert_refused(&world, before, proposed, code, "not-the-operator");
    let before = world.journal().size();
    let compared = desk.compare_agreement(v1::CompareAgreementRequest { old_text: Vec::new(), new_text: text }).await;
    assert_refused(&world, before, compared, code, "not-the-operator");
    let before = world.journal().size();
    let suspension = office::suspension(&world, DocumentKind::Agreement, ALBANIA, 1, NCA[0]);
    assert_refused(&world, before, desk.suspend(suspension).await, code, "not-the-operator");
    gateway.stop().await;
}
