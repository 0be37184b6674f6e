//! What is wrong with governed documents, each by itself and all of them together, before any of them is in force.

use std::sync::Arc;

use causeway_agreement::{AgencyFile, Agreement, Fault, System};
use causeway_crypto::SealingPublicKey;
use causeway_journal::v1;
use causeway_model::{AgencyId, Kind, SchemaId};
use causeway_schema::{CodeList, Schemas};

use crate::genesis::{ProposedDocument, kind_name};
use crate::{Error, governed};

/// Faults as an error's message names them: a status travels in a header, and some clients take headers of 8 KiB only.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;

/// Every fault of the documents and between them, before any of them is in force: what has come into force can only be
/// replaced by a later version, so a genesis with a hole in it could not be repaired. Of the kinds in `unread`, more was
/// proposed than could be read; what refers to those is not looked at, since it may refer to what is missing here.
///
/// Approvals are not looked at either: see [`crate::unapproved_documents`].
pub fn document_faults(documents: &[ProposedDocument], unread: &[v1::DocumentKind]) -> Vec<String> {
    let (mut faults, schemas) = look(documents, &[], unread);
    faults.extend(schemas.iter().flat_map(|schemas| documents.iter().flat_map(|document| codes(schemas, document))));
    let agreements: Vec<Agreement> = documents.iter().filter_map(agreement).collect();
    for (index, later) in agreements.iter().enumerate() {
        faults.extend(counted_twice(later, agreements[..index].iter()));
    }
    faults
}

/// What an agreement and others of the same parties both count, as long as they are in force together: the recipient could subtract
/// the tables of one from those of another. Like codes it is looked at once, before the agreement comes into force.
pub(crate) fn counted_twice<'a>(new: &Agreement, others: impl Iterator<Item = &'a Agreement>) -> Vec<String> {
    let parties = |agreement: &Agreement| (agreement.granting.clone(), agreement.recipient.clone());
    let beside = others.filter(|other| other.id != new.id && parties(other) == parties(new));
    let beside = beside.filter(|other| other.valid_from <= new.valid_until && new.valid_from <= other.valid_until);
    let mut faults = Vec::new();
    for other in beside {
        let has = |agreement: &Agreement, kind| agreement.tables.iter().any(|table| table.kind == kind);
        for kind in Kind::ALL.iter().filter(|kind| has(new, **kind) && has(other, **kind)) {
            let (id, party) = (&other.id, &new.recipient);
            faults.push(format!(
                "{}: tables: {id} publishes numbers of {kind} to {party} too, and could be subtracted from this one's: one \
                 agreement has them, or their days do not overlap",
                new.id
            ));
        }
    }
    faults
}

/// A document's agreement, where it is one and reads.
pub(crate) fn agreement(document: &ProposedDocument) -> Option<Agreement> {
    let text = std::str::from_utf8(&document.text).ok().filter(|_| document.kind == v1::DocumentKind::Agreement)?;
    Agreement::parse(text).ok()
}

/// Every code in the filters of a document, where that is an agreement, that no schema knows. It is looked at once, before the
/// agreement comes into force: what came into force before codes were looked at must not keep anything else from doing so.
pub(crate) fn codes(schemas: &Schemas, document: &ProposedDocument) -> Vec<String> {
    let Some(agreement) = agreement(document) else { return Vec::new() };
    let faults = agreement.check_codes(&|kind, path, code| schemas.knows_code(kind, path, code));
    faults.into_iter().map(|fault| format!("{}: {fault}", agreement.id)).collect()
}

/// The faults that can lie in any of the documents and of the agreements `beside` them, which have been read, with the schemas
/// compiled where they are without a fault.
pub(crate) fn look(
    documents: &[ProposedDocument],
    beside: &[Arc<Agreement>],
    unread: &[v1::DocumentKind],
) -> (Vec<String>, Option<Schemas>) {
    let mut faults: Vec<String> = documents.iter().flat_map(faults_of).collect();
    let of_kind = |kind| {
        let texts = documents.iter().filter(move |document| document.kind == kind);
        texts.filter_map(|document| Some((document.id.as_str(), std::str::from_utf8(&document.text).ok()?)))
    };
    let schemas = of_kind(v1::DocumentKind::Schema).filter_map(|(id, text)| Some((id.parse().ok()?, text)));
    let schemas: Vec<(SchemaId, &str)> = schemas.collect();
    let lists: Vec<&str> = of_kind(v1::DocumentKind::CodeList).map(|(_, text)| text).collect();
    let readable = lists.iter().all(|text| CodeList::parse(text).is_ok());
    let whole = [v1::DocumentKind::Schema, v1::DocumentKind::CodeList].iter().all(|kind| !unread.contains(kind));
    let compiled = if whole && readable { governed::schemas_of(&schemas, &lists, &mut faults) } else { None };
    let agreements: Vec<Agreement> = documents.iter().filter_map(agreement).collect();
    let all_agencies = !unread.contains(&v1::DocumentKind::Agency);
    let is_known =
        |agency: &AgencyId| !all_agencies || of_kind(v1::DocumentKind::Agency).any(|(id, _)| id == agency.as_str());
    faults.extend(of_kind(v1::DocumentKind::Agency).flat_map(|(_, text)| unknown_to_auditors(text, &is_known)));
    let agreements: Vec<&Agreement> = agreements.iter().chain(beside.iter().map(AsRef::as_ref)).collect();
    faults.extend(governed::faults_between(compiled.as_ref(), &agreements, &is_known));
    (faults, compiled)
}

