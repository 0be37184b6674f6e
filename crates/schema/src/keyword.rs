//! The JSON Schema keywords that a kind's file may use, and what their violation is called. Any other keyword is a
//! fault: a misspelt one would silently check nothing.

/// Annotations of a leaf.
pub(crate) const ANNOTATIONS: &[&str] = &[
    "x-field",
    "x-class",
    "x-floor",
    "x-ladder",
    "x-scheme",
    "x-scheme-with",
    "x-withheld-where",
    "x-codes",
    "x-group",
];

const LEAF: &[&str] =
    &["type", "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "multipleOf"];
const ARRAY: &[&str] = &["type", "items", "minItems", "maxItems", "uniqueItems"];
const OBJECT: &[&str] = &["type", "properties", "required", "additionalProperties", "minProperties"];
const ROOT: &[&str] = &["$schema", "$id", "$defs", "allOf"];
const WORDS: &[&str] = &["title", "description", "$comment", "$ref"];

/// What a node of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Root,
    Object,
    Array,
    Leaf,
}

impl NodeKind {
    /// Whether such a node may have `keyword`.
    pub(crate) fn allows(self, keyword: &str) -> bool {
        let own = match self {
            Self::Root => OBJECT.contains(&keyword) || ROOT.contains(&keyword),
            Self::Object => OBJECT.contains(&keyword),
            Self::Array => ARRAY.contains(&keyword),
            Self::Leaf => LEAF.contains(&keyword) || ANNOTATIONS.contains(&keyword),
        };
        own || WORDS.contains(&keyword)
    }
}

/// The conditional rules that a file may state under `allOf`, named by `x-rule`, and why a record that breaks one is
/// refused.
pub(crate) const CONDITIONAL_RULES: &[(&str, &str)] = &[
    ("handling-codes", "handling C needs an action and a sanitisation code, and only C may have them"),
    ("europol-text", "handling code H3 needs its text"),
    ("anonymous-identifier", "an anonymous referral must not hold this identifying field"),
    ("subject-required", "the subject reference is missing; only an anonymous referral has none"),
    ("duty-to-notify-anonymous", "a duty to notify without consent must be anonymous"),
    ("age-band-minor", "the age band contradicts is_minor"),
    ("child-detail-adult", "an adult must not have child detail"),
];

/// Why a value that breaks `keyword` is refused.
pub(crate) fn reason(keyword: &str) -> &'static str {
    match keyword {
        "type" => "is not of the right type",
        "enum" | "const" => "is not one of the values allowed here",
        "required" => "is missing",
        "additionalProperties" => "holds a member that the schema does not know",
        "maxLength" => "is too long",
        "minLength" => "is too short",
        "maxItems" => "holds too many items",
        "minItems" => "holds too few items",
        "uniqueItems" => "holds an item twice",
        "maximum" => "is too great",
        "minimum" => "is too small",
        "format" | "pattern" => "is not well formed",
        "minProperties" => "holds too few members",
        _ => "does not meet the schema",
    }
}
