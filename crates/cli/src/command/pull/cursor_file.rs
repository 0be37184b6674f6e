//! The file in which a reader of a feed keeps where it stands, between one pull or watch and the next.

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::feed::Standing;

/// Where a reader stands: as its file says, or at the start where there is none yet.
///
/// # Errors
/// A file that is something else, and what the system said.
pub(crate) fn read(path: Option<&Path>) -> Result<Standing, Failure> {
    let Some(path) = path else { return Ok(Standing::start()) };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|_| Failure::content(path, "not a cursor file; delete it to begin at the start".into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Standing::start()),
        Err(error) => Err(Failure::file(path, error)),
    }
}

/// Writes where a reader stands, all of it or nothing.
///
/// # Errors
/// What the system said.
pub(crate) fn write(path: &Path, standing: &Standing) -> Result<(), Failure> {
    let partial = partial_of(path);
    let text = serde_json::to_string_pretty(standing).expect("a standing is texts and numbers");
    std::fs::write(&partial, text + "\n").map_err(|e| Failure::file(&partial, e))?;
    std::fs::rename(&partial, path).map_err(|e| Failure::file(path, e))
}

/// A cursor file goes on in the feed that it was written for and in no other.
///
/// # Errors
/// A file of another agreement than the one that is `wanted`.
pub(crate) fn check(path: Option<&Path>, wanted: Option<&str>, standing: &Standing) -> Result<(), Failure> {
    match (path, wanted) {
        (Some(path), Some(wanted)) if !standing.agreement.is_empty() && *wanted != standing.agreement => {
            let of = &standing.agreement;
            Err(Failure::content(path, format!("a cursor of {of}, not of {wanted}: give another --cursor file")))
        }
        _ => Ok(()),
    }
}

/// A refusal, with what the cursor file is for, since it may be another agency's.
pub(crate) fn name_in(failure: Failure, path: Option<&Path>, standing: &Standing) -> Failure {
    match (failure, path) {
        (Failure::Refused { reason, message, violations, request_id }, Some(path))
            if !standing.agreement.is_empty() =>
        {
            let (path, of) = (path.display(), &standing.agreement);
            let message = format!("{message}; the cursor file {path} is for {of}");
            Failure::Refused { reason, message, violations, request_id }
        }
        (failure, _) => failure,
    }
}

/// The file beside it that a file is written to before it takes its place.
pub(crate) fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
