//! Which entries a question is about: any conjunction of what an entry says, as terms for the index and as the exact comparison
//! with each entry that the index gives, since a hash may stand for two texts.

use std::fmt;
use std::str::FromStr;

use causeway_journal::v1;
use causeway_model::{
    AgencyId, AgreementId, ClauseId, LeafIndex, Malformed, OperatorId, PurposeCode, RecordId, RequestId, SystemName,
    Timestamp,
};
use causeway_store::Term;

/// Which entries: those that satisfy everything that is stated.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Entries that concern this record, the disclosures that covered it included.
    pub record: Option<RecordId>,
    /// What the entries say of themselves.
    pub said: SaidFilter,
    /// Entries of what they did.
    pub acting: Option<Acting>,
    /// Entries about this recipient: disclosures to it, decisions for it.
    pub recipient: Option<AgencyId>,
    /// Entries under this agreement.
    pub under: Option<UnderAgreement>,
    /// Entries of a stretch of the journal.
    pub span: Span,
}

/// What entries say of themselves.
#[derive(Debug, Clone, Default)]
pub struct SaidFilter {
    /// The operation.
    pub operation: Option<v1::Operation>,
    /// The decision.
    pub decision: Option<v1::Decision>,
    /// The reason code.
    pub reason: Option<ReasonCode>,
    /// The purpose.
    pub purpose: Option<PurposeCode>,
    /// What apply made of it: one of [`causeway_journal::Outcome::NAMES`].
    pub outcome: Option<&'static str>,
    /// The request.
    pub request: Option<RequestId>,
}

/// An agency that acted, and which of its systems or persons.
#[derive(Debug, Clone)]
pub struct Acting {
    /// The agency.
    pub agency: AgencyId,
    /// Its system.
    pub system: Option<SystemName>,
    /// The person, as was stated.
    pub operator: Option<OperatorId>,
}

/// An agreement, and what of it.
#[derive(Debug, Clone)]
pub struct UnderAgreement {
    /// The agreement.
    pub agreement: AgreementId,
    /// A clause.
    pub clause: Option<ClauseId>,
    /// A pseudonym of its feed: the entries that concern the record behind it.
    pub pseudonym: Option<Pseudonym>,
}

/// A stretch of the journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// From this leaf on.
    pub from_leaf: LeafIndex,
    /// Before this leaf.
    pub to_leaf: Option<LeafIndex>,
}

/// A reason code in kebab case, at most 64 characters. Which ones there are is for the entries to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCode(Box<str>);

impl FromStr for ReasonCode {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let well_formed = (1..=64).contains(&text.len()) && text.bytes().all(is_code);
        if well_formed { Ok(Self(text.into())) } else { Err(Malformed("reason code")) }
    }
}

/// A pseudonym as somebody sent it; whether it is one is looked at when it is searched for.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonym(Box<str>);

impl Pseudonym {
    /// Longest text that is looked at.
    const MAX_BYTES: usize = 128;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pseudonym {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if (1..=Self::MAX_BYTES).contains(&text.len()) { Ok(Self(text.into())) } else { Err(Malformed("pseudonym")) }
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(..)")
    }
}

impl Filter {
    /// Whether nothing is stated.
    pub(super) fn is_unbounded(&self) -> bool {
        let Self { record, said, acting, recipient, under, span } = self;
        let Span { from, to, from_leaf, to_leaf } = span;
        let whole = from.0 == 0 && to.is_none() && from_leaf.0 == 0 && to_leaf.is_none();
        whole && record.is_none() && said.is_empty() && acting.is_none() && recipient.is_none() && under.is_none()
    }

    /// What the index is asked for; the leaves, times and the record apart.
    pub(super) fn terms(&self) -> Vec<Term> {
        let mut terms = self.said.terms();
        if let Some(Acting { agency, system, operator }) = &self.acting {
            let agency = || agency.to_string();
            if system.is_none() && operator.is_none() {
                terms.push(Term::Agency(agency()));
            }
            terms.extend(system.iter().map(|system| Term::System { agency: agency(), system: system.to_string() }));
            let named = |id: &OperatorId| Term::Operator { agency: agency(), id: id.expose().to_owned() };
            terms.extend(operator.iter().map(named));
        }
        terms.extend(self.recipient.iter().map(|agency| Term::Recipient(agency.to_string())));
        if let Some(UnderAgreement { agreement, clause, pseudonym: _ }) = &self.under {
            let agreement = agreement.to_string();
            terms.push(match clause {
                Some(clause) => Term::Clause { agreement, clause: clause.to_string() },
                None => Term::Agreement(agreement),
            });
        }
        terms
    }

