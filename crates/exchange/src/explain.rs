//! Explain: whether a partner is shown a record, through which clause and in what form, or what stopped it. It asks the code that serves.

use std::sync::Arc;

use causeway_agreement::{Agreement, Clause, Decision, DenyReason, Standing, excluded_by};
use causeway_journal::{Erasure, RecordState, State, v1};
use causeway_model::{
    AgencyId, AgreementId, FieldPath, FieldSpec, LeafIndex, Position, RecordFacts, RecordId, Timestamp,
};
use causeway_schema::{Projected, Schema};

use crate::draft::Said;
use crate::erase::named;
use crate::query::permitted;
use crate::slot::{Slot, shown};
use crate::standing::standing;
use crate::submit::leaf_of;
use crate::verdict::{Ground, Through, Withheld};
use crate::{Caller, Class, Error, Exchange};

/// Days after which any release period is over.
const LONGEST_PERIOD_DAYS: u64 = 7;

/// Seconds of a day (UTC).
const DAY_SECONDS: u64 = 86_400;

/// Which decisions to explain.
#[derive(Debug, Clone)]
pub struct ExplainQuestion {
    /// The record.
    pub record_id: RecordId,
    /// Under which agreements.
    pub under: Under,
    /// One field; none for all that leave.
    pub field: Option<FieldPath>,
}

/// Under which agreements a decision is explained.
#[derive(Debug, Clone)]
pub enum Under {
    /// This one.
    Agreement(AgreementId),
    /// Each one with this partner.
    Partner(AgencyId),
}

/// Whether a record is shown under an agreement, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The agreement.
    pub agreement: AgreementId,
    /// Its version in force.
    pub agreement_version: u32,
    /// The position whose content the partner's next pull of it would hold; none where there is none.
    pub shown: Option<Position>,
    /// Whether the version in force grants it at this moment.
    pub granted: bool,
    /// The clause, in full: where it is shown, the one that it was released under, else the one that grants, or the exclusion that covers
    /// it.
    pub clause: Option<String>,
    /// Why, as a stable code.
    pub reason: &'static str,
    /// When the release period ends that it waits for.
    pub released_after: Option<Timestamp>,
    /// The fields that leave, or the one that was asked for.
    pub fields: Vec<ExplainedField>,
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedField {
    /// Its path.
    pub path: FieldPath,
    /// In what form it leaves; none where it does not.
    pub form: Option<String>,
    /// Why, as a stable code.
    pub reason: &'static str,
}

/// Who asks: an owner is told of its own records, and of agreements of its own, and of nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Owner,
    Auditor,
}

/// The record and its place in one feed, as the state tells them.
struct Found {
    agreement: Arc<Agreement>,
    standing: Standing,
    owner: AgencyId,
    /// The entry with the current version's body.
    made: LeafIndex,
    /// What keeps it from every feed.
    kept_back: Option<&'static str>,
    slot: Option<Slot>,
}

/// A record that no state gate keeps back, as it reads now.
struct Look<'a> {
    ground: Ground<'a>,
    field: Option<&'a FieldPath>,
    facts: &'a RecordFacts,
    schema: &'a Schema,
}

impl Exchange {
    /// Explains decisions about a record of the caller's agency, under agreements that it made.
    ///
    /// # Errors
    /// `NotFound` for a record that this agency does not own, and for an agreement or partner that is none of its; `Invalid` for a field
    /// that the record's kind has not; `Unavailable`; `Corrupt`.
    pub async fn explain(&self, caller: &Caller, question: ExplainQuestion) -> Result<Vec<Explanation>, Error> {
        self.explained(caller, question, Asker::Owner).await
    }

    /// Explains decisions about any record to the operator's auditors without limits.
    ///
    /// # Errors
    /// `Denied` for another agency's auditors, for those with limits, and for a purpose for which the law lets no log be used; otherwise as
    /// [`Exchange::explain`].
    pub async fn explain_to_auditor(
        &self,
        caller: &Caller,
        question: ExplainQuestion,
    ) -> Result<Vec<Explanation>, Error> {
        self.explained(caller, question, Asker::Auditor).await
    }

    async fn explained(
        &self,
        caller: &Caller,
        question: ExplainQuestion,
        asker: Asker,
    ) -> Result<Vec<Explanation>, Error> {
        let ExplainQuestion { record_id, under, field } = &question;
        let checked = self.may_audit(caller, asker).and_then(|()| self.explainable(caller, &question, asker));
        let agreements = match checked {
            Ok(agreements) => agreements,
            Err(refusal) => {
                let records = [*record_id];
                return Err(self.refuse_protection(caller, v1::Operation::Consultation, &records, refusal).await);
            }
        };
        let mut draft = Said::allowed(v1::Operation::Consultation, "explained").by(caller);
        draft.entry.records = named(&[*record_id]);
        draft.entry.recipient = Some(recipient(under));
        draft.entry.count = agreements.len() as u64;
        self.record_or_refuse(caller, draft).await?;
        let mut explanations = Vec::with_capacity(agreements.len());
        for id in agreements {
            explanations.push(self.explain_one(&id, record_id, field.as_ref()).await?);
        }
        Ok(explanations)
    }

