//! Keys and policies as they are given on a command line.

use std::path::Path;

use causeway_journal::{MAX_POLICY_BYTES, Policy, VerifierKey};

use crate::{VerifyError, files};

/// Longest file of keys that is read, in bytes.
const MAX_KEYS_BYTES: usize = 64 * 1024;

/// A verifier key, or the file that holds one or several, one a line.
///
/// # Errors
/// A text that is neither.
pub fn read_keys(text: &str) -> Result<Vec<VerifierKey>, VerifyError> {
    if let Ok(key) = text.trim().parse::<VerifierKey>() {
        return Ok(vec![key]);
    }
    let path = Path::new(text);
    if !path.exists() {
        let what = "no such file, and no verifier key (name+id+key) either; `causeway audit checkpoint --key-out FILE` writes one";
        return Err(VerifyError::at(format_args!("--key: {text}"), what));
    }
    let content = files::read_named_text(path, MAX_KEYS_BYTES)?;
    let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = lines.map(str::parse).collect::<Result<Vec<VerifierKey>, _>>();
    match keys {
        Ok(keys) if keys.is_empty() => Err(VerifyError::at(path.display(), "it holds no verifier key")),
        Ok(keys) => Ok(keys),
        Err(error) => Err(VerifyError::at(path.display(), format_args!("no verifier key: {error}"))),
    }
}

/// A policy (C2SP tlog-policy) from its file.
///
/// # Errors
/// A file that cannot be read, and each line that is wrong.
pub fn read_policy(path: &Path) -> Result<Policy, VerifyError> {
    let text = files::read_named_text(path, MAX_POLICY_BYTES)?;
    Policy::parse(&text).map_err(|error| VerifyError::at(path.display(), error))
}
