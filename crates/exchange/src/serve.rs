//! The one way out: what a partner sees of a record, decided at this moment and built from the clause's list. No other code turns
//! a record into something that a partner sees.

mod lately;
mod looked_up;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use causeway_crypto::{FeedKey, InternalPseudonym};
use causeway_journal::v1;
use causeway_model::{AgreementId, FieldNumber, ItemId, RecordFacts};
use causeway_schema::{Cells, Classified, Projected, Schema};
use causeway_store::{ClassifiedHalf, OpenedBody};
pub(crate) use lately::{Basis, Before, Lately, Shown, is_near};
use looked_up::Forms;
pub(crate) use looked_up::{Borrowed, LookedUp, Shelf};

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
    /// What its facts were read by.
    newest: Arc<Schema>,
    cells: Cells<'a>,
}

/// What a partner sees of a record.
pub(crate) struct Served {
    pub(crate) content: Content,
    /// How many persons have to share it.
    pub(crate) least: u64,
    pub(crate) made_by: MadeBy,
}

/// What it was decided and made by, beside the body and the position.
#[derive(Debug)]
pub(crate) struct MadeBy {
    newest: Arc<Schema>,
    facts: RecordFacts,
    forms: Arc<Forms>,
}

impl Granted<'_> {
    /// What pseudonyms are bound to: nothing where the clause links a person's records, else the item alone.
    fn bound_to<'i>(&self, item: &'i ItemId) -> Option<&'i ItemId> {
        (!self.through.clause.links(&self.facts)).then_some(item)
    }

    /// In what form a field leaves; none where it does not.
    fn form(&self, number: FieldNumber) -> Option<Projected> {
        self.through.form(self.facts.child, self.schema.fields().by_number(number)?)
    }

    /// The document of the fields that have a form, with what `pseudonym` makes of each identifier that is shown.
    fn document(
        &self,
        form: &dyn Fn(FieldNumber) -> Option<Projected>,
        pseudonym: &dyn Fn(&InternalPseudonym) -> String,
    ) -> Vec<u8> {
        self.schema.project_of(&self.cells, form, &|internal| pseudonym(&InternalPseudonym(*internal)))
    }
}

impl Exchange {
    /// What this partner sees of a record in a position; nothing where it may not leave now. `looked_up` is that of the page.
    ///
    /// # Errors
    /// `Corrupt` where the gateway has no key for the position's epoch: nothing is shown under another one.
    pub(crate) fn serve(
        &self,
        ground: &Ground<'_>,
        slot: &Slot,
        half: &ClassifiedHalf,
        looked_up: &mut LookedUp,
    ) -> Result<Option<Served>, Error> {
        let Some(live) = &slot.live else { return Ok(None) };
        let Ok(granted) = self.granted_by(ground, live, half.schema(), half.classified(), looked_up)? else {
            return Ok(None);
        };
        let id = &ground.agreement.id;
        let find = |epoch| self.keys().ring().feed_key(id, epoch);
        let key = self.key_of(ground, slot, looked_up)?;
        let bound = granted.bound_to(&slot.item_id);
        // Where the earlier key is lost, the partner goes on without the earlier pseudonyms.
        let before = slot.epoch_before.and_then(|epoch| looked_up.key(epoch, || find(epoch)));
        let before = before.zip(slot.target);
        let forms = looked_up.forms(live, &granted.through, &granted.schema, granted.facts.child);
        let changes = RefCell::new(Vec::new());
        let document = granted.document(&|number| forms.of(number), &|internal| {
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
        let Granted { least, newest, facts, .. } = granted;
        Ok(Some(Served { content, least, made_by: MadeBy { newest, facts, forms } }))
    }

    /// The key that a position's pseudonyms are under.
    fn key_of(&self, ground: &Ground<'_>, slot: &Slot, looked_up: &mut LookedUp) -> Result<Arc<FeedKey>, Error> {
        let id = &ground.agreement.id;
        let key = looked_up.key(slot.epoch, || self.keys().ring().feed_key(id, slot.epoch));
        key.ok_or_else(|| key_missing(id, slot.epoch))
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
        let id = &ground.agreement.id;
        let key = self.keys().ring().feed_key(id, slot.epoch).ok_or_else(|| key_missing(id, slot.epoch))?;
        let bound = granted.bound_to(&slot.item_id);
        let found = Cell::new(false);
        granted.document(&|number| granted.form(number), &|internal| {
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
        body: &'a OpenedBody,
    ) -> Result<Result<Granted<'a>, Withheld>, Error> {
        self.granted_by(ground, live, &body.body.schema, &body.body.classified, &mut LookedUp::default())
    }

    fn granted_by<'a>(
        &self,
        ground: &Ground<'_>,
        live: &'a Live,
        named: &str,
        classified: &'a [u8],
        looked_up: &mut LookedUp,
    ) -> Result<Result<Granted<'a>, Withheld>, Error> {
        let cells = Cells::read(classified).map_err(Error::corrupt)?;
        let now = looked_up.now(|| self.governed());
        let newest = looked_up.schema(&now, named)?;
        let facts = newest.facts_of(&cells);
        // A feed holds records of the agency that grants, as apply sees to.
        let (through, least) = match ground.verdict(&ground.agreement.granting, &facts, live, &newest) {
            Ok(granted) => granted,
            Err(withheld) => return Ok(Err(withheld)),
        };
        let schema = looked_up.schema(&self.governed_at(live.released)?, named)?;
        Ok(Ok(Granted { schema, facts, through, least, newest, cells }))
    }

    /// A stored body's classified half, with the schema in force that reads it: the newest of its major version, so that every record
    /// of a kind is decided on in one shape, whichever version it was submitted in.
    pub(crate) fn classified(&self, body: &v1::Body) -> Result<(Arc<Schema>, Classified), Error> {
        classified_by(self.governed().as_ref(), &body.schema, &body.classified)
    }
}

/// A classified half, with the schema that reads it.
pub(crate) fn classified_by(
    governed: &Governed,
    named: &str,
    classified: &[u8],
) -> Result<(Arc<Schema>, Classified), Error> {
    Ok((newest_of(governed, named)?, Classified::decode(classified).map_err(Error::corrupt)?))
}

/// The refusal where the ring lacks the key that an epoch of a feed is shown under. It is not this journal's then, or an older copy.
fn key_missing(feed: &AgreementId, epoch: u32) -> Error {
    tracing::error!(
        %feed,
        epoch,
        "the key ring has no secret for this epoch of the feed, so nothing of it is shown: restore the newest ring, or \
         rotate the feed's key as after a compromise"
    );
    let message = "the gateway lacks a key of this feed; the operator has been told";
    Error::new(Class::Corrupt, "feed-key-missing", message)
}

/// The newest schema of the major version that a body names.
fn newest_of(governed: &Governed, named: &str) -> Result<Arc<Schema>, Error> {
    let id = named.parse().map_err(Error::corrupt)?;
    let schema = governed.schemas.newest_for(id).cloned();
    schema.ok_or_else(|| Error::internal("a stored record's schema was not in force"))
}
