//! What each field of an entry and a frame can hold at all. Whether it makes sense in its place is apply's question.

use std::collections::BTreeSet;
use std::str::FromStr;

use causeway_agreement::TableId;
use causeway_model::{
    AgencyId, AgreementId, ClauseId, FieldPath, Kind, PersonId, PurposeCode, SchemaId, SchemaVersion, Step, SystemName,
};

use crate::apply::RULES_SHARED;
use crate::codec::MAX_DOCUMENT_BYTES;
use crate::v1::FieldStep;
use crate::{JournalError, v1};

/// What a recoding says of a field that does not leave.
pub const RECODING_DROPPED: &str = "dropped";

/// Longest node, software version, reason or key name, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Most nodes of a log.
const MAX_NODES: usize = 64;

/// Keys in a key page.
const PAGE_SLOTS: u32 = 128;
const KEYS_A_PAGE: usize = 128;

/// Bytes of a key in a page.
const KEY_BYTES: usize = 32;

/// Bytes of a stored page beside its keys: the number of its page key's slot, nonce and tag.
const PAGE_OVERHEAD: usize = 8 + 12 + 16;

type Checked = Result<(), JournalError>;

pub(crate) fn check_frame(frame: &v1::Frame) -> Checked {
    length(&frame.log_id, 16, "log id")?;
    length_or_empty(&frame.previous_frame, 32, "previous frame")?;
    let encapsulations: BTreeSet<_> = frame.encapsulations.iter().collect();
    holds(encapsulations.len() == frame.encapsulations.len(), "encapsulations")?;
    holds(!frame.items.is_empty(), "frame without entries")?;
    check_key_pages(frame)?;
    frame.items.iter().try_for_each(|item| {
        holds(item.document_text.len() <= MAX_DOCUMENT_BYTES, "document text")?;
        let mut beside = item.aside.iter().chain(&item.body);
        holds(beside.all(|shrouded| shrouded.slot < PAGE_SLOTS), "key slot")
    })
}

/// Key pages travel in frames of a log with several writers: there, every key of a frame is in a page that the frame holds, so that
/// whoever has the frame has all that is needed beside page keys.
fn check_key_pages(frame: &v1::Frame) -> Checked {
    if frame.rules_version < RULES_SHARED {
        return holds(frame.key_pages.is_empty(), "key pages in a frame of earlier rules");
    }
    holds(frame.key_pages.windows(2).all(|pair| pair[0].number < pair[1].number), "order of key pages")?;
    let whole = |page: &v1::KeyPage| {
        // Only what is written anew is under another page key than the one that gave the page its number, and that is in no frame.
        let is_first = page.stored.first_chunk().is_some_and(|slot| u64::from_be_bytes(*slot) == page.number);
        let keys = page.stored.len().checked_sub(PAGE_OVERHEAD);
        is_first && keys.is_some_and(|bytes| bytes % KEY_BYTES == 0 && (1..=KEYS_A_PAGE).contains(&(bytes / KEY_BYTES)))
    };
    holds(frame.key_pages.iter().all(whole), "key page")?;
    let has_key = |shrouded: &v1::Shrouded| {
        let place = frame.key_pages.binary_search_by_key(&shrouded.page, |page| page.number).ok();
        let page = place.and_then(|place| frame.key_pages.get(place));
        let keys = page.map_or(0, |page| (page.stored.len() - PAGE_OVERHEAD) / KEY_BYTES);
        usize::try_from(shrouded.slot).is_ok_and(|slot| slot < keys)
    };
    let mut shrouded = frame.items.iter().flat_map(|item| item.aside.iter().chain(&item.body));
    holds(shrouded.all(has_key), "key that is in no page of its frame")
}

pub(crate) fn check_entry(entry: &v1::Entry) -> Checked {
    length(&entry.entry_id, 16, "entry id")?;
    holds(entry.operation() != v1::Operation::Unspecified, "operation")?;
    holds(entry.decision() != v1::Decision::Unspecified, "decision")?;
    name(&entry.node, "node")?;
    name(&entry.software_version, "software version")?;
    name(&entry.reason, "reason")?;
    parsed_or_empty::<PurposeCode>(&entry.purpose_code, "purpose code")?;
    check_parties(entry)?;
    entry.records.iter().try_for_each(check_record)?;
    check_digests(entry)?;
    check_feed_parts(entry)?;
    check_document_parts(entry)?;
    check_statements(entry)?;
    check_operation(entry)
}

