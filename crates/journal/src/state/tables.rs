//! Published tables of numbers: each once, for ever.

use std::collections::BTreeMap;
use std::io::{Read, Result, Write};
use std::sync::Arc;

use causeway_agreement::TableId;
use causeway_model::{AgreementId, LeafIndex, Timestamp};

use crate::Outcome;
use crate::saved::{Saved, saved_fields};

/// A published table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The agreement's version under which it was published.
    pub agreement_version: u32,
    /// The first moment of its period.
    pub from: Timestamp,
    /// The first moment after its period.
    pub to: Timestamp,
    /// Its exact text.
    pub text: Arc<str>,
    /// The entry that published it.
    pub leaf: LeafIndex,
}

saved_fields!(Published { agreement_version, from, to, text, leaf });

impl Published {
    /// Whether the two count some of the same time and not in the same breath.
    fn differs_from_within(&self, other: &Self) -> bool {
        let overlaps = self.from < other.to && other.from < self.to;
        let together = (self.from, self.to, self.agreement_version) == (other.from, other.to, other.agreement_version);
        overlaps && !together
    }
}

/// By agreement, table and period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables(BTreeMap<(AgreementId, TableId, Box<str>), Published>);

impl Saved for Tables {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        let kept = |((agreement, table, period), published): (&(AgreementId, TableId, Box<str>), &Published)| {
            ((agreement.clone(), table.clone()), (period.clone(), published.clone()))
        };
        self.0.iter().map(kept).collect::<Vec<_>>().save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let kept = Vec::<((AgreementId, TableId), (Box<str>, Published))>::load(from)?;
        let table = |((agreement, table), (period, published))| ((agreement, table, period), published);
        Ok(Self(kept.into_iter().map(table).collect()))
    }
}

impl Tables {
    pub(crate) fn get(&self, agreement: &AgreementId, table: &TableId, period: &str) -> Option<&Published> {
        self.0.get(&(agreement.clone(), table.clone(), period.into()))
    }

    pub(crate) fn of(&self, agreement: &AgreementId) -> impl Iterator<Item = (&TableId, &str, &Published)> {
        let own = self.0.iter().filter(move |((owner, ..), _)| owner == agreement);
        own.map(|((_, table, period), published)| (table, period.as_ref(), published))
    }

    /// Publishes a table, unless it has been, or could be subtracted from another one.
    pub(crate) fn publish(&mut self, key: (AgreementId, TableId, Box<str>), published: Published) -> Outcome {
        if self.0.contains_key(&key) {
            return Outcome::AlreadyDone;
        }
        if self.of(&key.0).any(|(.., other)| other.differs_from_within(&published)) {
            return Outcome::Void;
        }
        self.0.insert(key, published);
        Outcome::Effective
    }
}
