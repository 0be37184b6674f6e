//! An agency file: who an agency is, which systems speak for it, who approves for it, and its keys.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_model::{AgencyId, Malformed, PersonId, SystemName};
use toml::{Table, Value};

use crate::Fault;
use crate::audit_limits::AuditLimits;
use crate::section::{self, Section, parsed, positive, text};

/// An X-Wing public key: 1184 bytes of ML-KEM-768 and 32 of X25519.
const SEALING_KEY_BYTES: usize = 1216;

/// What a system may do. A system with no role, as the gateway itself, may only be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Submits and withdraws its agency's records.
    Submitter,
    /// Pulls its agency's feeds.
    Reader,
    /// Asks the journal who saw what.
    Auditor,
    /// Erases, restricts, approves re-identification.
    Protection,
    /// Administers the gateway.
    Operator,
    /// Cosigns checkpoints.
    Witness,
}

/// An agency, as it is in force. A governed document: it changes only with approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyFile {
    /// Its id.
    pub id: AgencyId,
    /// The version of the file; a greater one supersedes it.
    pub version: u32,
    /// Its name, for people.
    pub name: String,
    /// The systems that may call for it.
    pub systems: Vec<System>,
    /// The persons who may approve for it, each with a key of their own.
    pub persons: Vec<Person>,
    /// The public key that its records' sealed parts are encrypted to, as crypto encodes it.
    pub sealing_public_key: Vec<u8>,
    /// The certificates of its own CA, in PEM. Only chains that end here speak for the agency.
    pub trust_bundle_pem: String,
}

/// A client of the agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its name within the agency.
    pub name: SystemName,
    /// What it may do.
    pub roles: Vec<Role>,
    /// What an auditor among its roles may read of the journal.
    pub audit: AuditLimits,
}

/// A rostered person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id within the agency.
    pub id: PersonId,
    /// Their Ed25519 approval key.
    pub public_key: [u8; 32],
}

impl Role {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Submitter, "submitter"),
        (Self::Reader, "reader"),
        (Self::Auditor, "auditor"),
        (Self::Protection, "protection"),
        (Self::Operator, "operator"),
        (Self::Witness, "witness"),
    ];
}

impl FromStr for Role {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(role, _)| role).ok_or(Malformed("role"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = Self::ALL.into_iter().find(|(role, _)| role == self).expect("every role has its name");
        f.write_str(name)
    }
}

impl AgencyFile {
    /// Reads the text of an agency file. An error holds every fault found, each with its place.
    ///
    /// What is accepted here is a part of the journal's rules (`causeway_journal::RULES_VERSION`). Limits of auditors came with
    /// version 4; everything that was accepted before still is.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        section::read(text, agency)
    }

    /// The file's text, which `parse` reads back to the same value.
    pub fn render(&self) -> String {
        let mut table = Table::new();
        table.insert("id".into(), self.id.as_str().into());
        table.insert("version".into(), i64::from(self.version).into());
        table.insert("name".into(), self.name.as_str().into());
        table.insert("sealing_public_key".into(), STANDARD.encode(&self.sealing_public_key).into());
        table.insert("trust_bundle_pem".into(), self.trust_bundle_pem.as_str().into());
        table.insert("systems".into(), self.systems.iter().map(System::render).collect::<Vec<Value>>().into());
        table.insert("persons".into(), self.persons.iter().map(Person::render).collect::<Vec<Value>>().into());
        toml::to_string_pretty(&table).expect("a table of texts, numbers and lists is always TOML")
    }

    /// The system of this name, where the file names it.
    pub fn system(&self, name: &SystemName) -> Option<&System> {
        self.systems.iter().find(|system| system.name == *name)
    }

    /// What the system of this name may do; empty for a system that the file does not name.
    pub fn roles(&self, name: &SystemName) -> &[Role] {
        self.system(name).map(|system| system.roles.as_slice()).unwrap_or_default()
    }

    /// Whether it limits what an auditor may read.
    pub fn limits_auditors(&self) -> bool {
        self.systems.iter().any(|system| !system.audit.is_none())
    }
}

impl System {
    fn render(&self) -> Value {
        let roles: Vec<Value> = self.roles.iter().map(|role| role.to_string().into()).collect();
        let mut table = Table::new();
        table.insert("name".into(), self.name.as_str().into());
        if !roles.is_empty() {
            table.insert("roles".into(), roles.into());
        }
        self.audit.render(&mut table);
        table.into()
    }
}

impl Person {
    fn render(&self) -> Value {
        let mut table = Table::new();
        table.insert("id".into(), self.id.as_str().into());
        table.insert("public_key".into(), STANDARD.encode(self.public_key).into());
        table.into()
    }
}

fn agency(section: &mut Section<'_>) -> Option<AgencyFile> {
    let (id, version, name) = identity(section);
    let systems = systems(section);
    let persons = section.children("persons", |person| {
        let id = person.required("id", parsed);
        let public_key = person.required("public_key", |value| {
            bytes(value)?.try_into().map_err(|_| "is not a key of 32 bytes".to_owned())
        });
        Some(Person { id: id?, public_key: public_key? })
    });
    section.distinct("persons", "id", persons.iter().map(|person| &person.id));
    for (index, person) in persons.iter().enumerate() {
        // Two names with one key would let one person approve twice.
        if persons[..index].iter().any(|other| other.public_key == person.public_key) {
            section.fault("persons", format!("the key of {} is another person's too", person.id));
        }
    }
    let sealing_public_key = section.required("sealing_public_key", sealing_key);
    let trust_bundle_pem = section.required("trust_bundle_pem", bundle);
    Some(AgencyFile {
        id: id?,
        version: version?,
        name: name?,
        systems,
        persons,
        sealing_public_key: sealing_public_key?,
        trust_bundle_pem: trust_bundle_pem?,
    })
}

/// What agency files and their templates both begin with.
pub(crate) fn identity(section: &mut Section<'_>) -> (Option<AgencyId>, Option<u32>, Option<String>) {
    (section.required("id", parsed), section.required("version", positive), section.required("name", text))
}

pub(crate) fn systems(section: &mut Section<'_>) -> Vec<System> {
    let systems = section.children("systems", |system| {
        let name = system.required("name", parsed);
        let roles = system.list("roles", role).unwrap_or_default();
        let audit = AuditLimits::read(system, &roles);
        Some(System { name: name?, roles, audit })
    });
    if systems.is_empty() {
        section.fault("systems", "names no system that speaks for the agency");
    }
    section.distinct("systems", "name", systems.iter().map(|system| &system.name));
    systems
}

fn role(value: &Value) -> Result<Role, String> {
    let text = text(value)?;
    text.parse().map_err(|_: Malformed| {
        let known = Role::ALL.map(|(_, name)| name).join(", ");
        format!("is an unknown role; the roles are {known}")
    })
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    STANDARD.decode(text(value)?).map_err(|_| "is not base64".into())
}

/// Only the length: whether the key can be sealed to is for crypto to say, which this crate does not know.
fn sealing_key(value: &Value) -> Result<Vec<u8>, String> {
    let key = bytes(value)?;
    if key.len() == SEALING_KEY_BYTES {
        return Ok(key);
    }
    Err(format!("is not an X-Wing public key of {SEALING_KEY_BYTES} bytes"))
}

fn bundle(value: &Value) -> Result<String, String> {
    let pem = text(value)?;
    if pem.contains("PRIVATE KEY") {
        return Err("holds a private key, which belongs in no agency file".into());
    }
    if pem.contains("-----BEGIN CERTIFICATE-----") { Ok(pem) } else { Err("holds no certificate in PEM".into()) }
}
