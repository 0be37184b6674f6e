//! Approval files as a test wants them: who signed what, under which name.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_cli::certs;
use causeway_crypto::{Digest, SigningKey};
use causeway_journal::v1::DocumentKind;
use causeway_journal::{approval_message, document_digest};

use crate::harness::World;

/// The approvals of one document of a world.
pub(crate) struct Approvals<'w> {
    world: &'w World,
    digest: Digest,
}

/// One approval.
#[derive(Clone)]
pub(crate) struct Row {
    agency: String,
    person: String,
    public_key: String,
    signature: String,
}

impl<'w> Approvals<'w> {
    pub(crate) fn of(world: &'w World, kind: &str, id: &str) -> Self {
        let (kind, file): (DocumentKind, PathBuf) = match kind {
            "agency file" => (DocumentKind::Agency, world.path(&format!("certs-dev/agencies/{id}.toml"))),
            "agreement" => (DocumentKind::Agreement, world.path(&format!("config/agreements/{id}.toml"))),
            "schema" => (DocumentKind::Schema, world.path(&format!("config/schemas/{}.json", id.replace('/', "-")))),
            "code list" => (DocumentKind::CodeList, world.path(&format!("config/schemas/codes/{id}.json"))),
            other => panic!("no kind of document: {other}"),
        };
        let digest = document_digest(kind, id, 1, &fs::read(file).expect("the document"));
        let approvals = Self { world, digest };
        assert!(approvals.file().exists(), "the identities come with an approval of every document");
        approvals
    }

    /// What a person signs to approve the document.
    pub(crate) fn by(&self, agency: &str, person: &str) -> Row {
        self.signed(&approval_message(&self.digest), agency, person)
    }

    /// What a person signed of something else.
    pub(crate) fn over(&self, words: &str, agency: &str, person: &str) -> Row {
        self.signed(words.as_bytes(), agency, person)
    }

    fn signed(&self, message: &[u8], agency: &str, person: &str) -> Row {
        let dir = self.world.path("certs-dev");
        let key: SigningKey =
            certs::person_key(&dir, &agency.parse().expect("well formed"), &person.parse().expect("well formed"))
                .expect("issued with the world");
        Row {
            agency: agency.into(),
            person: person.into(),
            public_key: STANDARD.encode(key.public_key().0),
            signature: STANDARD.encode(key.sign(message)),
        }
    }

    /// Puts these in the place of the document's approvals.
    pub(crate) fn write(&self, rows: &[Row]) {
        let text = rows.iter().map(|Row { agency, person, public_key, signature }| {
            format!(
                "[[approval]]\nagency = \"{agency}\"\nperson = \"{person}\"\npublic_key = \"{public_key}\"\n\
                 signature = \"{signature}\"\n"
            )
        });
        fs::write(self.file(), text.collect::<String>()).expect("the world's folder is writable");
    }

    fn file(&self) -> PathBuf {
        self.world.path(&format!("certs-dev/approvals/{}.toml", self.digest))
    }
}

impl Row {
    /// The same signature under another name.
    pub(crate) fn named(mut self, agency: &str, person: &str) -> Self {
        self.agency = agency.into();
        self.person = person.into();
        self
    }
}
