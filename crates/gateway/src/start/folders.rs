//! The start folder: agency files, agreements, schemas and code lists with their approvals, read as proposals.

use std::path::{Path, PathBuf};

use causeway_agreement::{AgencyFile, Agreement};
use causeway_exchange::ProposedDocument;
use causeway_journal::{document_digest, v1};
use causeway_model::{Kind, SchemaId};
use causeway_schema::CodeList;

use crate::config::StartFolders;
use crate::start::approvals;

/// A governed document has at most 128 KiB (DESIGN.md section 6).
const MAX_DOCUMENT_BYTES: u64 = 128 * 1024;

/// The folder of code lists within that of the schemas.
const CODES: &str = "codes";

/// What the folders hold.
#[derive(Debug, Default)]
pub(crate) struct Proposals {
    /// Every document that reads.
    pub(crate) documents: Vec<ProposedDocument>,
    /// A line for every fault.
    pub(crate) faults: Vec<String>,
    /// The kinds of which a document, or the whole folder, does not read.
    pub(crate) unread: Vec<v1::DocumentKind>,
}

/// Every document of the folders that reads, and a line for every fault.
pub(crate) fn read(folders: &StartFolders) -> Proposals {
    let mut reading = Reading { approvals: &folders.approvals, found: Proposals::default() };
    reading.folder(&folders.agencies, "toml", v1::DocumentKind::Agency, |_, text| {
        let file = AgencyFile::parse(text).map_err(lines)?;
        Ok((file.id.to_string(), file.version))
    });
    reading.folder(&folders.agreements, "toml", v1::DocumentKind::Agreement, |_, text| {
        let agreement = Agreement::parse(text).map_err(lines)?;
        Ok((agreement.id.to_string(), agreement.version))
    });
    // A schema's version is in its id, which is its file's name.
    reading.folder(&folders.schemas, "json", v1::DocumentKind::Schema, |stem, _| {
        let id = schema_id(stem)
            .ok_or_else(|| vec!["is not named <kind>-<version>.json, as victim-profile-1.0.json".into()])?;
        Ok((id.to_string(), 1))
    });
    reading.folder(&folders.schemas.join(CODES), "json", v1::DocumentKind::CodeList, |stem, text| {
        let list = CodeList::parse(text)?;
        if list.name == stem { Ok((list.name, list.version)) } else { Err(vec!["is not named as its list is".into()]) }
    });
    if !folders.approvals.is_dir() {
        reading.found.faults.push(format!("{}: there is no such folder", folders.approvals.display()));
    }
    reading.found
}

fn lines(faults: Vec<causeway_agreement::Fault>) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn schema_id(stem: &str) -> Option<SchemaId> {
    Kind::ALL.into_iter().find_map(|kind| {
        let version = stem.strip_prefix(kind.as_str())?.strip_prefix('-')?;
        Some(SchemaId { kind, version: version.parse().ok()? })
    })
}

struct Reading<'a> {
    approvals: &'a Path,
    found: Proposals,
}

impl Reading<'_> {
    /// Reads every file of a folder with this extension; `identify` gives its id and version, or what is wrong with it.
    fn folder(
        &mut self,
        folder: &Path,
        extension: &str,
        kind: v1::DocumentKind,
        identify: impl Fn(&str, &str) -> Result<(String, u32), Vec<String>>,
    ) {
        let found = &mut self.found.faults;
        let before = found.len();
        let paths = files(folder, extension).map_err(|error| found.push(format!("{}: {error}", folder.display())));
        let paths = paths.unwrap_or_default();
        if paths.is_empty() && found.len() == before {
            found.push(format!("{}: no .{extension} file in it", folder.display()));
        }
        for path in paths {
            match self.document(&path, kind, &identify) {
                Ok(document) => self.found.documents.push(document),
                Err(faults) => {
                    let named = faults.iter().map(|fault| format!("{}: {fault}", path.display()));
                    self.found.faults.extend(named);
                }
            }
        }
        if self.found.faults.len() > before {
            self.found.unread.push(kind);
        }
    }

    fn document(
        &self,
        path: &Path,
        kind: v1::DocumentKind,
        identify: impl Fn(&str, &str) -> Result<(String, u32), Vec<String>>,
    ) -> Result<ProposedDocument, Vec<String>> {
        let text = read_bounded(path).map_err(|what| vec![what])?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let (id, version) = identify(stem, &text)?;
        let digest = document_digest(kind, &id, version, text.as_bytes());
        let approvals = approvals::of(self.approvals, digest).map_err(|what| vec![what])?;
        Ok(ProposedDocument { kind, id, version, text: text.into_bytes(), approvals })
    }
}

/// The files of a folder with this extension, in the order of their names.
fn files(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_DOCUMENT_BYTES {
        return Err(format!("has {size} bytes; a document has at most {MAX_DOCUMENT_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_files_are_named_after_their_id() {
        assert_eq!(schema_id("victim-profile-1.0").expect("named well").to_string(), "victim-profile/1.0");
        for bad in ["victim-profile", "victim-profile-1", "passport-1.0", "trafficking-route-01.0"] {
            assert!(schema_id(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn every_fault_of_every_folder_is_listed() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        for name in ["agencies", "schemas"] {
            std::fs::create_dir(at(name)).expect("created");
        }
        std::fs::write(at("agencies/gb-nca.toml"), "id = 7").expect("written");
        std::fs::write(at("agencies/readme.md"), "not a document").expect("written");
        std::fs::write(at("schemas/passport-1.0.json"), "{}").expect("written");
        let Proposals { documents, faults, .. } = read(&StartFolders {
            agencies: at("agencies"),
            agreements: at("agreements"),
            schemas: at("schemas"),
            approvals: at("approvals"),
        });
        assert!(documents.is_empty());
        let about = |name: &str| faults.iter().filter(|fault| fault.contains(name)).count();
        assert!(about("gb-nca.toml") >= 1, "{faults:?}");
        assert_eq!((about("agreements"), about("passport-1.0.json"), about("readme")), (1, 1, 0), "{faults:?}");
        assert_eq!(about("approvals"), 1, "{faults:?}");
    }
}
