//! A log under test: builds entries and frames as the gateway would, and applies them.

use causeway_agreement::{AgencyFile, AuditLimits, Person, Role, System};
use causeway_crypto::{Digest, SigningKey, digest};
use causeway_journal::{
    Applied, JournalError, MirroredEntry, Outcome, RULES_SHARED, RULES_VERSION, Snapshot, State, apply, apply_mirrored,
    approval_message, decode_frame, document_digest, encode_entry, encode_frame, frame_id, v1,
};
use causeway_model::{AgreementId, FrameSeq, RecordId};

pub(crate) const AL: &str = "ISA-AL-2026-014";
pub(crate) const VN: &str = "ISA-VN-2026-021";

/// A log with the state of everything applied to it.
pub(crate) struct Log {
    pub(crate) state: State,
    /// The same, saved and loaded again on the way.
    pub(crate) loaded: State,
    /// What the same entries make without frames and bodies.
    pub(crate) mirrored: State,
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) time: u64,
    /// Items that were made.
    pub(crate) items: u64,
    /// The rules that frames are written under.
    pub(crate) rules: u32,
}

impl Log {
    /// Not even genesis.
    pub(crate) fn empty() -> Self {
        Self {
            state: State::new(),
            loaded: State::new(),
            mirrored: State::new(),
            frames: Vec::new(),
            time: 1_800_000_000_000_000,
            items: 0,
            rules: RULES_VERSION,
        }
    }

    /// Genesis with three agencies, a schema of each kind and two agreements.
    pub(crate) fn begun() -> Self {
        Self::begun_under(RULES_VERSION)
    }

    /// The same under the rules of an earlier version.
    pub(crate) fn begun_under(rules: u32) -> Self {
        let mut log = Self { rules, ..Self::empty() };
        log.one(administration("genesis"));
        for agency in ["gb-nca", "al-police", "vn-police"] {
            let text = agency_text(agency, 1);
            assert_eq!(log.document(v1::DocumentKind::Agency, agency, 1, &text, NCA_TWO), Outcome::Effective);
        }
        for schema in ["victim-profile/1.0", "trafficking-route/1.0"] {
            assert_eq!(log.document(v1::DocumentKind::Schema, schema, 1, "{}", NCA_TWO), Outcome::Effective);
        }
        for (agreement, recipient) in [(AL, "al-police"), (VN, "vn-police")] {
            let text = agreement_text(agreement, 1, recipient);
            assert_eq!(log.document(v1::DocumentKind::Agreement, agreement, 1, &text, NCA_TWO), Outcome::Effective);
        }
        log.one(administration("genesis-complete"));
        log
    }

    pub(crate) fn frame_of(&self, items: Vec<v1::Item>) -> v1::Frame {
        let previous = self.state.head().1.filter(|_| self.rules < RULES_SHARED);
        v1::Frame {
            rules_version: self.rules,
            log_id: vec![8; 16],
            previous_frame: previous.map_or_else(Vec::new, |id| id.0.to_vec()),
            items,
            ..v1::Frame::default()
        }
    }

    /// An item with this entry, a second after the one before.
    pub(crate) fn item(&mut self, entry: v1::Entry) -> v1::Item {
        self.time += 1_000_000;
        self.item_now(entry)
    }

    /// The same at the time that it is.
    pub(crate) fn item_now(&mut self, entry: v1::Entry) -> v1::Item {
        self.items += 1;
        let parts = [&self.time.to_be_bytes()[..], &self.items.to_be_bytes()];
        let parts = if self.rules < RULES_SHARED { &parts[..1] } else { &parts[..] };
        let entry_id = digest("test", parts).0[..16].to_vec();
        self.item_of(v1::Entry { entry_id, ..entry })
    }

    /// The same under the id that it has.
    pub(crate) fn item_again(&mut self, entry: v1::Entry) -> v1::Item {
        self.time += 1_000_000;
        self.item_of(entry)
    }

    fn item_of(&self, entry: v1::Entry) -> v1::Item {
        let rules_version = if self.rules < 4 { 0 } else { self.rules };
        let entry = v1::Entry { time_micros: self.time, rules_version, ..entry };
        v1::Item { entry: encode_entry(&entry).expect("a well-formed entry"), ..v1::Item::default() }
    }

    pub(crate) fn append(&mut self, frame: &v1::Frame) -> Result<Applied, JournalError> {
        self.append_bytes(encode_frame(frame).expect("a well-formed frame"))
    }

    /// Appends what may be no frame.
    pub(crate) fn append_bytes(&mut self, bytes: Vec<u8>) -> Result<Applied, JournalError> {
        let next = self.state.head().0.next();
        let applied = apply(&mut self.state, next, &bytes)?;
        assert_eq!(self.state.head().1, Some(frame_id(&bytes)));
        self.frames.push(bytes);
        self.load_again(&applied);
        if applied.passed_over.is_none() {
            let frame = decode_frame(&self.frames[self.frames.len() - 1]).expect("it was applied");
            self.mirror(&frame, &applied);
        }
        Ok(applied)
    }

