//! Schemas in force, as submitters ask for them: which there are, and the exact text of one.

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_journal::v1;
use causeway_model::SchemaId;

use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange};

impl Exchange {
    /// Every schema in force, in the order of ids, with the digest of the document as it was approved.
    ///
    /// # Errors
    /// `Unavailable` where the question cannot be recorded.
    pub async fn schemas(&self, caller: &Caller) -> Result<Vec<(SchemaId, Digest)>, Error> {
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "schemas-listed").by(caller)).await?;
        let mut schemas: Vec<_> =
            self.journal().read(|state| state.schemas().map(|(id, document)| (id, document.digest)).collect());
        schemas.sort_by_key(|(id, _)| *id);
        Ok(schemas)
    }

    /// One schema's digest and its exact text.
    ///
    /// # Errors
    /// `NotFound` where no such schema is in force; `Unavailable` where the question cannot be recorded.
    pub async fn schema(&self, caller: &Caller, id: SchemaId) -> Result<(Digest, Arc<str>), Error> {
        let found = self.journal().read(|state| {
            let document = state.document(v1::DocumentKind::Schema, &id.to_string());
            document.map(|document| (document.digest, Arc::clone(&document.text)))
        });
        let Some(found) = found else {
            let refusal = Error::new(Class::NotFound, "unknown-schema", "no such kind and schema version is in force");
            return Err(self.refuse(caller, v1::Operation::Consultation, refusal).await);
        };
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "schema-read").by(caller)).await?;
        Ok(found)
    }
}
