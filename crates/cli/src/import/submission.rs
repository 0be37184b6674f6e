//! The submission id of a row: the same for the same row, another one when the row has changed.

use causeway_crypto::digest;
use causeway_model::SubmissionId;

/// Digits of the digest that an id holds: 64 bits, beside the row's number.
const DIGEST_DIGITS: usize = 16;

/// A text with `{row}` and `{digest}` in it, each once.
#[derive(Debug)]
pub(super) struct Template(String);

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        for placeholder in ["{row}", "{digest}"] {
            if text.matches(placeholder).count() != 1 {
                return Err(format!("needs {placeholder} once, or two rows would share an id"));
            }
        }
        let template = Self(text.into());
        let longest = template.fill(u64::MAX, &"0".repeat(DIGEST_DIGITS));
        let _: SubmissionId = longest.parse().map_err(|_| "is longer than a submission id may be once filled in")?;
        Ok(template)
    }

    /// The id of this row: its cells in order, or the text of its object.
    pub(super) fn id(&self, number: u64, row: &[&[u8]]) -> SubmissionId {
        let digest = digest("causeway/v1/import-row", row).to_string();
        self.fill(number, &digest[..DIGEST_DIGITS]).parse().expect("the longest id was tried when the map was read")
    }

    fn fill(&self, number: u64, digest: &str) -> String {
        self.0.replace("{row}", &number.to_string()).replace("{digest}", digest)
    }
}