    /// Whatever these tests append comes to the same in a state that was saved and loaded before it.
    fn load_again(&mut self, applied: &Applied) {
        let (next, bytes) = (self.loaded.head().0.next(), &self.frames[self.frames.len() - 1]);
        let is_looked_at = self.frames.len() < 40 || self.frames.len().is_multiple_of(50);
        if is_looked_at {
            self.loaded = saved_and_loaded(&self.loaded);
        }
        assert_eq!(apply(&mut self.loaded, next, bytes).expect("a frame that comes next"), *applied);
        if is_looked_at {
            assert_eq!(format!("{:?}", self.loaded), format!("{:?}", self.state), "after frame {next}");
        }
    }

    /// Whatever these tests append is mirrored too, and must come to the same.
    fn mirror(&mut self, frame: &v1::Frame, applied: &Applied) {
        let read = |item: &v1::Item| MirroredEntry::read(&item.entry, item.document_text.clone());
        let entries: Vec<_> = frame.items.iter().map(|item| read(item).expect("a well-formed entry")).collect();
        let mirrored =
            apply_mirrored(&mut self.mirrored, frame.rules_version, &entries).expect("entries that come next");
        assert_eq!(mirrored, *applied);
    }

    /// Appends one frame with these entries.
    pub(crate) fn all(&mut self, entries: Vec<v1::Entry>) -> Applied {
        // Under the rules of several writers a frame has one time.
        let own_times = self.rules < RULES_SHARED;
        self.time += if own_times { 0 } else { 1_000_000 };
        let item = |entry| if own_times { self.item(entry) } else { self.item_now(entry) };
        let items = entries.into_iter().map(item).collect();
        self.append(&self.frame_of(items)).expect("a frame that comes next")
    }

    /// Appends one frame with one entry.
    pub(crate) fn one(&mut self, entry: v1::Entry) -> Outcome {
        self.all(vec![entry]).outcomes.remove(0)
    }

    pub(crate) fn document(
        &mut self,
        kind: v1::DocumentKind,
        id: &str,
        version: u32,
        text: &str,
        by: &[(&str, &str)],
    ) -> Outcome {
        let (entry, text) = document_entry(kind, id, version, text, by);
        self.document_with(entry, text)
    }

    pub(crate) fn document_with(&mut self, entry: v1::Entry, text: Vec<u8>) -> Outcome {
        let item = v1::Item { document_text: text, ..self.item(entry) };
        self.append(&self.frame_of(vec![item])).expect("a frame that comes next").outcomes.remove(0)
    }

    /// The state that the frames make when they are applied again from nothing.
    pub(crate) fn replayed(&self) -> State {
        let mut state = State::new();
        for (frame, seq) in self.frames.iter().zip(1..) {
            apply(&mut state, FrameSeq(seq), frame).expect("a frame that was applied before");
        }
        state
    }
}

pub(crate) const NCA_TWO: &[(&str, &str)] = &[("gb-nca", "director"), ("gb-nca", "dpo")];

/// The key of a person of these tests.
pub(crate) fn person_key(agency: &str, person: &str) -> SigningKey {
    SigningKey::from_seed(&digest("test person", &[agency.as_bytes(), person.as_bytes()]).0)
}

pub(crate) fn agency_text(agency: &str, version: u32) -> String {
    let persons = ["director", "dpo", "third"].into_iter();
    let person =
        |id: &str| Person { id: id.parse().expect("an id"), public_key: person_key(agency, id).public_key().0 };
    let file = AgencyFile {
        id: agency.parse().expect("an id"),
        version,
        name: agency.to_uppercase(),
        systems: vec![System {
            name: "feed".parse().expect("a name"),
            roles: vec![Role::Reader],
            audit: AuditLimits::default(),
        }],
        persons: persons.map(person).collect(),
        sealing_public_key: vec![1; 1216],
        trust_bundle_pem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into(),
    };
    file.render()
}

pub(crate) fn agreement_text(id: &str, version: u32, recipient: &str) -> String {
    format!(
        r#"
id = "{id}"
version = {version}
granting = "gb-nca"
recipient = "{recipient}"
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
    )
}

pub(crate) fn approval(document: &Digest, agency: &str, person: &str) -> v1::Approval {
    let key = person_key(agency, person);
    v1::Approval {
        agency: agency.into(),
        person: person.into(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&approval_message(document)).to_vec(),
    }
}

