//! Submit: check, split by class, seal, append; the receipt leaves when the entry is durable.

use std::fmt;
use std::sync::Arc;

use causeway_crypto::{SealContext, SealingPublicKey};
use causeway_journal::{Erasure, Outcome, REASON_CORRECTED, v1};
use causeway_model::{Date, LeafIndex, RecordId, RecordVersion, SchemaId, SubmissionId};
use causeway_schema::{Classified, Document, Retention, Schema, Split, Violation};
use causeway_store::{Appending, Draft, DraftBody};
use zeroize::{Zeroize, Zeroizing};

use crate::draft::{Said, entry_id};
use crate::exchange::record_ref;
use crate::receipt::Made;
use crate::{Caller, Class, DailyLimits, Error, Exchange, Receipt, Tallied};

/// Domain of a submission's content MAC, over schema id, corrected record and version, and the document's exact bytes.
const CONTENT_DOMAIN: &str = "causeway/v1/content";

/// One submission: a new record, or a correction of one.
pub struct Submission {
    /// The submitter's own id of it, unique within its agency.
    pub submission_id: SubmissionId,
    /// The kind and schema version that the document is written in.
    pub schema: SchemaId,
    /// The JSON document.
    pub document: Vec<u8>,
    /// For a correction: the record and the version that it replaces.
    pub correction: Option<(RecordId, RecordVersion)>,
    /// How many the day may have; none where nobody limits them.
    pub limits: Option<DailyLimits>,
}

/// The text that was received does not outlast the call.
impl Drop for Submission {
    fn drop(&mut self) {
        self.document.zeroize();
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({}, {} bytes)", self.schema, self.document.len())
    }
}

/// What to do where the journal's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pressure {
    /// Wait: for streams, which flow control then holds back.
    Wait,
    /// Refuse with a delay: for single calls.
    #[default]
    Refuse,
}

/// A submission that has been begun; dropping it does not take it back.
#[derive(Debug)]
pub struct BegunSubmission(Stage);

#[derive(Debug)]
enum Stage {
    /// It was made before, by this entry.
    Earlier(LeafIndex),
    /// Its entry is in the queue.
    Queued(Appending, Made),
    /// The entry of its refusal is.
    Refused(Appending, Error),
}

/// A submission as its entry keeps it, whether it is taken or refused.
pub(crate) struct Attempt {
    pub(crate) pressure: Pressure,
    pub(crate) operation: v1::Operation,
    pub(crate) submission: [u8; 32],
    pub(crate) content: [u8; 32],
    /// The record that it is about, with the version believed to be current; none for a new record.
    pub(crate) record: Option<(RecordId, RecordVersion)>,
}

/// A sealed body, and the encapsulated key that it refers to.
type Sealed = (v1::SealedBody, Arc<[u8]>);

impl Exchange {
    /// Accepts one record or correction. Under the same submission id and content it gives the same receipt again.
    ///
    /// # Errors
    /// `Invalid` with every violation; `Conflict` where the submission id was used for other content or the expected version
    /// has moved; `NotFound` for a correction of a record that this agency does not own; `Busy` also where the day's records were
    /// accepted by other nodes meanwhile; `TooLarge`, `Unavailable`.
    pub async fn submit(&self, caller: &Caller, submission: Submission, pressure: Pressure) -> Result<Receipt, Error> {
        // Until its receipt: while it waits for one frame, others like it gather for the next.
        let _expected = self.expect(1);
        let begun = self.begin_submission(caller, submission, pressure).await?;
        self.finish_submission(caller, begun).await
    }