    /// Whether an entry is one of them, as far as it says so itself: record, clause and operator apart.
    pub(super) fn matches(&self, entry: &v1::Entry, outcome: &str) -> bool {
        let recipient = |agency: &AgencyId| entry.recipient.as_ref().is_some_and(|to| to.agency == agency.as_str());
        self.said.matches(entry, outcome)
            && self.acting.as_ref().is_none_or(|acting| acting.matches(entry))
            && self.recipient.as_ref().is_none_or(recipient)
            && self.under.as_ref().is_none_or(|under| under.speaks_of(entry))
            && self.span.covers(Timestamp(entry.time_micros))
    }

    /// The person whose acts are asked for.
    pub(super) fn operator(&self) -> Option<&OperatorId> {
        self.acting.as_ref()?.operator.as_ref()
    }

    /// Everything that is stated, each in its place: what two questions have in common exactly where they are the same one.
    pub(super) fn parts(&self) -> Vec<Vec<u8>> {
        let Self { record, said, acting, recipient, under, span } = self;
        let SaidFilter { operation, decision, reason, purpose, outcome, request } = said;
        let system = acting.as_ref().and_then(|acting| acting.system.as_ref());
        let clause = under.as_ref().and_then(|under| under.clause.as_ref());
        let pseudonym = under.as_ref().and_then(|under| under.pseudonym.as_ref());
        vec![
            part(record.as_ref().map(RecordId::as_bytes)),
            part(operation.map(|operation| i32::from(operation).to_be_bytes())),
            part(decision.map(|decision| i32::from(decision).to_be_bytes())),
            part(reason.as_ref().map(|reason| &*reason.0)),
            part(purpose.map(PurposeCode::as_str)),
            part(*outcome),
            part(request.as_ref().map(RequestId::as_bytes)),
            part(acting.as_ref().map(|acting| acting.agency.as_str())),
            part(system.map(SystemName::as_str)),
            part(self.operator().map(OperatorId::expose)),
            part(recipient.as_ref().map(AgencyId::as_str)),
            part(under.as_ref().map(|under| under.agreement.as_str())),
            part(clause.map(ClauseId::as_str)),
            part(pseudonym.map(Pseudonym::as_str)),
            span.from.0.to_be_bytes().to_vec(),
            part(span.to.map(|to| to.0.to_be_bytes())),
            span.from_leaf.0.to_be_bytes().to_vec(),
            part(span.to_leaf.map(|to| to.0.to_be_bytes())),
        ]
    }
}

/// What is stated is told from what is not, even where it is empty.
fn part(stated: Option<impl AsRef<[u8]>>) -> Vec<u8> {
    stated.map(|bytes| [&[1], bytes.as_ref()].concat()).unwrap_or_default()
}

impl SaidFilter {
    fn is_empty(&self) -> bool {
        let Self { operation, decision, reason, purpose, outcome, request } = self;
        operation.is_none()
            && decision.is_none()
            && reason.is_none()
            && purpose.is_none()
            && outcome.is_none()
            && request.is_none()
    }

    fn terms(&self) -> Vec<Term> {
        let Self { operation, decision, reason, purpose, outcome, request } = self;
        let terms = [
            operation.map(Term::Operation),
            decision.map(Term::Decision),
            reason.as_ref().map(|reason| Term::Reason(reason.0.to_string())),
            purpose.map(|purpose| Term::Purpose(purpose.to_string())),
            outcome.map(|outcome| Term::Outcome(outcome.to_owned())),
            request.map(|request| Term::RequestId(*request.as_bytes())),
        ];
        terms.into_iter().flatten().collect()
    }

    fn matches(&self, entry: &v1::Entry, outcome: &str) -> bool {
        self.operation.is_none_or(|operation| operation == entry.operation())
            && self.decision.is_none_or(|decision| decision == entry.decision())
            && self.reason.as_ref().is_none_or(|reason| *reason.0 == *entry.reason)
            && self.purpose.is_none_or(|purpose| purpose.as_str() == entry.purpose_code)
            && self.outcome.is_none_or(|wanted| wanted == outcome)
            && self.request.is_none_or(|request| request.as_bytes()[..] == entry.request_id)
    }
}