pub(crate) fn document_entry(
    kind: v1::DocumentKind,
    id: &str,
    version: u32,
    text: &str,
    by: &[(&str, &str)],
) -> (v1::Entry, Vec<u8>) {
    let digest = document_digest(kind, id, version, text.as_bytes());
    let document = v1::Document {
        kind: kind.into(),
        id: id.into(),
        version,
        digest: digest.0.to_vec(),
        action: v1::DocumentAction::Activate.into(),
    };
    let entry = v1::Entry {
        document: Some(document),
        approvals: by.iter().map(|(agency, person)| approval(&digest, agency, person)).collect(),
        ..allowed(v1::Operation::Document, "activated", "gb-nca")
    };
    (entry, text.into())
}

pub(crate) fn allowed(operation: v1::Operation, reason: &str, agency: &str) -> v1::Entry {
    v1::Entry {
        operation: operation.into(),
        decision: v1::Decision::Allowed.into(),
        reason: reason.into(),
        actor: Some(v1::Actor { agency: agency.into(), ..v1::Actor::default() }),
        ..v1::Entry::default()
    }
}

pub(crate) fn administration(reason: &str) -> v1::Entry {
    allowed(v1::Operation::Administration, reason, "gb-nca")
}

pub(crate) fn record(name: &str) -> RecordId {
    RecordId::from_bytes(*digest("test record", &[name.as_bytes()]).0.first_chunk().expect("32 bytes"))
}

pub(crate) fn mac(name: &str) -> [u8; 32] {
    digest("test mac", &[name.as_bytes()]).0
}

pub(crate) fn record_ref(name: &str, version: u32, expected: u32) -> v1::RecordRef {
    v1::RecordRef {
        record_id: record(name).as_bytes().to_vec(),
        version,
        expected_version: expected,
        kind: "victim-profile".into(),
        schema_version: "1.0".into(),
    }
}

/// The submission of a version of a record: submission id, content and record all bear the record's name.
pub(crate) fn submit(name: &str, version: u32) -> v1::Entry {
    let submission = format!("{name} {version}");
    v1::Entry {
        records: vec![record_ref(name, version, version - 1)],
        submission_mac: mac(&submission).to_vec(),
        content_mac: mac(&submission).to_vec(),
        ..allowed(v1::Operation::Collection, "accepted", "gb-nca")
    }
}

pub(crate) fn withdraw(name: &str, expected: u32) -> v1::Entry {
    v1::Entry {
        records: vec![record_ref(name, expected, expected)],
        submission_mac: mac(&format!("withdraw {name}")).to_vec(),
        content_mac: mac(&format!("withdraw {name} {expected}")).to_vec(),
        item_salt: mac(&format!("salt {name}")).to_vec(),
        ..allowed(v1::Operation::Alteration, "withdrawn", "gb-nca")
    }
}

/// Releases under version 1 of an agreement, of versions of records, by clause `c1`.
pub(crate) fn release(feed: &str, considered: u64, records: &[(&str, u32)]) -> v1::Entry {
    let release = |(name, version): &(&str, u32)| v1::Release {
        record_id: record(name).as_bytes().to_vec(),
        version: *version,
        clause: "c1".into(),
        ..v1::Release::default()
    };
    let releases = records.iter().map(release).collect();
    v1::Entry {
        item_salt: mac(feed).to_vec(),
        releases: Some(v1::ReleaseBatch {
            feed: feed.into(),
            agreement_version: 1,
            considered_leaves: considered,
            releases,
            ..v1::ReleaseBatch::default()
        }),
        ..administration("released")
    }
}

pub(crate) fn page(feed: &str, recipient: &str, from: u64, to: u64) -> v1::Entry {
    v1::Entry {
        recipient: Some(v1::Recipient { agency: recipient.into(), agreement: feed.into(), ..v1::Recipient::default() }),
        page: Some(v1::Page {
            feed: feed.into(),
            from_position: from,
            to_position: to,
            digest: vec![1; 32],
            withheld: Vec::new(),
            deferred: Vec::new(),
        }),
        ..allowed(v1::Operation::Disclosure, "disclosed", recipient)
    }
}

pub(crate) fn acknowledge(feed: &str, agency: &str, up_to: u64) -> v1::Entry {
    v1::Entry {
        acknowledgement: Some(v1::Acknowledgement { feed: feed.into(), up_to_position: up_to, item_position: 0 }),
        ..allowed(v1::Operation::Administration, "acknowledged", agency)
    }
}

pub(crate) fn feed_id(feed: &str) -> AgreementId {
    feed.parse().expect("an agreement id")
}

/// A state as it comes back from its bytes.
pub(crate) fn saved_and_loaded(state: &State) -> State {
    State::load(&mut saved(&state.snapshot()).as_slice()).expect("what was saved is loaded")
}

pub(crate) fn saved(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot.save(&mut bytes).expect("written to memory");
    bytes
}