    /// The half of [`Exchange::submit`] that waits for no commit: when it returns, what is accepted or refused has its place in the
    /// journal's queue. Whoever has several submissions begins all of them before it finishes one, so that they share commits.
    ///
    /// # Errors
    /// As [`Exchange::submit`], for what leaves no entry of its own.
    pub async fn begin_submission(
        &self,
        caller: &Caller,
        submission: Submission,
        pressure: Pressure,
    ) -> Result<BegunSubmission, Error> {
        let attempt = self.attempt(caller, &submission, pressure);
        if let Some(earlier) = self.begin_earlier(caller, &attempt).await? {
            return Ok(earlier);
        }
        // Known before the record is read and sealed: what is refused for want of room must cost far less than what is accepted.
        if pressure == Pressure::Refuse {
            self.room_or_refuse(caller)?;
        }
        let (schema, document) = self.parse(caller, submission.schema, &submission.document)?;
        let violations = schema.validate(&document, self.now().date());
        if !violations.is_empty() {
            drop(document);
            return self.begin_refusal(caller, &attempt, Error::violations(violations)).await;
        }
        let expected = match submission.correction {
            None => None,
            Some((record, version)) => match self.correctable(caller, &record, version) {
                Ok(()) => Some((record, version)),
                Err(refusal) => return self.begin_refusal(caller, &attempt, refusal).await,
            },
        };
        let draft = self.draft_of(caller, &submission, &attempt, &schema, &document, expected)?;
        // A tree of values is many times its text, and what was received is in the draft now: neither waits for the commit.
        drop(document);
        drop(submission);
        let made = Made::of(&draft.entry)?;
        let appending = self.enqueue_under(pressure, caller, draft).await?;
        Ok(BegunSubmission(Stage::Queued(appending, made)))
    }

    /// The other half: the receipt or the refusal, once its entry is durable.
    ///
    /// # Errors
    /// As [`Exchange::submit`].
    pub async fn finish_submission(&self, caller: &Caller, begun: BegunSubmission) -> Result<Receipt, Error> {
        match begun.0 {
            Stage::Earlier(leaf) => self.receipt_at(leaf).await,
            Stage::Queued(appending, made) => {
                let committed = self.appended(caller, appending).await?;
                self.receipt_for(made, committed).await
            }
            Stage::Refused(appending, refusal) => {
                self.appended(caller, appending).await?;
                Err(refusal)
            }
        }
    }

    /// Every rule that a document breaks; nothing of it is kept, and nobody's submission is made.
    ///
    /// # Errors
    /// `Invalid` where it is not a document at all, or its schema is not in force; `TooLarge`; `Unavailable`.
    pub async fn validate(
        &self,
        caller: &Caller,
        schema: SchemaId,
        document: Vec<u8>,
    ) -> Result<Vec<Violation>, Error> {
        let document = Zeroizing::new(document);
        let (schema, document) = self.parse(caller, schema, &document)?;
        self.record_or_refuse(caller, Said::allowed(v1::Operation::Consultation, "validated").by(caller)).await?;
        Ok(schema.validate(&document, self.now().date()))
    }

    fn attempt(&self, caller: &Caller, submission: &Submission, pressure: Pressure) -> Attempt {
        let (record, version) = submission.correction.map_or(([0; 16], 0), |(id, version)| (*id.as_bytes(), version.0));
        let schema = submission.schema.to_string();
        let parts: [&[u8]; 4] = [schema.as_bytes(), &record, &version.to_be_bytes(), &submission.document];
        Attempt {
            pressure,
            operation: if submission.correction.is_some() {
                v1::Operation::Alteration
            } else {
                v1::Operation::Collection
            },
            submission: self.submission_mac(caller, &submission.submission_id),
            content: self.keys().ring().content_mac().tag(CONTENT_DOMAIN, &parts),
            record: submission.correction,
        }
    }

    /// The receipt of an earlier submission under this id: the same one where the content is the same, a conflict otherwise.
    pub(crate) async fn earlier(&self, caller: &Caller, attempt: &Attempt) -> Result<Option<Receipt>, Error> {
        match self.begin_earlier(caller, attempt).await? {
            Some(earlier) => self.finish_submission(caller, earlier).await.map(Some),
            None => Ok(None),
        }
    }

