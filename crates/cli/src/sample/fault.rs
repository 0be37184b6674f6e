//! Everything that can be wrong with a record at the door, one kind at a time.

use causeway_model::{Kind, SchemaId, SchemaVersion};
use serde_json::{Map, Value, json};

/// One byte more than a record may have.
const TOO_MANY_BYTES: usize = 128 * 1024 + 1;
/// A value of this text is swapped for what JSON cannot hold otherwise.
const MARK: &str = "\"@fault@\"";

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, $found_as:literal);+ $(;)?) => {
        /// A way in which a record is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FaultKind { $($(#[$doc])* $variant),+ }

        impl FaultKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// How the gateway names it: the reason of a text that is no record, or the rule of a violation.
            pub const fn found_as(self) -> &'static str {
                match self { $(Self::$variant => $found_as),+ }
            }

            pub(crate) const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind),+ }
            }
        }
    };
}

faults! {
    /// The text ends in the middle.
    MalformedJson = "malformed JSON", VictimProfile, "malformed-json";
    /// A member stands twice.
    DuplicateMember = "duplicate member", VictimProfile, "duplicate-member";
    /// A byte that is no UTF-8.
    InvalidUtf8 = "invalid UTF-8", VictimProfile, "not-utf8";
    /// Arrays in arrays in arrays.
    TooDeep = "too deep", VictimProfile, "too-deep";
    /// Over 128 KiB.
    TooLarge = "too large", VictimProfile, "too-large";
    /// JSON, but a list.
    NotAnObject = "not an object", VictimProfile, "not-an-object";
    /// A text with U+0000 in it.
    NulCharacter = "NUL in a text", VictimProfile, "nul-character";
    /// A number that no reader can hold.
    NumberNotHeld = "number not held", VictimProfile, "number-out-of-range";
    /// A schema version that does not exist.
    UnknownSchemaVersion = "unknown schema version", VictimProfile, "unknown-schema";
    /// A profile that is submitted as a route.
    WrongKind = "wrong kind", VictimProfile, "additionalProperties";
    /// A member that the schema does not know.
    UnknownField = "unknown field", VictimProfile, "additionalProperties";
    /// A code that is on no list.
    WrongCode = "wrong code", VictimProfile, "enum";
    /// A required member is not there.
    MissingRequired = "missing required field", VictimProfile, "required";
    /// A text where a number belongs.
    WrongType = "wrong type", VictimProfile, "type";
    /// A text beyond its length.
    TextTooLong = "text too long", VictimProfile, "maxLength";
    /// A text without anything in it.
    TextEmpty = "empty text", VictimProfile, "minLength";
    /// A text that is not of its form.
    WrongForm = "wrong form", VictimProfile, "pattern";
    /// More items than a list may hold.
    TooManyItems = "too many items", VictimProfile, "maxItems";
    /// A list without anything in it.
    TooFewItems = "too few items", VictimProfile, "minItems";
    /// An item that stands twice.
    ItemTwice = "item twice", VictimProfile, "uniqueItems";
    /// A number below what the schema allows.
    NumberTooSmall = "number too small", VictimProfile, "minimum";
    /// A number beyond what the schema allows.
    NumberOutOfRange = "number out of range", VictimProfile, "maximum";
    /// A date that is none.
    BadDate = "bad date", VictimProfile, "format";
    /// A date that has not come.
    DateInFuture = "date in the future", VictimProfile, "date-not-in-future";
    /// Exploitation that ends before it starts.
    PeriodReversed = "period reversed", VictimProfile, "period-ordered";
    /// Retention that is over.
    RetentionOver = "retention over", VictimProfile, "retention-ends-later";
    /// A review of retention after its end.
    ReviewAfterEnd = "review after the end of retention", VictimProfile, "review-before-end";
    /// Handling code C without action and sanitisation code.
    HandlingWithoutCodes = "handling C without codes", VictimProfile, "handling-codes";
    /// Handling code H3 without its text.
    EuropolWithoutText = "H3 without text", VictimProfile, "europol-text";
    /// A duty to notify without consent, with a name.
    NotifiedByName = "duty to notify by name", VictimProfile, "duty-to-notify-anonymous";
    /// An anonymous report with a name.
    AnonymousWithName = "anonymous with a name", VictimProfile, "anonymous-identifier";
    /// A named person without reference.
    SubjectMissing = "subject reference missing", VictimProfile, "subject-required";
    /// A child in an adult's age band.
    AgeContradicted = "age contradicted", VictimProfile, "age-band-minor";
    /// An adult with a child's details.
    ChildDetailOfAdult = "child detail of an adult", VictimProfile, "child-detail-adult";
    /// A place in the United Kingdom that lies elsewhere.
    SubdivisionElsewhere = "subdivision of another country", VictimProfile, "subdivision-country";
    /// A leg that does not start where the one before ended.
    LegsNotConnected = "legs not connected", TraffickingRoute, "legs-connected";
    /// Legs that go back in order.
    LegsOutOfOrder = "legs out of order", TraffickingRoute, "legs-ordered";
    /// A UN/LOCODE of another country.
    UnlocodeElsewhere = "UN/LOCODE of another country", TraffickingRoute, "unlocode-country";
    /// A destination to which no leg leads.
    CountriesNotOfLegs = "countries not of the legs", TraffickingRoute, "countries-match-legs";
    /// The id of the first submission, with other content.
    SubmissionReused = "submission id reused", VictimProfile, "submission-id-reused";
}

impl FaultKind {
    /// Whether a violation of this rule comes of the fault. A record of another kind has members that its schema does not
    /// know and lacks those that it requires; every other fault breaks one rule.
    pub fn breaks(self, rule: &str) -> bool {
        rule == self.found_as() || (self == Self::WrongKind && rule == "required")
    }