    fn may_audit(&self, caller: &Caller, asker: Asker) -> Result<(), Error> {
        if asker == Asker::Owner {
            return Ok(());
        }
        let message =
            "decisions are explained to the operator's auditors that no limit is set for, and to the owners of records";
        self.unrestricted(caller, "operator-auditors-only", message)?;
        permitted(caller)
    }

    /// The agreements that are asked about, where the caller may ask.
    fn explainable(
        &self,
        caller: &Caller,
        question: &ExplainQuestion,
        asker: Asker,
    ) -> Result<Vec<AgreementId>, Error> {
        let own = |agency: &AgencyId| asker == Asker::Auditor || *agency == caller.system.agency;
        let (schema, agreements) = self.journal().read(|state| {
            let record = state.record(&question.record_id).filter(|record| own(record.owner));
            let schema = record.ok_or_else(Error::unknown_record)?.schema;
            let named = |one: &&Arc<Agreement>| match &question.under {
                Under::Agreement(id) => one.id == *id,
                Under::Partner(agency) => one.recipient == *agency,
            };
            let agreements = state.agreements().filter(|one| own(&one.granting)).filter(named);
            let agreements: Vec<_> = agreements.map(|one| one.id.clone()).collect();
            if agreements.is_empty() { Err(unknown_agreement()) } else { Ok((schema, agreements)) }
        })?;
        let Some(field) = &question.field else { return Ok(agreements) };
        let governed = self.governed();
        let schema = governed.schemas.newest_for(schema);
        if schema.is_some_and(|schema| schema.fields().by_path(field).is_some()) {
            return Ok(agreements);
        }
        Err(Error::invalid("unknown-field", "the record's kind has no such field; its schema lists those that it has"))
    }

    async fn explain_one(
        &self,
        id: &AgreementId,
        record: &RecordId,
        field: Option<&FieldPath>,
    ) -> Result<Explanation, Error> {
        let found = self.journal().read(|state| found(state, id, record)).ok_or_else(unknown_agreement)?;
        let ground = Ground { agreement: &found.agreement, standing: found.standing, now: self.now() };
        if let Some(reason) = found.kept_back {
            return Ok(denied(&ground, reason, field));
        }
        let body = self.bodies_of(&[(*record, found.made)]).await?.into_iter().next().flatten();
        let Some(body) = body else { return Ok(denied(&ground, "erased", field)) };
        let (schema, classified) = self.classified(&body.body)?;
        let facts = schema.facts(&classified);
        let look = Look { ground, field, facts: &facts, schema: &schema };
        let Some((slot, live)) = found.slot.as_ref().and_then(|slot| Some((slot, slot.live.as_ref()?))) else {
            let recorded = match ground.decide(&found.owner, &facts) {
                Decision::Grant(_) => self.time_of(found.made).await?,
                Decision::Deny(_) => Timestamp(0),
            };
            return Ok(look.not_released(&found.owner, recorded));
        };
        Ok(match self.granted(&ground, live, &body)? {
            Ok(granted) => look.shown(slot.position, &granted.through, &granted.schema),
            Err(withheld) => look.withheld(&found.owner, withheld),
        })
    }
}