    async fn begin_earlier(&self, caller: &Caller, attempt: &Attempt) -> Result<Option<BegunSubmission>, Error> {
        let known = |state: &causeway_journal::State| {
            state.submission(&attempt.submission).map(|known| (known.leaf, known.content_mac == attempt.content))
        };
        match self.journal().read(known) {
            None => Ok(None),
            Some((leaf, true)) => {
                self.tally("", Some(&caller.system), Tallied::Repeated, 1);
                Ok(Some(BegunSubmission(Stage::Earlier(leaf))))
            }
            Some((_, false)) => {
                let refusal = lost_to_another(&Outcome::SubmissionReused);
                self.begin_refusal(caller, attempt, refusal).await.map(Some)
            }
        }
    }

    /// Parses a document as what it says it is. What is not a document is summed up, since anyone can send it at will.
    fn parse<'t>(&self, caller: &Caller, id: SchemaId, bytes: &'t [u8]) -> Result<(Arc<Schema>, Document<'t>), Error> {
        let malformed = |refusal: Error| {
            self.tally("", Some(&caller.system), Tallied::Malformed, 1);
            refusal
        };
        let schema = self.governed().schemas.get(id).cloned().ok_or_else(|| {
            malformed(Error::invalid("unknown-schema", "no such kind and schema version is in force; see ListSchemas"))
        })?;
        match causeway_schema::parse(bytes) {
            Ok(document) => Ok((schema, document)),
            Err(fault) => {
                let reason = fault.reason();
                let class = if reason == "too-large" { Class::TooLarge } else { Class::Invalid };
                Err(malformed(Error::new(class, reason, fault.to_string())))
            }
        }
    }

    /// Whether this agency may correct or withdraw the record at this version.
    pub(crate) fn correctable(&self, caller: &Caller, id: &RecordId, expected: RecordVersion) -> Result<(), Error> {
        self.journal().read(|state| match state.record(id) {
            Some(record) if *record.owner == caller.system.agency => {
                if record.erasure != Erasure::None {
                    Err(Error::record_erased())
                } else if record.withdrawn {
                    Err(lost_to_another(&Outcome::AlreadyWithdrawn))
                } else if record.current == expected {
                    Ok(())
                } else {
                    Err(lost_to_another(&Outcome::VersionMoved))
                }
            }
            _ => Err(Error::unknown_record()),
        })
    }

    /// Records a refusal, and gives it, or why it could not be recorded.
    pub(crate) async fn refuse_submission(
        &self,
        caller: &Caller,
        attempt: &Attempt,
        refusal: Error,
    ) -> Result<Receipt, Error> {
        let begun = self.begin_refusal(caller, attempt, refusal).await?;
        self.finish_submission(caller, begun).await
    }

    async fn begin_refusal(
        &self,
        caller: &Caller,
        attempt: &Attempt,
        refusal: Error,
    ) -> Result<BegunSubmission, Error> {
        let mut draft = Said::denied(attempt.operation, refusal.reason).by(caller);
        // An auditor who asks about a record learns of what was tried on it, too.
        draft.entry.records.extend(attempt.record.map(|(id, expected)| v1::RecordRef {
            record_id: id.as_bytes().to_vec(),
            expected_version: expected.0,
            ..v1::RecordRef::default()
        }));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.count = refusal.violations.len() as u64;
        let appending = self.enqueue_under(attempt.pressure, caller, draft).await?;
        Ok(BegunSubmission(Stage::Refused(appending, refusal)))
    }

    fn draft_of(
        &self,
        caller: &Caller,
        submission: &Submission,
        attempt: &Attempt,
        schema: &Schema,
        document: &Document<'_>,
        expected: Option<(RecordId, RecordVersion)>,
    ) -> Result<Draft, Error> {
        let fresh = || (RecordId::from_bytes(causeway_crypto::random()), RecordVersion(0));
        let (record, expected) = expected.unwrap_or_else(fresh);
        let version = expected.next();
        let owner = &caller.system.agency;
        let pseudonyms = self.keys().ring().pseudonym_key();
        let split = schema.split(document, &|scheme, value| pseudonyms.internal(owner, scheme, value).0);
        let context = SealContext { owner, record_id: record, version, kind: submission.schema.kind };
        let sealed = self.seal(&context, &split)?;
        // DPA 2018 s.62(1) tells collecting a record from altering it.
        let reason = if submission.correction.is_some() { REASON_CORRECTED } else { "accepted" };
        let mut draft = Said::allowed(attempt.operation, reason).by(caller);
        draft.entry.records.push(record_ref(&record, version, expected, submission.schema));
        draft.entry.submission_mac = attempt.submission.to_vec();
        draft.entry.content_mac = attempt.content.to_vec();
        draft.entry.byte_count = submission.document.len() as u64;
        draft.entry.retention = Some(retention_of(schema, &split.classified));
        // A gateway that has its log for itself counts before it accepts.
        draft.entry.daily_limits = submission.limits.filter(|_| self.journal().is_shared()).map(Into::into);
        let (sealed, encapsulation) = sealed.unzip();
        if let Some(body) = &sealed {
            draft.entry.sealing_key_id.clone_from(&body.key_id);
        }
        let body =
            v1::Body { schema: submission.schema.to_string(), classified: split.classified.into_bytes(), sealed };
        draft.body = Some(DraftBody::encrypt(&body, &entry_id(&draft), encapsulation));
        Ok(draft)
    }

    /// Seals what only the owner may read; nothing where the record has nothing to seal.
    fn seal(&self, context: &SealContext<'_>, split: &Split) -> Result<Option<Sealed>, Error> {
        let Some(plaintext) = &split.sealed else { return Ok(None) };
        let window = self.windows().for_record(context.owner, self.now(), || {
            let key =
                self.journal().read(|state| state.agency(context.owner).map(|file| file.sealing_public_key.clone()));
            let key = key.ok_or_else(|| Error::internal("an authenticated agency has no agency file"))?;
            SealingPublicKey::from_bytes(&key).map_err(Error::corrupt)
        })?;
        let sealed = window.seal(context, plaintext.expose());
        Ok(Some((sealed.into(), window.encapsulation())))
    }
}

