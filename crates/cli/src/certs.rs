//! Development identities: one CA per agency, clients' certificates, persons' and sealing keys, the rendered agency
//! files, revocation lists and two persons' approvals of every governed document. Real installations get these from their agencies.

mod approval;
mod authority;
mod folder;
mod identity;
mod revocation;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use causeway_agreement::{AgencyFile, AgencyTemplate, Agreement};
use causeway_crypto::SigningKey;
use causeway_journal::v1::DocumentKind;
use causeway_model::{AgencyId, PersonId, SchemaId, SystemId, Timestamp};
use causeway_schema::CodeList;

use self::approval::Governed;
use self::identity::AgencyFolder;
use crate::Failure;

pub use self::authority::{Authority, DEVELOPMENT_SUFFIX, Issued, Profile, Validity, spiffe_uri};

/// The agency that runs the gateway in development.
pub const OPERATOR: &str = "gb-nca";
/// The system whose certificate is the gateway's own.
pub const GATEWAY_SYSTEM: &str = "gateway";

/// What a run made and what it found good.
#[derive(Debug, Default)]
pub struct Made {
    /// The files written, in order.
    pub written: Vec<PathBuf>,
    /// How many things were there and will do.
    pub kept: usize,
}

impl Made {
    fn note(&mut self, path: PathBuf) {
        self.written.push(path);
    }

    fn public(&mut self, path: PathBuf, text: &str) -> Result<(), Failure> {
        match folder::write_public(&path, text)? {
            true => self.note(path),
            false => self.kept += 1,
        }
        Ok(())
    }
}

/// Makes what is missing below `dir` for the agency templates, agreements, schemas and code lists of the folder `config`, and
/// approves all of them as they are now. Running it again keeps every key.
pub fn issue(dir: &Path, config: &Path, now: Timestamp) -> Result<Made, Failure> {
    let templates = templates(&config.join("agencies"))?;
    let mut made = Made::default();
    folder::create(dir)?;
    for part in ["agencies", "approvals", revocation::FOLDER] {
        folder::create(&dir.join(part))?;
    }
    let operator: AgencyId = OPERATOR.parse().expect("well formed");
    let mut rosters = BTreeMap::new();
    let mut documents = Vec::new();
    for template in templates {
        let (file, persons) = agency(dir, template, now, &mut made)?;
        let text = file.render();
        made.public(dir.join("agencies").join(format!("{}.toml", file.id)), &text)?;
        documents.push(Governed {
            kind: DocumentKind::Agency,
            id: file.id.to_string(),
            version: file.version,
            text: text.into_bytes(),
            approver: operator.clone(),
        });
        rosters.insert(file.id, persons);
    }
    documents.extend(agreements(&config.join("agreements"))?);
    documents.extend(schemas(&config.join("schemas"), &operator)?);
    documents.extend(lists(&config.join("schemas"), &operator)?);
    for document in &documents {
        let persons = rosters.get(&document.approver).map_or(&[][..], Vec::as_slice);
        approval::write(&dir.join("approvals"), document, persons, &mut made)?;
    }
    Ok(made)
}

/// Reads the approval key of one person from the identities' folder.
pub fn person_key(dir: &Path, agency: &AgencyId, person: &PersonId) -> Result<SigningKey, Failure> {
    let path = identity::person_key(&dir.join(agency.as_str()), person);
    identity::read_person(&path)?.ok_or_else(|| Failure::content(&path, "no such key: run `causeway certs dev`".into()))
}

/// Revokes the certificate that a system has now; gives the file of its agency's revocation list, which says so from here on. The next
/// run of [`issue`] gives the system another one.
pub fn revoke(dir: &Path, system: &SystemId, now: Timestamp) -> Result<PathBuf, Failure> {
    folder::create(&dir.join(revocation::FOLDER))?;
    revocation::revoke(dir, system, &authority(dir, &system.agency)?, now)
}

/// Loads an agency's CA from the identities' folder, to issue certificates that `certs dev` would not.
pub fn authority(dir: &Path, agency: &AgencyId) -> Result<Authority, Failure> {
    let read = |name: &str| {
        let path = dir.join(agency.as_str()).join(name);
        folder::read(&path)?.ok_or_else(|| Failure::content(&path, "no such file: run `causeway certs dev`".into()))
    };
    Authority::from_pem(agency, read("ca.pem")?, &read("ca.key")?)
}

