//! Approvals as files: `<document digest>.toml`, with one `[[approval]]` for each person's signature.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_crypto::Digest;
use causeway_journal::v1;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    approval: Vec<RawApproval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApproval {
    agency: String,
    person: String,
    public_key: String,
    signature: String,
}

/// The approvals of the document with this digest; none where there is no file. Whether they hold is apply's to say.
pub(crate) fn of(folder: &Path, digest: Digest) -> Result<Vec<v1::Approval>, String> {
    let path = folder.join(format!("{digest}.toml"));
    let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named(&error)),
    };
    let file: RawFile = toml::from_str(&text).map_err(|error| named(&error))?;
    let bytes =
        |name: &str, text: &str| STANDARD.decode(text).map_err(|_| named(&format_args!("{name} is not base64")));
    file.approval
        .into_iter()
        .map(|raw| {
            Ok(v1::Approval {
                public_key: bytes("public_key", &raw.public_key)?,
                signature: bytes("signature", &raw.signature)?,
                agency: raw.agency,
                person: raw.person,
            })
        })
        .collect()
}
