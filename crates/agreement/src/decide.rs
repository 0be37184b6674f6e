//! The decision whether a record may leave under an agreement: pure, default deny, the same for releaser and pull.

use std::fmt;

use causeway_model::{ActionCode, AgencyId, Handling, RecordFacts, Timestamp, Tlp};

use crate::{Agreement, Clause, excluded_by};

/// Whether an agreement that is in force may be relied on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is not suspended.
    InForce,
    /// It is suspended, until a later version is activated: it grants nothing.
    Suspended,
}

/// Whether a record may leave, and through which clause or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It may, through this clause.
    Grant(&'a Clause),
    /// It may not.
    Deny(DenyReason),
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)?) => {
        /// Why a record may not leave, in the order in which it is found: a later reason is the more specific one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DenyReason { $($(#[$doc])* $variant),+ }

        impl DenyReason {
            /// All reasons, from the most general to the most specific.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code, as entries and answers show it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

reasons!(
    /// Today is before its first day or after its last.
    AgreementNotInForce = "agreement-not-in-force",
    /// The agreement is suspended.
    AgreementSuspended = "agreement-suspended",
    /// The last day on which its transfer condition holds is past.
    TransferConditionOver = "transfer-condition-over",
    /// The record's owner did not make this agreement.
    OwnerNotGranting = "owner-not-granting",
    /// The record is the recipient's own.
    RecipientIsOwner = "recipient-is-owner",
    /// Processing is restricted (DPA 2018 s.47).
    ProcessingRestricted = "processing-restricted",
    /// TLP:RED never leaves.
    TlpRed = "tlp-red",
    /// The record does not name the recipient or its country in `releasable_to`.
    NotReleasableToRecipient = "not-releasable-to-recipient",
    /// The last day on which it may be kept is past.
    RetentionOver = "retention-over",
    /// Action code A1: the originator's permission is needed first.
    OriginatorPermissionNeeded = "originator-permission-needed",
    /// A Europol handling code (H2, H3) allows no dissemination without a permission.
    DisseminationPermissionNeeded = "dissemination-permission-needed",
    /// An exclusion of the agreement covers the record, or cannot be ruled out for what the record says (`excluded_by` names it).
    Excluded = "excluded",
    /// No clause covers this kind.
    NoClauseForKind = "no-clause-for-kind",
    /// No clause's filter covers this record.
    OutsideFilter = "outside-filter",
    /// It is of a child, and the clause does not cover children.
    ChildNotCovered = "child-not-covered",
    /// Its TLP code is stricter than the clause's ceiling.
    TlpAboveCeiling = "tlp-above-ceiling",
    /// Its source is less reliable than the clause's ceiling.
    SourceGradeAboveCeiling = "source-grade-above-ceiling",
    /// Its information is weaker than the clause's ceiling.
    InfoGradeAboveCeiling = "info-grade-above-ceiling",
    /// It is shared with conditions under an action code that the clause does not list.
    ActionCodeNotListed = "action-code-not-listed",
    /// It is shared with conditions under a sanitisation code that the clause does not list.
    SanitisationCodeNotListed = "sanitisation-code-not-listed",
    /// It has a Europol handling code that the clause does not list.
    EuropolCodeNotListed = "europol-code-not-listed",
);

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decides whether `owner`'s record with these facts may leave under `agreement` at `now`.
///
/// A denial wins: what a gate stops or an exclusion covers, no clause grants, in whatever order they stand. The first clause that
/// grants is named. A denial names the gate that stopped the record, or that it is excluded; past these it is the reason of the
/// clause that came nearest to granting.
pub fn decide<'a>(
    agreement: &'a Agreement,
    standing: Standing,
    owner: &AgencyId,
    facts: &RecordFacts,
    now: Timestamp,
) -> Decision<'a> {
    if let Err(reason) = gates(agreement, standing, owner, facts, now) {
        return Decision::Deny(reason);
    }
    if excluded_by(agreement, facts).is_some() {
        return Decision::Deny(DenyReason::Excluded);
    }
    let mut nearest = DenyReason::NoClauseForKind;
    for clause in &agreement.clauses {
        match covers(clause, facts) {
            Ok(()) => return Decision::Grant(clause),
            Err(reason) => nearest = nearest.max(reason),
        }
    }
    Decision::Deny(nearest)
}

/// What no clause can open.
fn gates(
    agreement: &Agreement,
    standing: Standing,
    owner: &AgencyId,
    facts: &RecordFacts,
    now: Timestamp,
) -> Result<(), DenyReason> {
    refuse(!agreement.is_in_force(now), DenyReason::AgreementNotInForce)?;
    refuse(standing == Standing::Suspended, DenyReason::AgreementSuspended)?;
    refuse(!agreement.transfer_condition_holds(now), DenyReason::TransferConditionOver)?;
    refuse(*owner != agreement.granting, DenyReason::OwnerNotGranting)?;
    refuse(*owner == agreement.recipient, DenyReason::RecipientIsOwner)?;
    refuse(facts.processing_restricted, DenyReason::ProcessingRestricted)?;
    refuse(facts.tlp == Tlp::Red, DenyReason::TlpRed)?;
    let named = facts.releasable_to.iter().any(|party| party.includes(&agreement.recipient));
    refuse(!named, DenyReason::NotReleasableToRecipient)?;
    refuse(facts.retain_until.is_some_and(|last_day| now.date() > last_day), DenyReason::RetentionOver)?;
    refuse(facts.action_code == Some(ActionCode::A1), DenyReason::OriginatorPermissionNeeded)?;
    // The journal knows no permissions yet, so there is none that a clause could refer to.
    refuse(facts.dissemination_permission_needed, DenyReason::DisseminationPermissionNeeded)
}

/// Whether one clause grants.
fn covers(clause: &Clause, facts: &RecordFacts) -> Result<(), DenyReason> {
    refuse(!clause.kinds.contains(&facts.kind), DenyReason::NoClauseForKind)?;
    refuse(!clause.filter.covers(facts), DenyReason::OutsideFilter)?;
    refuse(facts.child && !clause.children, DenyReason::ChildNotCovered)?;
    let ceiling = &clause.ceiling;
    refuse(facts.tlp > ceiling.tlp, DenyReason::TlpAboveCeiling)?;
    refuse(facts.source_grade > ceiling.source_grade, DenyReason::SourceGradeAboveCeiling)?;
    refuse(facts.info_grade > ceiling.info_grade, DenyReason::InfoGradeAboveCeiling)?;
    if facts.handling == Handling::Conditions {
        let action = facts.action_code.is_some_and(|code| ceiling.action_codes.contains(&code));
        refuse(!action, DenyReason::ActionCodeNotListed)?;
        let sanitisation = facts.sanitisation_code.is_some_and(|code| ceiling.sanitisation_codes.contains(&code));
        refuse(!sanitisation, DenyReason::SanitisationCodeNotListed)?;
    }
    let admitted = facts.europol_codes.iter().all(|code| ceiling.europol_codes.contains(code));
    refuse(!admitted, DenyReason::EuropolCodeNotListed)
}

fn refuse(stopped: bool, reason: DenyReason) -> Result<(), DenyReason> {
    if stopped { Err(reason) } else { Ok(()) }
}