impl Acting {
    fn matches(&self, entry: &v1::Entry) -> bool {
        entry.actor.as_ref().is_some_and(|actor| {
            actor.agency == self.agency.as_str()
                && self.system.as_ref().is_none_or(|system| actor.system == system.as_str())
        })
    }
}

impl UnderAgreement {
    /// Whether an entry rests on a clause, as far as it says so itself: a decision by its recipient, releases by one of them.
    pub(super) fn rests_on(&self, entry: &v1::Entry, clause: &str) -> bool {
        let id = self.agreement.as_str();
        let decided = entry.recipient.as_ref().is_some_and(|to| to.agreement == id && to.clause == clause);
        let batch = entry.releases.as_ref().filter(|batch| batch.feed == id);
        decided || batch.is_some_and(|batch| batch.releases.iter().any(|release| release.clause == clause))
    }

    /// Whether an entry is about the agreement, in any of the places where an entry names one.
    fn speaks_of(&self, entry: &v1::Entry) -> bool {
        entry.agreements().any(|id| id == self.agreement.as_str())
    }
}

impl Span {
    fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_about_an_agreement_wherever_it_names_one() {
        let id = "ISA-AL-2026-014";
        let under = UnderAgreement { agreement: id.parse().expect("an id"), clause: None, pseudonym: None };
        let feed = || id.to_owned();
        let named = [
            v1::Entry {
                recipient: Some(v1::Recipient { agreement: feed(), ..v1::Recipient::default() }),
                ..v1::Entry::default()
            },
            v1::Entry {
                releases: Some(v1::ReleaseBatch { feed: feed(), ..v1::ReleaseBatch::default() }),
                ..v1::Entry::default()
            },
            v1::Entry {
                withdrawals: vec![v1::Withdrawal { feed: feed(), ..v1::Withdrawal::default() }],
                ..v1::Entry::default()
            },
            v1::Entry { page: Some(v1::Page { feed: feed(), ..v1::Page::default() }), ..v1::Entry::default() },
            v1::Entry {
                acknowledgement: Some(v1::Acknowledgement { feed: feed(), ..v1::Acknowledgement::default() }),
                ..v1::Entry::default()
            },
            v1::Entry {
                table: Some(v1::PublishedTable { agreement: feed(), ..v1::PublishedTable::default() }),
                ..v1::Entry::default()
            },
            v1::Entry { overdue: Some(v1::Overdue { feed: feed(), ..v1::Overdue::default() }), ..v1::Entry::default() },
            v1::Entry {
                document: Some(v1::Document {
                    kind: v1::DocumentKind::Agreement.into(),
                    id: feed(),
                    ..v1::Document::default()
                }),
                ..v1::Entry::default()
            },
        ];
        for entry in &named {
            assert!(under.speaks_of(entry), "{entry:?}");
        }
        assert!(!under.speaks_of(&v1::Entry::default()));
        let schema = v1::Document { kind: v1::DocumentKind::Schema.into(), id: feed(), ..v1::Document::default() };
        assert!(!under.speaks_of(&v1::Entry { document: Some(schema), ..v1::Entry::default() }));
    }

    #[test]
    fn what_is_not_stated_is_told_from_what_is() {
        let mut parts = vec![Filter::default().parts()];
        let said = |said: SaidFilter| Filter { said, ..Filter::default() };
        let reason = |text: &str| Some(text.parse().expect("a code"));
        parts.push(said(SaidFilter { reason: reason("released"), ..SaidFilter::default() }).parts());
        parts.push(said(SaidFilter { reason: reason("release"), ..SaidFilter::default() }).parts());
        parts.push(said(SaidFilter { outcome: Some("released"), ..SaidFilter::default() }).parts());
        let span = Span { to: Some(Timestamp(0)), ..Span::default() };
        parts.push(Filter { span, ..Filter::default() }.parts());
        let count = parts.len();
        parts.sort();
        parts.dedup();
        assert_eq!(parts.len(), count);
        assert!(Filter::default().is_unbounded());
        assert!(!Filter { span, ..Filter::default() }.is_unbounded());
        for bad in ["", "Released", "a\nb", "a b", &"x".repeat(65)] {
            assert!(bad.parse::<ReasonCode>().is_err(), "{bad:?}");
        }
    }
}