/// What an allowed operation cannot be without.
fn check_operation(entry: &v1::Entry) -> Checked {
    if entry.decision() != v1::Decision::Allowed {
        return Ok(());
    }
    let one_record = || match entry.records.as_slice() {
        [record] => Ok(record),
        _ => Err(JournalError::Malformed("number of records")),
    };
    match entry.operation() {
        v1::Operation::Collection => {
            let record = one_record()?;
            holds(record.version.checked_sub(1) == Some(record.expected_version), "version")?;
            schema_id(record).map(drop)?;
        }
        v1::Operation::Alteration if entry.reason == crate::REASON_CORRECTED => {
            let record = one_record()?;
            holds(record.expected_version > 0, "expected version")?;
            holds(record.version.checked_sub(1) == Some(record.expected_version), "version")?;
            schema_id(record).map(drop)?;
        }
        v1::Operation::Alteration if entry.reason == crate::REASON_WITHDRAWN => {
            holds(one_record()?.expected_version > 0, "expected version")?;
            length(&entry.item_salt, 32, "item salt")?;
        }
        v1::Operation::Alteration if entry.reason == crate::REASON_AT_RISK => {
            one_record()?;
            length(&entry.item_salt, 32, "item salt")?;
        }
        v1::Operation::Combination if entry.reason == crate::REASON_TABLE_PUBLISHED => {
            holds(entry.table.is_some(), "table")?;
        }
        v1::Operation::Administration if entry.reason == crate::REASON_OVERDUE => {
            holds(entry.overdue.is_some(), "overdue positions")?;
        }
        v1::Operation::Administration if entry.reason == crate::REASON_ROSTER_STATED => {
            holds(entry.roster.is_some(), "roster")?;
        }
        v1::Operation::Administration if entry.reason == crate::REASON_TERM_BEGUN => {
            holds(entry.releaser_term > 0, "term")?;
        }
        v1::Operation::Document => holds(entry.document.is_some(), "document")?,
        _ => {}
    }
    check_protection(entry)?;
    holds(entry.submission_mac.is_empty() == entry.content_mac.is_empty(), "submission")?;
    if entry.releases.is_some() || !entry.withdrawals.is_empty() {
        length(&entry.item_salt, 32, "item salt")?;
    }
    Ok(())
}

/// What an act of protection cannot be without. What these reasons mean is later rules' matter; their form is the same under all.
fn check_protection(entry: &v1::Entry) -> Checked {
    use crate::reason as r;
    match (entry.operation(), entry.reason.as_str()) {
        (v1::Operation::Alteration, r::REASON_RESTRICTED | r::REASON_UNRESTRICTED) => {
            holds(matches!(entry.records.as_slice(), [record] if record.expected_version > 0), "restricted record")?;
            length(&entry.item_salt, 32, "item salt")
        }
        (v1::Operation::Erasure, r::REASON_ERASURE_ORDERED) => {
            length(&entry.subject_digest, 32, "subject digest")?;
            erased_records(entry)
        }
        (v1::Operation::Erasure, r::REASON_ERASURE_ATTESTED) => holds(entry.erasure_order > 0, "order of an erasure"),
        (v1::Operation::Erasure, r::REASON_ERASURE_COMPLETE) => holds(!entry.records.is_empty(), "number of records"),
        (v1::Operation::Retention, r::REASON_RETENTION_EXPIRED) => erased_records(entry),
        (v1::Operation::Retention, r::REASON_HOLD_SET | r::REASON_HOLD_LIFTED) => {
            holds(entry.records.len() == 1, "number of records")
        }
        (v1::Operation::Consultation, r::REASON_IDENTITY_REQUESTED) => {
            holds(entry.records.len() == 1, "number of records")?;
            holds(entry.recipient.is_some() && entry.period.is_some(), "identity request")?;
            length(&entry.subject_digest, 32, "subject digest")
        }
        (
            v1::Operation::Consultation | v1::Operation::Disclosure,
            r::REASON_IDENTITY_APPROVED
            | r::REASON_IDENTITY_REFUSED
            | r::REASON_IDENTITY_RELEASED
            | r::REASON_IDENTITY_DELIVERED
            | r::REASON_IDENTITY_COLLECTED,
        ) => length(&entry.identity_request, 16, "identity request"),
        (v1::Operation::Key, r::REASON_KEY_ROTATED) => holds(entry.key_change.is_some(), "key change"),
        _ => Ok(()),
    }
}

