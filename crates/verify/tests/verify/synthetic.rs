//! A log of synthetic entries over real genesis documents, as a gateway's journal has them: what the tests and the example mirror.

use causeway_agreement::{AgencyFile, AuditLimits, Person, Role, System};
use causeway_crypto::{SigningKey, digest};
use causeway_journal::v1::{BundleNotes, EntryText, OutcomeRun, RulesRun};
use causeway_journal::{
    Checkpoint, MirroredEntry, RULES_VERSION, State, VerifierKey, apply_mirrored, approval_message, document_digest,
    encode_entry, v1,
};

pub(crate) const ORIGIN: &str = "gateway.example/journal";

/// A log with what apply makes of it.
pub(crate) struct Synthetic {
    pub(crate) state: State,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) texts: Vec<(u64, Vec<u8>)>,
    pub(crate) outcomes: Vec<String>,
    pub(crate) key: SigningKey,
    pub(crate) rules: u32,
    /// Of the newest entry; the next one is a millisecond later.
    pub(crate) time: u64,
}

impl Synthetic {
    /// Genesis: an agency, a schema, an agreement.
    pub(crate) fn begun() -> Self {
        Self::begun_under(RULES_VERSION)
    }

    /// The same under the rules of another version.
    pub(crate) fn begun_under(rules: u32) -> Self {
        let mut log = Self {
            state: State::new(),
            entries: Vec::new(),
            texts: Vec::new(),
            outcomes: Vec::new(),
            key: SigningKey::from_seed(&[7; 32]),
            rules,
            time: 1_800_000_000_000_000,
        };
        log.take(allowed(v1::Operation::Administration, "genesis"), Vec::new());
        log.document(v1::DocumentKind::Agency, "gb-nca", 1, agency("gb-nca"));
        log.document(v1::DocumentKind::Agency, "al-police", 1, agency("al-police"));
        log.document(v1::DocumentKind::Schema, "victim-profile/1.0", 1, "{}".into());
        log.document(v1::DocumentKind::Agreement, "ISA-AL-2026-014", 1, agreement());
        log.take(allowed(v1::Operation::Administration, "genesis-complete"), Vec::new());
        assert!(log.outcomes.iter().all(|outcome| outcome == "effective"), "{:?}", log.outcomes);
        log
    }

    /// Genesis and further entries: submissions, some of them twice, and consultations, about 300 bytes each.
    pub(crate) fn of(entries: u64) -> Self {
        let mut log = Self::begun();
        for number in log.size()..entries {
            log.take(numbered(number), Vec::new());
        }
        log
    }

    pub(crate) fn size(&self) -> u64 {
        self.state.tree().size()
    }

    pub(crate) fn take(&mut self, entry: v1::Entry, text: Vec<u8>) {
        self.time += 1_000;
        let entry_id = digest("test", &[&self.time.to_be_bytes()]).0[..16].to_vec();
        let rules_version = if self.rules < 4 { 0 } else { self.rules };
        let entry = v1::Entry { entry_id, time_micros: self.time, rules_version, ..entry };
        let bytes = encode_entry(&entry).expect("well formed");
        let read = MirroredEntry::read(&bytes, text.clone()).expect("well formed");
        if !text.is_empty() {
            self.texts.push((self.size(), text));
        }
        let applied = apply_mirrored(&mut self.state, self.rules, &[read]).expect("it comes next");
        self.outcomes.push(applied.outcomes[0].to_string());
        self.entries.push(bytes);
    }

