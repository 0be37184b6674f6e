//! What is wrong with a record: where, by which rule, and why, without its values or the names it made up.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use crate::keyword::reason;

/// How many violations of one record are reported; one more says that there are others.
pub const MAX_VIOLATIONS: usize = 1_000;

/// One rule that a record breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: a JSON pointer (RFC 6901) made of the schema's own names and of indices. For a missing member, the place
    /// where it belongs; for an unknown one, the object that holds it.
    pub pointer: String,
    /// The rule: a JSON Schema keyword, or the name of a rule of our own.
    pub rule: String,
    /// Why, as a fixed text.
    pub reason: &'static str,
}

impl Violation {
    pub(crate) fn new(pointer: impl Into<String>, (rule, reason): (&str, &'static str)) -> Self {
        Self { pointer: pointer.into(), rule: rule.to_owned(), reason }
    }

    /// What the validator found. Its own message quotes the value, so nothing of that is used.
    pub(crate) fn of_schema(error: &ValidationError<'_>, rules: &[(&'static str, &'static str)]) -> Self {
        let mut pointer = error.instance_path().as_str().to_owned();
        if let ValidationErrorKind::Required { property } = error.kind()
            && let Some(name) = property.as_str()
        {
            pointer.push('/');
            pointer.push_str(name);
        }
        let keyword = error.kind().keyword();
        let own = conditional(error.schema_path().as_str()).and_then(|place| rules.get(place)).copied();
        Self::new(pointer, own.unwrap_or_else(|| (keyword, reason(keyword))))
    }

    /// Stands for all that were not reported.
    pub(crate) fn more() -> Self {
        Self::new("", ("more", "there are more violations than are reported"))
    }
}

/// The place under the schema's own `allOf` that a schema location lies in.
fn conditional(schema_path: &str) -> Option<usize> {
    schema_path.strip_prefix("/allOf/")?.split('/').next()?.parse().ok()
}