/// The agency templates of a folder.
fn templates(path: &Path) -> Result<Vec<AgencyTemplate>, Failure> {
    let mut templates = Vec::new();
    for path in folder::list(path, "toml")? {
        let text = folder::read(&path)?.unwrap_or_default();
        templates.push(AgencyTemplate::parse(&text).map_err(|faults| Failure::faults(&path, &faults))?);
    }
    match templates.is_empty() {
        false => Ok(templates),
        true => Err(Failure::content(path, "no agency template (*.toml) in this folder".into())),
    }
}

/// The files of one agency, and its agency file.
fn agency(
    dir: &Path,
    template: AgencyTemplate,
    now: Timestamp,
    made: &mut Made,
) -> Result<(AgencyFile, Vec<(PersonId, SigningKey)>), Failure> {
    let agency = AgencyFolder { dir, path: dir.join(template.id.as_str()), agency: &template.id, now };
    folder::create(&agency.path)?;
    folder::create(&agency.path.join("persons"))?;
    let authority = agency.authority(made)?;
    for system in &template.systems {
        let system = SystemId { agency: template.id.clone(), system: system.name.clone() };
        agency.system(&authority, &system, made)?;
    }
    revocation::list(dir, &template.id, &authority, now, made)?;
    let sealing = agency.sealing_key(made)?;
    let mut persons = Vec::new();
    for person in &template.persons {
        persons.push((person.clone(), agency.person(person, made)?));
    }
    let public_key = |person: &PersonId| {
        let (_, key) = persons.iter().find(|(id, _)| id == person).expect("each person of the template has a key");
        key.public_key().0
    };
    let file =
        template.clone().complete(public_key, sealing.public_key().to_bytes(), authority.certificate_pem().to_owned());
    Ok((file, persons))
}

/// The agreements, each to be approved by the agency that grants it.
fn agreements(path: &Path) -> Result<Vec<Governed>, Failure> {
    let mut documents = Vec::new();
    for path in folder::list(path, "toml")? {
        let text = folder::read(&path)?.unwrap_or_default();
        let agreement = Agreement::parse(&text).map_err(|faults| Failure::faults(&path, &faults))?;
        documents.push(Governed {
            kind: DocumentKind::Agreement,
            id: agreement.id.to_string(),
            version: agreement.version,
            text: text.into_bytes(),
            approver: agreement.granting,
        });
    }
    Ok(documents)
}

/// The schemas: `victim-profile-1.0.json` is `victim-profile/1.0`, in version 1 for ever.
fn schemas(path: &Path, operator: &AgencyId) -> Result<Vec<Governed>, Failure> {
    let mut documents = Vec::new();
    for path in folder::list(path, "json")? {
        let text = folder::read(&path)?.unwrap_or_default();
        let id =
            schema_id(&path).ok_or_else(|| Failure::content(&path, "the name is not KIND-MAJOR.MINOR.json".into()))?;
        documents.push(Governed {
            kind: DocumentKind::Schema,
            id: id.to_string(),
            version: 1,
            text: text.into_bytes(),
            approver: operator.clone(),
        });
    }
    Ok(documents)
}

/// The code lists of the schemas, each approved as a schema is.
fn lists(schemas: &Path, operator: &AgencyId) -> Result<Vec<Governed>, Failure> {
    let mut documents = Vec::new();
    for (path, text) in code_lists(schemas)? {
        let list = CodeList::parse(&text).map_err(|faults| Failure::faults(&path, &faults))?;
        documents.push(Governed {
            kind: DocumentKind::CodeList,
            id: list.name,
            version: list.version,
            text: text.into_bytes(),
            approver: operator.clone(),
        });
    }
    Ok(documents)
}

/// The files of the code lists beside the schemas, and their texts.
pub(crate) fn code_lists(schemas: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let paths = folder::list(&schemas.join("codes"), "json")?;
    paths.into_iter().map(|path| Ok((path.clone(), folder::read(&path)?.unwrap_or_default()))).collect()
}

/// The schema id that a schema's file name stands for.
pub(crate) fn schema_id(path: &Path) -> Option<SchemaId> {
    let (kind, version) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    Some(SchemaId { kind: kind.parse().ok()?, version: version.parse().ok()? })
}

/// The files of a folder with this extension, in order of their names.
pub(crate) fn files(path: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    folder::list(path, extension)
}

#[cfg(test)]
mod tests;