/// Agencies to which an agency file limits an auditor, and that have no agency file: a mistyped one would hide what it was to show.
fn unknown_to_auditors(text: &str, is_known: &dyn Fn(&AgencyId) -> bool) -> Vec<String> {
    let Ok(file) = AgencyFile::parse(text) else { return Vec::new() };
    let limits =
        file.systems.iter().flat_map(|system| system.audit.agencies.iter().map(move |agency| (system, agency)));
    let unknown = limits.filter(|(_, agency)| !is_known(agency));
    let fault = |(system, agency): (&System, &AgencyId)| {
        format!("{}: systems: {}: audit_agencies: {agency} has no agency file in force", file.id, system.name)
    };
    unknown.map(fault).collect()
}

/// The refusal of what has these faults: as many of them as a message holds. `propose` gives all.
pub(crate) fn refusal(faults: &[String]) -> Error {
    let mut room = MAX_MESSAGE_BYTES;
    let fits = |fault: &&String| {
        room = room.saturating_sub(fault.len() + 1);
        room > 0
    };
    let mut named: Vec<&str> = faults.iter().take_while(fits).map(String::as_str).collect();
    let more = format!("and {} more", faults.len() - named.len());
    if named.len() < faults.len() {
        named.push(&more);
    }
    Error::invalid("documents-faulty", named.join("\n"))
}

fn faults_of(document: &ProposedDocument) -> Vec<String> {
    let name = format!("{} {}", kind_name(document.kind), document.id);
    let Ok(text) = std::str::from_utf8(&document.text) else {
        return vec![format!("{name}: not UTF-8")];
    };
    let listed = |faults: Vec<Fault>| faults.into_iter().map(|fault| format!("{name}: {fault}")).collect();
    let mismatched = || vec![format!("{name}: is another one, or of another version, than it says")];
    let is_itself = |id: &str, version: u32| (id, version) == (document.id.as_str(), document.version);
    match document.kind {
        v1::DocumentKind::Agency => match AgencyFile::parse(text) {
            Ok(file) if !is_itself(file.id.as_str(), file.version) => mismatched(),
            Ok(file) => match SealingPublicKey::from_bytes(&file.sealing_public_key) {
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("{name}: sealing_key.public_key: {error}")],
            },
            Err(faults) => listed(faults),
        },
        v1::DocumentKind::Agreement => match Agreement::parse(text) {
            Ok(agreement) if !is_itself(agreement.id.as_str(), agreement.version) => mismatched(),
            Ok(_) => Vec::new(),
            Err(faults) => listed(faults),
        },
        v1::DocumentKind::Schema => match document.id.parse::<SchemaId>() {
            Ok(_) => Vec::new(),
            Err(malformed) => vec![format!("{name}: {malformed}")],
        },
        v1::DocumentKind::CodeList => match CodeList::parse(text) {
            Ok(list) if is_itself(&list.name, list.version) => Vec::new(),
            Ok(_) => mismatched(),
            Err(faults) => faults.into_iter().map(|fault| format!("{name}: {fault}")).collect(),
        },
        v1::DocumentKind::Unspecified => vec![format!("{name}: not a kind of document")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_looked_at_in_what_comes_into_force_and_not_beside_it() {
        let config = |path: &str| {
            let path = format!("{}/../../config/{path}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read(path).expect("it is shipped")
        };
        let document = |kind, id: &str, text: Vec<u8>| ProposedDocument {
            kind,
            id: id.into(),
            version: 1,
            text,
            approvals: Vec::new(),
        };
        let mut documents: Vec<ProposedDocument> = Vec::new();
        for name in
            ["causeway", "country", "ctdc", "handling", "htcds", "hti", "isic", "nrm", "organisation", "transport"]
        {
            let text = config(&format!("schemas/codes/{name}.json"));
            documents.push(document(v1::DocumentKind::CodeList, name, text));
        }
        for name in ["victim-profile", "trafficking-route"] {
            let text = config(&format!("schemas/{name}-1.0.json"));
            documents.push(document(v1::DocumentKind::Schema, &format!("{name}/1.0"), text));
        }
        let sound = String::from_utf8(config("agreements/ISA-AL-2026-014.toml")).expect("a text");
        let unread = [v1::DocumentKind::Agency];
        let mut with = |text: String| {
            documents.push(document(v1::DocumentKind::Agreement, "ISA-AL-2026-014", text.into_bytes()));
            let (all, beside) = (document_faults(&documents, &unread), look(&documents, &[], &unread).0);
            documents.pop();
            (all, beside)
        };
        assert_eq!(with(sound.clone()), (Vec::new(), Vec::new()));
        let place = "ISA-AL-2026-014: clauses[1].filter.route_countries[1]";
        let unknown = format!("{place}: \"UK\" is no code that the schemas know: no record has it");
        assert_eq!(with(sound.replacen("\"XK\"", "\"UK\"", 1)), (vec![unknown], Vec::new()));
    }

    #[test]
    fn a_refusal_names_what_a_header_holds_and_counts_the_rest() {
        let faults: Vec<String> = (0..1_000).map(|number| format!("clauses[{number}]: is wrong")).collect();
        assert_eq!(refusal(&faults[..2]).message, "clauses[0]: is wrong\nclauses[1]: is wrong");
        let message = refusal(&faults).message;
        let named = message.lines().count() - 1;
        assert!(message.len() < MAX_MESSAGE_BYTES + 32 && named > 100, "{} bytes", message.len());
        assert!(message.ends_with(&format!("\nand {} more", 1_000 - named)), "{message}");
    }
}