    /// Spoils a whole and valid record.
    pub(crate) fn apply(self, schema: SchemaId, mut record: Map<String, Value>) -> (SchemaId, Vec<u8>) {
        self.spoil(&mut record);
        let text = Value::Object(record).to_string();
        let swap = |with: &str| text.replace(MARK, with).into_bytes();
        let version = SchemaVersion { major: 9, minor: 0 };
        match self {
            Self::MalformedJson => (schema, text.as_bytes()[..text.len() / 2].to_vec()),
            Self::DuplicateMember => (schema, text.replacen('{', "{\"tlp\":\"CLEAR\",", 1).into_bytes()),
            Self::InvalidUtf8 => {
                let mut bytes = swap("\"?\"");
                let at = bytes.iter().position(|byte| *byte == b'?').unwrap_or(1);
                bytes[at] = 0xff;
                (schema, bytes)
            }
            Self::NotAnObject => (schema, format!("[{text}]").into_bytes()),
            Self::NulCharacter => (schema, swap(r#""synthetic\u0000""#)),
            Self::WrongKind => (SchemaId { kind: Kind::TraffickingRoute, ..schema }, text.into_bytes()),
            Self::TooDeep => (schema, swap(&format!("{}{}", "[".repeat(40), "]".repeat(40)))),
            Self::NumberNotHeld => (schema, swap("1e999")),
            Self::UnknownSchemaVersion => (SchemaId { version, ..schema }, text.into_bytes()),
            _ => (schema, text.into_bytes()),
        }
    }

    fn spoil(self, record: &mut Map<String, Value>) {
        let mut set = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
        let mark = || json!("@fault@");
        match self {
            Self::MalformedJson
            | Self::DuplicateMember
            | Self::UnknownSchemaVersion
            | Self::NotAnObject
            | Self::WrongKind
            | Self::SubmissionReused => {}
            Self::InvalidUtf8 | Self::NulCharacter => set("given_name", mark()),
            Self::TooDeep => set("languages", mark()),
            Self::NumberNotHeld => set("number_of_children", mark()),
            Self::TooLarge => set("sanitised_summary", json!("synthetic ".repeat(TOO_MANY_BYTES / 10))),
            Self::UnknownField => set("favourite_colour", json!("synthetic")),
            Self::WrongCode => set("tlp", json!("WHITE")),
            Self::MissingRequired => drop(record.remove("exploitation_types")),
            Self::WrongType => set("number_of_children", json!("two")),
            Self::TextTooLong => set("family_name", json!("synthetic ".repeat(11))),
            Self::TextEmpty => set("family_name", json!("")),
            Self::WrongForm => set("languages", json!(["ALB"])),
            Self::TooManyItems => set("nationalities", json!(["AL", "XK", "IT"])),
            Self::TooFewItems => set("exploitation_types", json!([])),
            Self::ItemTwice => set("nationalities", json!(["AL", "AL"])),
            Self::NumberTooSmall => set("number_of_children", json!(-1)),
            Self::NumberOutOfRange => set("number_of_children", json!(99)),
            Self::BadDate => set("referral_date", json!("2024-02-30")),
            Self::DateInFuture => set("referral_date", json!("2999-01-01")),
            Self::PeriodReversed => set("exploitation_end", json!("2001")),
            Self::RetentionOver => {
                set("retention_review_due", json!("2020-01-01"));
                set("retain_until", json!("2020-12-31"));
            }
            Self::ReviewAfterEnd => set("retention_review_due", json!("2040-01-01")),
            Self::EuropolWithoutText => set("europol_handling", json!(["H3"])),
            Self::NotifiedByName => {
                set("nrm_route", json!("duty_to_notify"));
                set("consent_given", json!(false));
            }
            Self::HandlingWithoutCodes => {
                set("handling", json!("C"));
                record.remove("action_code");
                record.remove("sanitisation_code");
            }
            Self::AnonymousWithName => anonymise_but_for_the_name(record),
            Self::SubjectMissing => drop(record.remove("subject_reference")),
            Self::AgeContradicted => {
                set("age_band", json!("9-17"));
                // Which contradicts the band by a rule of its own.
                record.remove("date_of_birth");
            }
            Self::ChildDetailOfAdult => set("child_detail", json!({"missing_from_care": "no"})),
            Self::SubdivisionElsewhere => set("exploitation_uk_places", json!([{"subdivision": "FR-75"}])),
            Self::CountriesNotOfLegs => set("destination_country", json!("IS")),
            Self::LegsNotConnected => leg(record, 1, |leg| leg["from"] = json!({"country": "IS"})),
            Self::LegsOutOfOrder => leg(record, 1, |leg| leg["seq"] = json!(1)),
            Self::UnlocodeElsewhere => leg(record, 0, |leg| leg["from"]["unlocode"] = json!("ISREY")),
        }
    }
}

fn anonymise_but_for_the_name(record: &mut Map<String, Value>) {
    for name in [
        "subject_reference",
        "family_name",
        "date_of_birth",
        "birth_place",
        "phones",
        "current_location",
        "identity_documents",
        "external_references",
        "nrm_reference",
        "route_refs",
    ] {
        record.remove(name);
    }
    record.insert("anonymous".to_owned(), json!(true));
}

fn leg(record: &mut Map<String, Value>, index: usize, spoil: impl FnOnce(&mut Value)) {
    if let Some(leg) = record.get_mut("legs").and_then(|legs| legs.get_mut(index)) {
        spoil(leg);
    }
}
