//! The calls of `ProtectionService` that are about erasure, holds and retention: converted, handed to the use case and converted
//! back.

use causeway_exchange::{
    Erasing, ErasureOrder, Exchange, PersonSignature, RetentionReason, RetentionRow, SubjectReference,
};
use causeway_journal::MAX_ERASED_RECORDS;
use causeway_model::{Date, RecordId};
use causeway_proto::v1;
use tonic::{Response, Status};

use crate::gate::Call;
use crate::status::{self, Fault};
use crate::wire;

/// Approvals that an order may carry: more than are needed, so that a third person's does no harm.
const MAX_APPROVALS: usize = 8;

type Answer<T> = Result<Response<T>, Status>;

pub(crate) async fn plan(
    exchange: &Exchange,
    call: Call,
    request: v1::PlanErasureRequest,
) -> Answer<v1::PlanErasureResponse> {
    let erasing = erasing(&request.record_ids, request.subject_reference).map_err(|fault| call.malformed(fault))?;
    let plan = exchange.plan_erasure(&call.caller, erasing).await.map_err(status::of)?;
    let ids = |records: &[RecordId]| records.iter().map(ToString::to_string).collect();
    Ok(Response::new(v1::PlanErasureResponse {
        record_ids: ids(&plan.records),
        digest: plan.digest.0.to_vec(),
        held_record_ids: ids(&plan.held),
        more: plan.more,
        naming_record_ids: ids(&plan.naming),
        more_naming: plan.more_naming,
    }))
}

pub(crate) async fn erase(exchange: &Exchange, call: Call, request: v1::EraseRequest) -> Answer<v1::EraseResponse> {
    let order = order(request).map_err(|fault| call.malformed(fault))?;
    let erased = exchange.erase(&call.caller, order).await.map_err(status::of)?;
    Ok(Response::new(v1::EraseResponse {
        ordered_leaf_index: erased.ordered.0,
        complete_leaf_index: erased.complete.0,
    }))
}

pub(crate) async fn hold(exchange: &Exchange, call: Call, request: v1::HoldRequest) -> Answer<v1::HoldResponse> {
    let record = wire::required("record_id", &request.record_id).map_err(|fault| call.malformed(fault))?;
    let leaf = exchange.hold(&call.caller, record, request.held).await.map_err(status::of)?;
    Ok(Response::new(v1::HoldResponse { leaf_index: leaf.0 }))
}

pub(crate) async fn list_retention(
    exchange: &Exchange,
    call: Call,
    request: v1::ListRetentionRequest,
) -> Answer<v1::ListRetentionResponse> {
    let list = exchange.retention(&call.caller, request.review_within_days).await.map_err(status::of)?;
    Ok(Response::new(v1::ListRetentionResponse {
        rows: list.rows.into_iter().map(row).collect(),
        more: list.more,
        without_date: list.without_date,
    }))
}

pub(crate) async fn run_retention(exchange: &Exchange, call: Call) -> Answer<v1::RunRetentionResponse> {
    let run = exchange.run_retention(&call.caller).await.map_err(status::of)?;
    let record_ids = run.erased.iter().map(ToString::to_string).collect();
    Ok(Response::new(v1::RunRetentionResponse { record_ids, held: run.held }))
}

/// Records by id, or a person: exactly one of the two.
pub(crate) fn erasing(ids: &[String], reference: String) -> Result<Erasing, Fault> {
    match (ids.is_empty(), reference.is_empty()) {
        (false, true) => records(ids).map(Erasing::Records),
        (true, false) => person(reference).map(Erasing::Person),
        _ => Err(Fault::Field("record_ids")),
    }
}

pub(crate) fn order(request: v1::EraseRequest) -> Result<ErasureOrder, Fault> {
    let v1::EraseRequest { record_ids, subject_reference, approvals } = request;
    if approvals.len() > MAX_APPROVALS {
        return Err(Fault::Field("approvals"));
    }
    let person = if subject_reference.is_empty() { None } else { Some(person(subject_reference)?) };
    let approvals = approvals.into_iter().map(approval).collect::<Result<_, _>>()?;
    Ok(ErasureOrder { records: records(&record_ids)?, person, approvals })
}

fn records(ids: &[String]) -> Result<Vec<RecordId>, Fault> {
    if ids.is_empty() || ids.len() > MAX_ERASED_RECORDS {
        return Err(Fault::Field("record_ids"));
    }
    ids.iter().map(|id| wire::required("record_ids", id)).collect()
}

fn person(reference: String) -> Result<SubjectReference, Fault> {
    SubjectReference::new(reference).ok_or(Fault::Field("subject_reference"))
}

fn approval(approval: v1::PersonSignature) -> Result<PersonSignature, Fault> {
    let signature = approval.signature.try_into().map_err(|_| Fault::Field("approvals.signature"))?;
    Ok(PersonSignature { person: wire::required("approvals.person", &approval.person)?, signature })
}

fn row(row: RetentionRow) -> v1::RetentionRow {
    let reason = match row.reason {
        RetentionReason::Expired => v1::RetentionReason::Expired,
        RetentionReason::Held => v1::RetentionReason::Held,
        RetentionReason::ReviewDue => v1::RetentionReason::ReviewDue,
    };
    let date = Date::from_day(row.day);
    v1::RetentionRow { record_id: row.record.to_string(), reason: reason.into(), date: date.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_by_ids_or_by_person_and_never_both_or_neither() {
        let id = RecordId::from_bytes([7; 16]).to_string();
        assert!(matches!(erasing(std::slice::from_ref(&id), String::new()), Ok(Erasing::Records(_))));
        assert!(matches!(erasing(&[], "GB-1".into()), Ok(Erasing::Person(_))));
        let many = vec![id.clone(); MAX_ERASED_RECORDS + 1];
        for (ids, reference) in [(&[][..], ""), (&[id][..], "GB-1"), (&many[..], ""), (&["7".to_owned()][..], "")] {
            assert_eq!(erasing(ids, reference.into()).err(), Some(Fault::Field("record_ids")));
        }
        assert_eq!(erasing(&[], "x".repeat(600)).err(), Some(Fault::Field("subject_reference")));
    }

    #[test]
    fn dates_of_rows_are_calendar_dates() {
        let listed = RetentionRow { record: RecordId::from_bytes([7; 16]), reason: RetentionReason::Held, day: 20_778 };
        assert_eq!(row(listed).date, "2026-11-21");
    }
}
