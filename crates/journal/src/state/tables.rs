//! Published tables of numbers: each once, for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_agreement::TableId;
use causeway_model::{AgreementId, LeafIndex};

/// A published table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The agreement's version under which it was published.
    pub agreement_version: u32,
    /// Its exact text.
    pub text: Arc<str>,
    /// The entry that published it.
    pub leaf: LeafIndex,
}

/// By agreement, table and period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables(BTreeMap<(AgreementId, TableId, Box<str>), Published>);

impl Tables {
    pub(crate) fn get(&self, agreement: &AgreementId, table: &TableId, period: &str) -> Option<&Published> {
        self.0.get(&(agreement.clone(), table.clone(), period.into()))
    }

    pub(crate) fn of(&self, agreement: &AgreementId) -> impl Iterator<Item = (&TableId, &str, &Published)> {
        let own = self.0.iter().filter(move |((owner, ..), _)| owner == agreement);
        own.map(|((_, table, period), published)| (table, period.as_ref(), published))
    }

    /// Publishes a table; `false` where it has been.
    pub(crate) fn publish(&mut self, key: (AgreementId, TableId, Box<str>), published: Published) -> bool {
        if self.0.contains_key(&key) {
            return false;
        }
        self.0.insert(key, published);
        true
    }
}