/// Named in ascending order and each once, so that the digest of an order is of its list.
fn erased_records(entry: &v1::Entry) -> Checked {
    length(&entry.item_salt, 32, "item salt")?;
    let count = entry.records.len();
    holds((1..=crate::MAX_ERASED_RECORDS).contains(&count), "number of records")?;
    let ascending = entry.records.windows(2).all(|pair| pair[0].record_id < pair[1].record_id);
    holds(ascending, "order of records")
}

pub(crate) fn schema_id(record: &v1::RecordRef) -> Result<SchemaId, JournalError> {
    Ok(SchemaId { kind: parse(&record.kind, "kind")?, version: parse(&record.schema_version, "schema version")? })
}

fn check_parties(entry: &v1::Entry) -> Checked {
    // Nobody in particular: what happened before anybody was authenticated.
    if let Some(actor) = &entry.actor {
        parsed_or_empty::<AgencyId>(&actor.agency, "agency")?;
        parsed_or_empty::<SystemName>(&actor.system, "system")?;
        length_or_empty(&actor.certificate_digest, 32, "certificate digest")?;
    }
    let Some(recipient) = &entry.recipient else { return Ok(()) };
    parsed_or_empty::<AgencyId>(&recipient.agency, "agency")?;
    parsed_or_empty::<AgreementId>(&recipient.agreement, "agreement")?;
    parsed_or_empty::<ClauseId>(&recipient.clause, "clause")
}

fn check_record(record: &v1::RecordRef) -> Checked {
    length(&record.record_id, 16, "record id")?;
    parsed_or_empty::<Kind>(&record.kind, "kind")?;
    parsed_or_empty::<SchemaVersion>(&record.schema_version, "schema version")
}

fn check_digests(entry: &v1::Entry) -> Checked {
    length_or_empty(&entry.submission_mac, 32, "submission")?;
    length_or_empty(&entry.content_mac, 32, "content")?;
    length_or_empty(&entry.item_salt, 32, "item salt")?;
    length_or_empty(&entry.body_digest, 32, "body digest")?;
    length_or_empty(&entry.request_id, 16, "request id")?;
    length_or_empty(&entry.subject_digest, 32, "subject digest")?;
    length_or_empty(&entry.sealing_key_id, 16, "sealing key id")?;
    length_or_empty(&entry.identity_request, 16, "identity request")?;
    let Some(commitments) = &entry.commitments else { return Ok(()) };
    let v1::Commitments { purpose_text, operator, source_address, case_reference } = commitments;
    let mut all = [purpose_text, operator, source_address, case_reference].into_iter();
    all.try_for_each(|commitment| length_or_empty(commitment, 32, "commitment"))
}

fn check_feed_parts(entry: &v1::Entry) -> Checked {
    if let Some(batch) = &entry.releases {
        parse::<AgreementId>(&batch.feed, "feed")?;
        batch.releases.iter().try_for_each(|release| {
            length(&release.record_id, 16, "record id")?;
            holds(release.version > 0, "version")?;
            length_or_empty(&release.cell, 16, "cell")?;
            holds(!release.counts || !release.cell.is_empty(), "counted release without its cell")?;
            parse::<ClauseId>(&release.clause, "clause").map(drop)
        })?;
        check_recoding(&batch.recoding)?;
    }
    entry.withdrawals.iter().try_for_each(|withdrawal| {
        parse::<AgreementId>(&withdrawal.feed, "feed")?;
        length(&withdrawal.record_id, 16, "record id")
    })?;
    if let Some(page) = &entry.page {
        parse::<AgreementId>(&page.feed, "feed")?;
        length(&page.digest, 32, "page digest")?;
        holds(page.from_position > 0 && page.from_position <= page.to_position, "page")?;
        let positions = (page.to_position - page.from_position).saturating_add(1);
        for bits in [&page.withheld, &page.deferred] {
            let bytes = u64::try_from(bits.len()).unwrap_or(u64::MAX);
            holds(bytes <= positions.div_ceil(8) && bits.last() != Some(&0), "withheld positions")?;
        }
    }
    if let Some(acknowledgement) = &entry.acknowledgement {
        parse::<AgreementId>(&acknowledgement.feed, "feed")?;
        let both = acknowledgement.up_to_position > 0 && acknowledgement.item_position > 0;
        holds(!both, "acknowledged position")?;
    }
    if let Some(overdue) = &entry.overdue {
        parse::<AgreementId>(&overdue.feed, "feed")?;
        let ascending = overdue.positions.windows(2).all(|pair| pair[0] < pair[1]);
        holds(ascending && overdue.positions.first().is_some_and(|first| *first > 0), "overdue positions")?;
    }
    check_table(entry)
}

