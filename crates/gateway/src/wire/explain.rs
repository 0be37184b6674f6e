//! Questions about decisions, and their explanations.

use causeway_exchange::{ExplainQuestion, ExplainedField, Explanation, Under};
use causeway_proto::v1;

use super::{optional, required};
use crate::status::Fault;

/// What a submitter asks.
pub(crate) fn owners_question(request: &v1::ExplainRequest) -> Result<ExplainQuestion, Fault> {
    let v1::ExplainRequest { record_id, agreement, field, partner } = request;
    question(record_id, agreement, partner, field)
}

/// What an auditor asks.
pub(crate) fn audit_question(request: &v1::AuditServiceExplainRequest) -> Result<ExplainQuestion, Fault> {
    let v1::AuditServiceExplainRequest { record_id, agreement, partner, field } = request;
    question(record_id, agreement, partner, field)
}

/// One agreement, or one partner and so each agreement with it.
fn question(record_id: &str, agreement: &str, partner: &str, field: &str) -> Result<ExplainQuestion, Fault> {
    let under = match (optional("agreement", agreement)?, optional("partner", partner)?) {
        (Some(agreement), None) => Under::Agreement(agreement),
        (None, Some(partner)) => Under::Partner(partner),
        (None, None) => return Err(Fault::Field("agreement")),
        (Some(_), Some(_)) => return Err(Fault::Field("partner")),
    };
    Ok(ExplainQuestion { record_id: required("record_id", record_id)?, under, field: optional("field", field)? })
}

/// An explanation.
pub(crate) fn explanation(explanation: Explanation) -> v1::Explanation {
    v1::Explanation {
        agreement: explanation.agreement.to_string(),
        agreement_version: explanation.agreement_version,
        shown: explanation.shown.is_some(),
        position: explanation.shown.map_or(0, |position| position.0),
        granted: explanation.granted,
        clause: explanation.clause.unwrap_or_default(),
        reason: explanation.reason.to_owned(),
        released_after_micros: explanation.released_after.map_or(0, |time| time.0),
        fields: explanation.fields.into_iter().map(field).collect(),
    }
}

fn field(field: ExplainedField) -> v1::ExplainedField {
    v1::ExplainedField {
        path: field.path.to_string(),
        leaves: field.form.is_some(),
        form: field.form.unwrap_or_default(),
        reason: field.reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_about_an_agreement_or_a_partner() {
        let record = "0".repeat(32);
        let ask = |agreement: &str, partner: &str| question(&record, agreement, partner, "");
        assert!(matches!(ask("ISA-AL-2026-014", "").expect("one").under, Under::Agreement(_)));
        assert!(matches!(ask("", "al-police").expect("one").under, Under::Partner(_)));
        assert_eq!(ask("", "").expect_err("neither"), Fault::Field("agreement"));
        assert_eq!(ask("ISA-AL-2026-014", "al-police").expect_err("both"), Fault::Field("partner"));
        assert_eq!(question(&record, "ISA-AL-2026-014", "", "No Path").expect_err("no path"), Fault::Field("field"));
        assert_eq!(question("7", "ISA-AL-2026-014", "", "").expect_err("no id"), Fault::Field("record_id"));
    }
}