    /// A document with the approvals of two persons.
    pub(crate) fn document(&mut self, kind: v1::DocumentKind, id: &str, version: u32, text: String) {
        let digest = document_digest(kind, id, version, text.as_bytes());
        let action = v1::DocumentAction::Activate.into();
        let approve = |person: &str| v1::Approval {
            agency: "gb-nca".into(),
            person: person.into(),
            public_key: person_key(person).public_key().0.to_vec(),
            signature: person_key(person).sign(&approval_message(&digest)).to_vec(),
        };
        let document = v1::Document { kind: kind.into(), id: id.into(), version, digest: digest.0.to_vec(), action };
        let entry = v1::Entry {
            document: Some(document),
            approvals: ["director", "dpo"].map(approve).to_vec(),
            ..allowed(v1::Operation::Document, "activated")
        };
        self.take(entry, text.into_bytes());
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: ORIGIN.into(), size: self.size(), root: self.state.tree().root() }
    }

    pub(crate) fn note(&self) -> String {
        self.checkpoint().sign(&self.key)
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, self.key.public_key()).expect("a name")
    }

    /// The notes to a range of entries.
    pub(crate) fn notes(&self, from: u64, to: u64) -> BundleNotes {
        let range = usize::try_from(from).expect("small")..usize::try_from(to).expect("small");
        let mut outcomes: Vec<OutcomeRun> = Vec::new();
        for outcome in &self.outcomes[range] {
            match outcomes.last_mut() {
                Some(last) if last.outcome == *outcome => last.count += 1,
                _ => outcomes.push(OutcomeRun { count: 1, outcome: outcome.clone() }),
            }
        }
        let of_range = self.texts.iter().filter(|(leaf, _)| (from..to).contains(leaf));
        let texts = of_range.map(|(leaf, text)| EntryText { leaf_index: *leaf, text: text.clone() }).collect();
        let count = u32::try_from(to - from).expect("small");
        let rules = vec![RulesRun { count, version: self.rules }];
        BundleNotes { from_leaf_index: from, rules, outcomes, texts }
    }

    /// What the gateway streams: runs of up to 256 entries, never across a multiple of 256.
    pub(crate) fn stream(&self, mut from: u64, to: u64) -> Vec<(u64, Vec<Vec<u8>>, BundleNotes)> {
        let mut parts = Vec::new();
        while from < to {
            let end = to.min((from / 256 + 1) * 256);
            let range = usize::try_from(from).expect("small")..usize::try_from(end).expect("small");
            parts.push((from, self.entries[range].to_vec(), self.notes(from, end)));
            from = end;
        }
        parts
    }
}

fn person_key(person: &str) -> SigningKey {
    SigningKey::from_seed(&digest("test person", &[person.as_bytes()]).0)
}

fn allowed(operation: v1::Operation, reason: &str) -> v1::Entry {
    v1::Entry {
        node: "node-1".into(),
        software_version: "causeway/0.1.0".into(),
        operation: operation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: reason.into(),
        actor: Some(v1::Actor {
            agency: "gb-nca".into(),
            system: "case-management".into(),
            certificate_digest: vec![3; 32],
        }),
        purpose_code: "victim-identification".into(),
        request_id: vec![9; 16],
        ..v1::Entry::default()
    }
}

/// Every third entry is a consultation, some others are submissions that were sent before.
pub(crate) fn numbered(number: u64) -> v1::Entry {
    let id = |what: &str, number: u64| digest(what, &[&number.to_be_bytes()]).0;
    if number.is_multiple_of(3) {
        return v1::Entry {
            subject_digest: id("subject", number).to_vec(),
            ..allowed(v1::Operation::Consultation, "consulted")
        };
    }
    let of = if number.is_multiple_of(50) { number.saturating_sub(1) } else { number };
    let record = v1::RecordRef {
        record_id: id("record", number)[..16].to_vec(),
        version: 1,
        expected_version: 0,
        kind: "victim-profile".into(),
        schema_version: "1.0".into(),
    };
    v1::Entry {
        records: vec![record],
        submission_mac: id("submission", of).to_vec(),
        content_mac: id("content", of).to_vec(),
        body_digest: id("body", number).to_vec(),
        ..allowed(v1::Operation::Collection, "accepted")
    }
}

fn agency(id: &str) -> String {
    let person =
        |person: &str| Person { id: person.parse().expect("an id"), public_key: person_key(person).public_key().0 };
    let file = AgencyFile {
        id: id.parse().expect("an id"),
        version: 1,
        name: id.to_uppercase(),
        systems: vec![System {
            name: "feed".parse().expect("a name"),
            roles: vec![Role::Reader],
            audit: AuditLimits::default(),
        }],
        persons: ["director", "dpo"].map(person).to_vec(),
        sealing_public_key: vec![1; 1216],
        trust_bundle_pem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into(),
    };
    file.render()
}

pub(crate) fn agreement() -> String {
    r#"
id = "ISA-AL-2026-014"
version = 1
granting = "gb-nca"
recipient = "al-police"
valid_from = 2026-01-01
valid_until = 2027-12-31
transfer_condition = "s75_instrument"
onward_transfer = "with_originator_authorisation"
purposes = ["investigation"]

[[clauses]]
id = "c1"
kinds = ["victim-profile"]
minimum_cell = 1
minimum_cell_reason = "the tests look at single records"

[clauses.filter]
nationalities = ["AL"]

[clauses.ceiling]
tlp = "AMBER"
source_grade = "2"
info_grade = "C"
action_codes = ["A2"]

[clauses.fields]
"gender" = "exact"
"#
    .into()
}