fn check_recoding(recoding: &[v1::FieldStep]) -> Checked {
    for FieldStep { path, step } in recoding {
        parse::<FieldPath>(path, "field path")?;
        holds(step == RECODING_DROPPED || step.parse::<Step>().is_ok(), "step")?;
    }
    holds(recoding.windows(2).all(|pair| pair[0].path < pair[1].path), "order of recoding")
}

fn check_table(entry: &v1::Entry) -> Checked {
    let Some(table) = &entry.table else { return Ok(()) };
    parse::<AgreementId>(&table.agreement, "agreement")?;
    parse::<TableId>(&table.table, "table")?;
    holds(table.agreement_version > 0 && !table.period.is_empty(), "table")?;
    name(&table.period, "period of a table")?;
    length(&entry.subject_digest, 32, "subject digest")
}

fn check_document_parts(entry: &v1::Entry) -> Checked {
    if let Some(document) = &entry.document {
        use v1::DocumentKind::{Agency, Agreement, CodeList, Schema, Unspecified};
        match document.kind() {
            Agency => parse::<AgencyId>(&document.id, "agency").map(drop)?,
            Agreement => parse::<AgreementId>(&document.id, "agreement").map(drop)?,
            Schema => parse::<SchemaId>(&document.id, "schema").map(drop)?,
            CodeList => parse::<SystemName>(&document.id, "code list").map(drop)?,
            Unspecified => return Err(JournalError::Malformed("document kind")),
        }
        holds(document.version > 0, "version")?;
        length(&document.digest, 32, "document digest")?;
        match (document.action(), document.kind()) {
            (v1::DocumentAction::Activate, _) | (v1::DocumentAction::Suspend, Agency | Agreement) => {}
            _ => return Err(JournalError::Malformed("document action")),
        }
    }
    entry.approvals.iter().try_for_each(|approval| {
        parse::<AgencyId>(&approval.agency, "agency")?;
        parse::<PersonId>(&approval.person, "person")?;
        length(&approval.public_key, 32, "public key")?;
        length(&approval.signature, 64, "signature")
    })
}

fn check_statements(entry: &v1::Entry) -> Checked {
    if let Some(change) = &entry.key_change {
        name(&change.key, "key")?;
        name(&change.action, "key action")?;
        length_or_empty(&change.public_key, 32, "public key")?;
    }
    if let Some(signature) = &entry.submitter_signature {
        name(&signature.scheme, "signature scheme")?;
    }
    if let Some(roster) = &entry.roster {
        holds(roster.version > 0 && (1..=MAX_NODES).contains(&roster.nodes.len()), "roster")?;
        holds(roster.nodes.windows(2).all(|pair| pair[0].number < pair[1].number), "order of nodes")?;
        let numbered =
            |node: &v1::RosterNode| (1..=u32::from(u16::MAX)).contains(&node.number) && !node.name.is_empty();
        holds(roster.nodes.iter().all(numbered), "node")?;
        roster.nodes.iter().try_for_each(|node| name(&node.name, "node"))?;
        let names: BTreeSet<&str> = roster.nodes.iter().map(|node| node.name.as_str()).collect();
        holds(names.len() == roster.nodes.len(), "names of nodes")?;
    }
    if let Some(head) = &entry.tree_head {
        length(&head.root, 32, "root")?;
    }
    match &entry.period {
        Some(period) => holds(period.from_micros <= period.to_micros, "period"),
        None => Ok(()),
    }
}

fn holds(condition: bool, what: &'static str) -> Checked {
    if condition { Ok(()) } else { Err(JournalError::Malformed(what)) }
}

fn length(bytes: &[u8], expected: usize, what: &'static str) -> Checked {
    holds(bytes.len() == expected, what)
}

fn length_or_empty(bytes: &[u8], expected: usize, what: &'static str) -> Checked {
    holds(bytes.is_empty() || bytes.len() == expected, what)
}

/// Bounded, and without control characters, so that no line of a report can be forged.
fn name(text: &str, what: &'static str) -> Checked {
    holds(text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control), what)
}

fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, JournalError> {
    text.parse().map_err(|_| JournalError::Malformed(what))
}

fn parsed_or_empty<T: FromStr>(text: &str, what: &'static str) -> Checked {
    if text.is_empty() { Ok(()) } else { parse::<T>(text, what).map(drop) }
}
