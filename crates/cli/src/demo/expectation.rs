//! What must come of the sample, worked out apart from the gateway: which records each agreement grants, what stops the
//! others, and which texts no partner may ever see.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use causeway_agreement::{Agreement, Decision, ReleasePeriod, Standing, decide};
use causeway_model::{AgencyId, AgreementId, Class, Timestamp};
use causeway_schema::{Schema, Schemas};
use serde_json::Value;

use crate::sample::SampleRecord;
use crate::{Failure, certs, schema_folder};

/// The agreements and schemas of the configuration's folder.
#[derive(Debug)]
pub(super) struct Rules {
    schemas: Schemas,
    agreements: Vec<Agreement>,
}

/// What one agreement must make of the sample.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// The records that are granted, by their places in the sample.
    pub(super) granted: BTreeSet<u64>,
    /// How many a stable reason code stopped.
    pub(super) stopped: BTreeMap<&'static str, u64>,
}

/// What must come of the sample.
#[derive(Debug)]
pub(super) struct Expectation {
    /// By agreement, with its recipient.
    pub(super) shares: BTreeMap<AgreementId, (AgencyId, Share)>,
    /// Identifiers and free texts of the records, in lower case.
    identifiers: HashSet<String>,
}

impl Rules {
    pub(super) fn load(config: &Path) -> Result<Self, Failure> {
        let schemas = schema_folder::read(&config.join("schemas"))?;
        let mut agreements = Vec::new();
        for path in certs::files(&config.join("agreements"), "toml")? {
            let text = std::fs::read_to_string(&path).map_err(|e| Failure::file(&path, e))?;
            agreements.push(Agreement::parse(&text).map_err(|faults| Failure::faults(&path, &faults))?);
        }
        Ok(Self { schemas, agreements })
    }

    /// Decides every record of the sample that has no fault, under every agreement.
    pub(super) fn expect(&self, sample: &[SampleRecord], now: Timestamp) -> Result<Expectation, Failure> {
        let owner: AgencyId = certs::OPERATOR.parse().expect("well formed");
        let mut shares: BTreeMap<_, _> = self
            .agreements
            .iter()
            .map(|agreement| (agreement.id.clone(), (agreement.recipient.clone(), Share::default())))
            .collect();
        let mut identifiers = HashSet::new();
        for (place, record) in (0..).zip(sample).filter(|(_, record)| record.fault.is_none()) {
            let unknown =
                || Failure::does_not_hold(format!("{} is of no schema in the configuration", record.submission_id));
            let schema = self.schemas.get(record.schema).ok_or_else(unknown)?;
            let document = causeway_schema::parse(&record.document);
            let document =
                document.map_err(|fault| Failure::does_not_hold(format!("{}: {fault}", record.submission_id)))?;
            // The pseudonyms are not looked at here, only what is decided.
            let facts = schema.facts(&schema.split(&document, &|_, _| [0; 32]).classified);
            for agreement in &self.agreements {
                let (_, share) = shares.get_mut(&agreement.id).expect("made above from the same list");
                match decide(agreement, Standing::InForce, &owner, &facts, now) {
                    Decision::Grant(clause) if clause.release == ReleasePeriod::Immediate => {
                        share.granted.insert(place);
                    }
                    Decision::Grant(_) => *share.stopped.entry("waits-for-daily-batch").or_default() += 1,
                    Decision::Deny(reason) => *share.stopped.entry(reason.as_str()).or_default() += 1,
                }
            }
            if let Ok(value) = serde_json::from_slice(&record.document) {
                collect(schema, "", &value, &mut identifiers);
            }
        }
        Ok(Expectation { shares, identifiers })
    }
}

impl Expectation {
    /// The agreement of which an agency is the recipient, and its share.
    pub(super) fn of(&self, agency: &str) -> Result<(&AgreementId, &Share), Failure> {
        let own = self.shares.iter().find(|(_, (recipient, _))| recipient.as_str() == agency);
        let (agreement, (_, share)) =
            own.ok_or_else(|| Failure::does_not_hold(format!("no agreement in the configuration is with {agency}")))?;
        Ok((agreement, share))
    }

    /// The place of a record that an agreement grants.
    pub(super) fn shown_to(&self, agreement: &AgreementId) -> Option<u64> {
        self.shares.get(agreement).and_then(|(_, share)| share.granted.first().copied())
    }

    /// Whether a document that reached a partner holds an identifier or a free text of any record.
    pub(super) fn leaks(&self, document: &Value) -> bool {
        match document {
            Value::String(text) => self.identifiers.contains(&text.to_lowercase()),
            Value::Array(items) => items.iter().any(|item| self.leaks(item)),
            Value::Object(members) => members.values().any(|member| self.leaks(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// Every text of a `link` or `sealed` field that could name somebody: codes, which are single lower-case words and which
/// other fields may rightly hold, are left out.
fn collect(schema: &Schema, path: &str, value: &Value, identifiers: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(schema, &path, member, identifiers);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(schema, &format!("{path}[]"), item, identifiers)),
        Value::String(text) => {
            let spec = path.parse().ok().and_then(|path| schema.fields().by_path(&path));
            let hidden = spec.is_some_and(|spec| matches!(spec.class, Class::Link | Class::Sealed));
            if hidden && !text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                identifiers.insert(text.to_lowercase());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
