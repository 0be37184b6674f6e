//! The one way out: what a partner sees of a record, decided at this moment and built from the clause's list. No other code turns
//! a record into something that a partner sees.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use causeway_agreement::{Agreement, Clause, Decision, Form, Standing, decide};
use causeway_crypto::{FeedKey, InternalPseudonym};
use causeway_journal::v1;
use causeway_model::{AgreementId, FieldNumber, ItemId, RecordFacts};
use causeway_schema::{Classified, Projected, Schema};
use causeway_store::OpenedBody;

use crate::page::{Content, PseudonymChange};
use crate::slot::Slot;
use crate::{Class, Error, Exchange};

/// A record that a clause grants at this moment.
struct Granted<'a> {
    schema: Arc<Schema>,
    classified: Classified,
    facts: RecordFacts,
    clause: &'a Clause,
}

impl Granted<'_> {
    /// What pseudonyms are bound to: nothing where the clause links a person's records, else the item alone.
    fn bound_to<'i>(&self, item: &'i ItemId) -> Option<&'i ItemId> {
        let linkable = self.clause.link_persons && !self.facts.anonymous;
        (!linkable).then_some(item)
    }

    /// The document of the listed fields, with what `pseudonym` makes of each identifier that is shown.
    fn document(&self, pseudonym: &dyn Fn(&InternalPseudonym) -> String) -> Vec<u8> {
        let forms = |number| clause_form(self.clause, &self.schema, number);
        self.schema.project(&self.classified, &forms, &|internal| pseudonym(&InternalPseudonym(*internal)))
    }
}

impl Exchange {
    /// What this partner sees of a record in a position; nothing where no clause grants it now.
    ///
    /// # Errors
    /// `Corrupt` where the gateway has no key for the position's epoch: nothing is shown under another one.
    pub(crate) fn serve(
        &self,
        agreement: &Agreement,
        slot: &Slot,
        body: &OpenedBody,
    ) -> Result<Option<Content>, Error> {
        let Some(granted) = self.granted(agreement, body)? else { return Ok(None) };
        let key = self.feed_key(&agreement.id, slot.epoch)?;
        let bound = granted.bound_to(&slot.item_id);
        // Where the earlier key is lost, the partner goes on without the earlier pseudonyms.
        let before = slot.epoch_before.and_then(|epoch| self.keys().ring().feed_key(&agreement.id, epoch));
        let before = before.zip(slot.target);
        let changes = RefCell::new(Vec::new());
        let document = granted.document(&|internal| {
            let current = key.pseudonym(internal, bound);
            if let Some((earlier_key, earlier_item)) = &before {
                let previous = earlier_key.pseudonym(internal, granted.bound_to(earlier_item));
                let change = PseudonymChange { previous, current: current.clone() };
                let mut changes = changes.borrow_mut();
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
            current
        });
        Ok(Some(Content::Released {
            schema: granted.schema.id(),
            document,
            clause: format!("{}/{}", agreement.id, granted.clause.id),
            replaces: slot.target,
            changes: changes.into_inner(),
            onward_transfer: agreement.onward_transfer.as_str().to_owned(),
        }))
    }

    /// Whether this partner is shown this pseudonym in a position now.
    ///
    /// # Errors
    /// As [`Exchange::serve`].
    pub(crate) fn shows(
        &self,
        agreement: &Agreement,
        slot: &Slot,
        body: &OpenedBody,
        sought: &str,
    ) -> Result<bool, Error> {
        let Some(granted) = self.granted(agreement, body)? else { return Ok(false) };
        let key = self.feed_key(&agreement.id, slot.epoch)?;
        let bound = granted.bound_to(&slot.item_id);
        let found = Cell::new(false);
        granted.document(&|internal| {
            let shown = key.pseudonym(internal, bound);
            found.set(found.get() | (shown == sought));
            shown
        });
        Ok(found.get())
    }

    /// What is decided about a record, where a clause grants it to this partner at this moment; nothing where none does.
    ///
    /// # Errors
    /// `Corrupt` where the body cannot be read.
    pub(crate) fn granted_facts(&self, agreement: &Agreement, body: &OpenedBody) -> Result<Option<RecordFacts>, Error> {
        Ok(self.granted(agreement, body)?.map(|granted| granted.facts))
    }

    fn granted<'a>(&self, agreement: &'a Agreement, body: &OpenedBody) -> Result<Option<Granted<'a>>, Error> {
        let (schema, classified) = self.classified(&body.body)?;
        let facts = schema.facts(&classified);
        match decide(agreement, Standing::InForce, &agreement.granting, &facts, self.now()) {
            Decision::Grant(clause) => Ok(Some(Granted { schema, classified, facts, clause })),
            Decision::Deny(_) => Ok(None),
        }
    }

    /// A stored body's classified half, with the schema that reads it: the newest of its major version, so that a partner
    /// sees every record of a kind in one shape, whichever version it was submitted in.
    pub(crate) fn classified(&self, body: &v1::Body) -> Result<(Arc<Schema>, Classified), Error> {
        let id = body.schema.parse().map_err(Error::corrupt)?;
        let schema = self.governed().schemas.newest_for(id).cloned();
        let schema = schema.ok_or_else(|| Error::internal("a stored record's schema is not in force"))?;
        Ok((schema, Classified::decode(&body.classified).map_err(Error::corrupt)?))
    }

    /// The key that an epoch of a feed is shown under. A ring that lacks it is not this journal's, or an older copy.
    fn feed_key(&self, feed: &AgreementId, epoch: u32) -> Result<FeedKey, Error> {
        self.keys().ring().feed_key(feed, epoch).ok_or_else(|| {
            tracing::error!(
                %feed,
                epoch,
                "the key ring has no secret for this epoch of the feed, so nothing of it is shown: restore the newest ring, or \
                 rotate the feed's key as after a compromise"
            );
            let message = "the gateway lacks a key of this feed; the operator has been told";
            Error::new(Class::Corrupt, "feed-key-missing", message)
        })
    }
}

/// In what form a clause lets a field leave; none where it does not list it.
fn clause_form(clause: &Clause, schema: &Schema, number: FieldNumber) -> Option<Projected> {
    let spec = schema.fields().by_number(number)?;
    match clause.form_for(false, &spec.path)?.on(spec.ladder)? {
        Form::AsIs => Some(Projected::AsIs),
        Form::Step(step) => Some(Projected::Step(step)),
        Form::Pseudonym => Some(Projected::Pseudonym),
        // Made definite by the ladder.
        Form::Coarsest => None,
    }
}
