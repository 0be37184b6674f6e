//! The one way out: what a partner sees of a record, decided at this moment and built from the clause's list. No other code turns
//! a record into something that a partner sees.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use causeway_crypto::{FeedKey, InternalPseudonym};
use causeway_journal::v1;
use causeway_model::{AgreementId, ItemId, RecordFacts};
use causeway_schema::{Classified, Schema};
use causeway_store::OpenedBody;

use crate::governed::Governed;
use crate::page::{Content, PseudonymChange};
use crate::slot::{Live, Slot};
use crate::verdict::{Ground, Through, Withheld};
use crate::{Class, Error, Exchange};

/// A record that a live release shows at this moment.
pub(crate) struct Granted<'a> {
    /// The schema that it is shown by.
    pub(crate) schema: Arc<Schema>,
    pub(crate) facts: RecordFacts,
    pub(crate) through: Through<'a>,
    /// How many persons have to share what it shows.
    least: u64,
    classified: Classified,
}

impl Granted<'_> {
    /// What pseudonyms are bound to: nothing where the clause links a person's records, else the item alone.
    fn bound_to<'i>(&self, item: &'i ItemId) -> Option<&'i ItemId> {
        (!self.through.clause.links(&self.facts)).then_some(item)
    }

    /// The document of the listed fields, with what `pseudonym` makes of each identifier that is shown.
    fn document(&self, pseudonym: &dyn Fn(&InternalPseudonym) -> String) -> Vec<u8> {
        let child = self.facts.child;
        let form = |number| self.through.form(child, self.schema.fields().by_number(number)?);
        self.schema.project(&self.classified, &form, &|internal| pseudonym(&InternalPseudonym(*internal)))
    }
}

impl Exchange {
    /// What this partner sees of a record in a position, and how many persons have to share it; nothing where it may not leave now.
    ///
    /// # Errors
    /// `Corrupt` where the gateway has no key for the position's epoch: nothing is shown under another one.
    pub(crate) fn serve(
        &self,
        ground: &Ground<'_>,
        slot: &Slot,
        body: &OpenedBody,
    ) -> Result<Option<(Content, u64)>, Error> {
        let Some(live) = &slot.live else { return Ok(None) };
        let Ok(granted) = self.granted(ground, live, body)? else { return Ok(None) };
        let id = &ground.agreement.id;
        let key = self.feed_key(id, slot.epoch)?;
        let bound = granted.bound_to(&slot.item_id);
        // Where the earlier key is lost, the partner goes on without the earlier pseudonyms.
        let before = slot.epoch_before.and_then(|epoch| self.keys().ring().feed_key(id, epoch));
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
        let content = Content::Released {
            schema: granted.schema.id(),
            document,
            clause: format!("{id}/{}", granted.through.clause.id),
            replaces: slot.target,
            changes: changes.into_inner(),
            onward_transfer: live.agreement.onward_transfer.as_str().to_owned(),
        };
        Ok(Some((content, granted.least)))
    }

    /// Whether this partner is shown this pseudonym in a position now.
    ///
    /// # Errors
    /// As [`Exchange::serve`].
    pub(crate) fn shows(
        &self,
        ground: &Ground<'_>,
        slot: &Slot,
        body: &OpenedBody,
        sought: &str,
    ) -> Result<bool, Error> {
        let Some(live) = &slot.live else { return Ok(false) };
        let Ok(granted) = self.granted(ground, live, body)? else { return Ok(false) };
        let key = self.feed_key(&ground.agreement.id, slot.epoch)?;
        let bound = granted.bound_to(&slot.item_id);
        let found = Cell::new(false);
        granted.document(&|internal| {
            let shown = key.pseudonym(internal, bound);
            found.set(found.get() | (shown == sought));
            shown
        });
        Ok(found.get())
    }

    /// A record as a live release shows it at this moment, or why it does not.
    ///
    /// # Errors
    /// `Corrupt` where the body cannot be read.
    pub(crate) fn granted<'a>(
        &self,
        ground: &Ground<'_>,
        live: &'a Live,
        body: &OpenedBody,
    ) -> Result<Result<Granted<'a>, Withheld>, Error> {
        let (newest, classified) = self.classified(&body.body)?;
        let facts = newest.facts(&classified);
        // A feed holds records of the agency that grants, as apply sees to.
        let (through, least) = match ground.verdict(&ground.agreement.granting, &facts, live, &newest) {
            Ok(granted) => granted,
            Err(withheld) => return Ok(Err(withheld)),
        };
        let schema = newest_of(self.governed_at(live.released)?.as_ref(), &body.body)?;
        Ok(Ok(Granted { schema, facts, through, least, classified }))
    }

    /// A stored body's classified half, with the schema in force that reads it: the newest of its major version, so that every record
    /// of a kind is decided on in one shape, whichever version it was submitted in.
    pub(crate) fn classified(&self, body: &v1::Body) -> Result<(Arc<Schema>, Classified), Error> {
        let schema = newest_of(self.governed().as_ref(), body)?;
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

/// The newest schema of a body's major version.
fn newest_of(governed: &Governed, body: &v1::Body) -> Result<Arc<Schema>, Error> {
    let id = body.schema.parse().map_err(Error::corrupt)?;
    let schema = governed.schemas.newest_for(id).cloned();
    schema.ok_or_else(|| Error::internal("a stored record's schema was not in force"))
}