/// What a record says of retention, for apply to know: it reads no body.
fn retention_of(schema: &Schema, classified: &Classified) -> v1::RetentionDates {
    // Days before 1970 and dates that cannot be read are as none: what is over long before it came is not erased unseen.
    let day = |date: Option<Date>| date.map_or(0, |date| u32::try_from(date.start().day()).unwrap_or(0));
    let Retention { until, review_due } = schema.retention(classified);
    v1::RetentionDates { retain_until_day: day(until), review_due_day: day(review_due) }
}

/// The refusal of an act that apply let lose to what came before it in the log.
pub(crate) fn lost_to_another(outcome: &Outcome) -> Error {
    match outcome {
        Outcome::SubmissionReused => Error::new(
            Class::Conflict,
            "submission-id-reused",
            "this submission id was used for other content; use another id, or send the same content",
        ),
        Outcome::VersionMoved => Error::new(
            Class::Conflict,
            "version-moved",
            "the record has another version than expected; read its newest receipt and decide again",
        ),
        Outcome::AlreadyWithdrawn => {
            Error::new(Class::Conflict, "already-withdrawn", "the record has been withdrawn; it takes no more changes")
        }
        Outcome::NotFound => Error::unknown_record(),
        Outcome::Erased => Error::record_erased(),
        _ => Error::internal("apply gave an outcome that no submission can have"),
    }
}

/// The leaf of a record's version, where there is such a version.
pub(crate) fn leaf_of(record: causeway_journal::RecordState<'_>, version: RecordVersion) -> Option<LeafIndex> {
    let index = usize::try_from(version.0).ok()?.checked_sub(1)?;
    record.versions.get(index).copied()
}