impl Look<'_> {
    fn shown(&self, position: Position, through: &Through<'_>, schema: &Schema) -> Explanation {
        let shown = Look { schema, ..*self };
        Explanation { shown: Some(position), ..shown.granted(through, "released") }
    }

    /// A release that is live, and still not shown.
    fn withheld(&self, owner: &AgencyId, withheld: Withheld) -> Explanation {
        let reason = match withheld {
            Withheld::Denied(reason) => return self.denied(reason),
            Withheld::Superseded => "awaits-evaluation",
            Withheld::SmallCell => "held-minimum-cell",
        };
        match self.ground.decide(owner, self.facts) {
            Decision::Grant(clause) => self.granted(&as_stated(clause), reason),
            Decision::Deny(reason) => self.denied(reason),
        }
    }

    /// What is in the feed at no position: not granted, or waiting for its release.
    fn not_released(&self, owner: &AgencyId, recorded: Timestamp) -> Explanation {
        let clause = match self.ground.decide(owner, self.facts) {
            Decision::Grant(clause) => clause,
            Decision::Deny(reason) => return self.denied(reason),
        };
        let is_over = clause.release.is_over(recorded, self.ground.now);
        let reason = if is_over && clause.minimum_cell > 1 { "held-minimum-cell" } else { "awaits-release" };
        let released_after = if is_over { None } else { end_of_period(clause, recorded) };
        Explanation { released_after, ..self.granted(&as_stated(clause), reason) }
    }

    /// Not granted; where an exclusion covers the record, that is named.
    fn denied(&self, reason: DenyReason) -> Explanation {
        let agreement = self.ground.agreement;
        let exclusion = if reason == DenyReason::Excluded { excluded_by(agreement, self.facts) } else { None };
        let clause = exclusion.map(|exclusion| format!("{}/{exclusion}", agreement.id));
        Explanation { clause, ..denied(&self.ground, reason.as_str(), self.field) }
    }

    fn granted(&self, through: &Through<'_>, reason: &'static str) -> Explanation {
        let agreement = self.ground.agreement;
        let explain = |spec| explained_field(through, self.facts.child, spec);
        let fields = match self.field {
            Some(field) => match self.schema.fields().by_path(field) {
                Some(spec) => vec![explain(spec)],
                None => vec![ExplainedField { path: field.clone(), form: None, reason: "no-such-field" }],
            },
            None => self.schema.fields().iter().map(explain).filter(|field| field.form.is_some()).collect(),
        };
        Explanation {
            agreement: agreement.id.clone(),
            agreement_version: agreement.version,
            shown: None,
            granted: true,
            clause: Some(format!("{}/{}", agreement.id, through.clause.id)),
            reason,
            released_after: None,
            fields,
        }
    }
}

/// A clause without any batch that makes its fields coarser.
fn as_stated(clause: &Clause) -> Through<'_> {
    Through { clause, recoding: &[] }
}

/// Not granted, for this reason: nothing of the record leaves.
fn denied(ground: &Ground<'_>, reason: &'static str, field: Option<&FieldPath>) -> Explanation {
    let not_granted =
        |path: &FieldPath| ExplainedField { path: path.clone(), form: None, reason: "record-not-granted" };
    Explanation {
        agreement: ground.agreement.id.clone(),
        agreement_version: ground.agreement.version,
        shown: None,
        granted: false,
        clause: None,
        reason,
        released_after: None,
        fields: field.map(not_granted).into_iter().collect(),
    }
}

fn explained_field(through: &Through<'_>, child: bool, spec: &FieldSpec) -> ExplainedField {
    let form = through.form(child, spec).map(|form| match form {
        Projected::AsIs => "exact".to_owned(),
        Projected::Step(step) => step.to_string(),
        Projected::Pseudonym => "pseudonym".to_owned(),
    });
    let (of_adult, of_child) = (through.clause.form_for(false, &spec.path), through.clause.form_for(true, &spec.path));
    let reason = if child && of_adult != of_child {
        "child-profile"
    } else if through.recoded(&spec.path).is_some() && (if child { of_child } else { of_adult }).is_some() {
        "recoded-for-minimum-cell"
    } else if form.is_some() {
        "listed"
    } else {
        "not-listed"
    };
    ExplainedField { path: spec.path.clone(), form, reason }
}

fn found(state: &State, id: &AgreementId, record: &RecordId) -> Option<Found> {
    let agreement = Arc::clone(state.agreement(id)?);
    let known = state.record(record)?;
    Some(Found {
        standing: standing(state, &agreement),
        owner: known.owner.clone(),
        made: leaf_of(known, known.current)?,
        kept_back: kept_back(known),
        slot: shown(state, &agreement, record),
        agreement,
    })
}

/// What keeps a record from every feed.
fn kept_back(record: RecordState<'_>) -> Option<&'static str> {
    match record {
        RecordState { erasure: Erasure::Ordered(_) | Erasure::Complete(_), .. } => Some("erased"),
        RecordState { withdrawn: true, .. } => Some("withdrawn"),
        RecordState { at_risk: Some(_), .. } => Some("victim-at-risk"),
        RecordState { restricted: true, .. } => Some("restricted"),
        _ => None,
    }
}

/// The first midnight (UTC) at which the period of a moment is over.
fn end_of_period(clause: &Clause, recorded: Timestamp) -> Option<Timestamp> {
    let day = recorded.date().start();
    let mut midnights = (1..=LONGEST_PERIOD_DAYS).map(|days| day.plus_seconds(days * DAY_SECONDS));
    midnights.find(|midnight| clause.release.is_over(recorded, *midnight))
}

fn recipient(under: &Under) -> v1::Recipient {
    match under {
        Under::Partner(agency) => v1::Recipient { agency: agency.to_string(), ..v1::Recipient::default() },
        Under::Agreement(id) => v1::Recipient { agreement: id.to_string(), ..v1::Recipient::default() },
    }
}

/// An agreement that is not there, or none of the asker's.
fn unknown_agreement() -> Error {
    Error::new(Class::NotFound, "unknown-agreement", "there is no such agreement of this agency, nor with that partner")
}
