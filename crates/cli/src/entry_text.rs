//! Entries in words, for people. Everything in an entry may be read by whoever holds it: there is no identifier in one.

use causeway_journal::v1::{Decision, Entry, Operation, Recipient};
use causeway_journal::{
    ACTION_COMPROMISED, REASON_AT_RISK, REASON_CORRECTED, REASON_ERASURE_COMPLETE, REASON_ERASURE_ORDERED,
    REASON_HOLD_LIFTED, REASON_HOLD_SET, REASON_IDENTITY_APPROVED, REASON_IDENTITY_COLLECTED,
    REASON_IDENTITY_DELIVERED, REASON_IDENTITY_REFUSED, REASON_IDENTITY_RELEASED, REASON_IDENTITY_REQUESTED,
    REASON_RESTRICTED, REASON_RETENTION_EXPIRED, REASON_UNRESTRICTED, REASON_WITHDRAWN,
};
use causeway_model::Timestamp;
use causeway_verify::operation_name;

use causeway_verify::hex::hex;
use causeway_verify::plain::plain;

const MICROS_A_DAY: u64 = 86_400_000_000;

/// One line that says who did what when, and why.
pub(crate) fn summary(entry: &Entry) -> String {
    let mut text = format!("{} {} {}", Timestamp(entry.time_micros), actor(entry), operation_name(entry.operation()));
    if entry.decision() == Decision::Denied {
        text.push_str(" DENIED");
    }
    text.push_str(&format!(" ({})", entry.reason));
    if let Some(document) = &entry.document {
        text.push_str(&format!(" {} v{}", document.id, document.version));
    }
    if let Some(table) = &entry.table {
        text.push_str(&format!(
            " {} {} of {} v{}",
            table.table, table.period, table.agreement, table.agreement_version
        ));
    }
    if !entry.purpose_code.is_empty() {
        text.push_str(&format!(", for {}", entry.purpose_code));
    }
    if let Some(recipient) = &entry.recipient {
        text.push_str(&to_whom(entry.operation(), recipient));
    }
    if let Some(page) = &entry.page {
        text.push_str(&format!(", positions {} to {}", page.from_position, page.to_position));
    }
    if let Some(overdue) = &entry.overdue {
        text.push_str(&format!(", {} withdrawals not acknowledged in time", overdue.positions.len()));
    }
    if entry.releaser_term > 0 {
        text.push_str(&format!(", {} in term {}", entry.node, entry.releaser_term));
    }
    if entry.operation() == Operation::Erasure && entry.records.len() > 1 {
        text.push_str(&format!(", of {} records", entry.records.len()));
    }
    if let Some(key) = &entry.key_change {
        let known = if key.action == ACTION_COMPROMISED { ", after the one before became known" } else { "" };
        text.push_str(&format!(", {} epoch {}{known}", key.key, key.epoch));
    }
    if !entry.identity_request.is_empty() {
        text.push_str(&format!(", request {}", hex(&entry.identity_request)));
    }
    let approved: Vec<String> = entry.approvals.iter().map(|by| format!("{}/{}", by.agency, by.person)).collect();
    if entry.document.is_none() && !approved.is_empty() {
        text.push_str(&format!(", approved by {}", approved.join(" and ")));
    }
    plain(&text)
}

/// To whom something went, or about whom somebody asked.
fn to_whom(operation: Operation, recipient: &Recipient) -> String {
    let Recipient { agency, agreement, agreement_version, .. } = recipient;
    let mut text = match (agency.is_empty(), operation) {
        (true, _) => ",".to_owned(),
        // What is asked about a partner goes to whoever asks.
        (false, Operation::Consultation) => format!(", concerning {agency}"),
        (false, _) => format!(", to {agency}"),
    };
    // The owner gets its own sealed identity under no agreement.
    if !agreement.is_empty() {
        text.push_str(&format!(" under {agreement}"));
    }
    if *agreement_version > 0 {
        text.push_str(&format!(" v{agreement_version}"));
    }
    text
}

/// A line of one record's story: what happened, to which version of the record, and what that meant for it.
pub(crate) fn story(entry: &Entry, record_id: &str) -> String {
    let mut text = summary(entry);
    let batch = entry.releases.iter().flat_map(|releases| &releases.releases);
    let released = batch.map(|release| (&release.record_id, release.version, release.clause.as_str()));
    let concerned = entry.records.iter().map(|record| (&record.record_id, record.version, ""));
    if let Some((_, version, clause)) = concerned.chain(released).find(|(id, ..)| hex(id) == record_id) {
        if version > 0 {
            text.push_str(&format!(", version {version}"));
        }
        if !clause.is_empty() {
            text.push_str(&format!(" by {clause}"));
        }
    }
    if let Some(day) = entry.retention.as_ref().map(|dates| dates.retain_until_day).filter(|day| *day > 0) {
        text.push_str(&format!(", to be kept until {}", Timestamp(u64::from(day) * MICROS_A_DAY).date()));
    }
    if entry.decision() == Decision::Allowed && !meaning(entry).is_empty() {
        text.push_str(&format!(": {}", meaning(entry)));
    }
    plain(&text)
}

/// What an allowed entry with this reason does to a record; empty where its reason says it.
pub(crate) fn meaning(entry: &Entry) -> &'static str {
    match (entry.operation(), entry.reason.as_str()) {
        (Operation::Alteration, REASON_CORRECTED) => "it takes the place of the version before",
        (Operation::Alteration, REASON_WITHDRAWN) => "it leaves every feed",
        (Operation::Alteration, REASON_AT_RISK) => {
            "a person in it is in danger, it leaves every feed at once and is kept back"
        }
        (Operation::Alteration, REASON_RESTRICTED) => "it leaves every feed and is kept",
        (Operation::Alteration, REASON_UNRESTRICTED) => "feeds may have it again",
        (Operation::Retention, REASON_HOLD_SET) => "it is not erased while this stands",
        (Operation::Retention, REASON_HOLD_LIFTED) => "it may be erased again",
        (_, REASON_RETENTION_EXPIRED) => "its last day is over, it cannot be read from here on",
        (_, REASON_ERASURE_ORDERED) => "it leaves every feed and cannot be read from here on",
        (_, REASON_ERASURE_COMPLETE) => "its keys are destroyed",
        (_, REASON_IDENTITY_REQUESTED) => "somebody asks whose it is",
        (_, REASON_IDENTITY_APPROVED) => "a person of the owner agrees",
        (_, REASON_IDENTITY_REFUSED) => "the owner refuses",
        (_, REASON_IDENTITY_RELEASED) => "the sealed identity went to its owner",
        (_, REASON_IDENTITY_DELIVERED) => "the owner handed it in, sealed to who asked",
        (_, REASON_IDENTITY_COLLECTED) => "who asked has it",
        _ => "",
    }
}

/// What an outcome means, for one that is not `effective`; the outcome itself where this program does not know it.
pub(crate) fn outcome(name: &str) -> &str {
    match name {
        "duplicate" => "duplicate: the same submission again",
        "submission-reused" => "no effect: the submission id stands for something else",
        "version-moved" => "no effect: the record had another version by then",
        "not-found" => "no effect: there was no such record",
        "already-withdrawn" => "no effect: it was withdrawn before",
        "partly-void" => "some of it had no effect",
        "void" => "no effect: what it rests on was not in force, or not there",
        "unapproved-document" => "no effect: the document is not approved as it must be",
        "invalid-document" => "no effect: the document cannot be read as what it says it is",
        "erased" => "no effect: the record is erased",
        "on-hold" => "no effect: the record is under a legal hold",
        "unapproved" => "no effect: the approvals do not hold",
        "cap-reached" => "no effect: there had been as many of that day or month as are allowed",
        "expired" => "no effect: the time for it was over",
        "already-done" => "no effect: it can be done only once, and was",
        other => other,
    }
}

/// Who acted, as agency/system.
pub(crate) fn actor(entry: &Entry) -> String {
    match &entry.actor {
        Some(actor) if !actor.system.is_empty() => format!("{}/{}", actor.agency, actor.system),
        Some(actor) if !actor.agency.is_empty() => actor.agency.clone(),
        _ => "the gateway".into(),
    }
}

#[cfg(test)]
mod tests {
    use causeway_journal::Outcome;
    use causeway_journal::v1::{Approval, KeyChange, RecordRef, RetentionDates};

    use super::*;

    fn entry(operation: Operation, reason: &str) -> Entry {
        let record = RecordRef { record_id: vec![1; 16], version: 2, ..RecordRef::default() };
        Entry {
            operation: operation.into(),
            decision: Decision::Allowed.into(),
            reason: reason.into(),
            records: vec![record],
            ..Entry::default()
        }
    }

    #[test]
    fn every_outcome_has_its_words() {
        let silent = ["effective"];
        for name in Outcome::NAMES.into_iter().filter(|name| !silent.contains(name)) {
            assert_ne!(outcome(name), name);
        }
    }

    #[test]
    fn a_story_names_the_version_what_it_means_and_who_approved() {
        let approval =
            |person: &str| Approval { agency: "gb-nca".into(), person: person.into(), ..Approval::default() };
        let ordered = Entry {
            approvals: vec![approval("dpo"), approval("director")],
            ..entry(Operation::Erasure, REASON_ERASURE_ORDERED)
        };
        let text = story(&ordered, &"01".repeat(16));
        let end = "erasure (erasure-ordered), approved by gb-nca/dpo and gb-nca/director, version 2: it leaves every feed and \
                   cannot be read from here on";
        assert!(text.ends_with(end), "{text}");
        let denied = Entry { decision: Decision::Denied.into(), ..ordered };
        assert!(!story(&denied, "").contains("cannot be read"), "what was refused did not happen");
        let kept = Entry {
            retention: Some(RetentionDates { retain_until_day: 20_000, review_due_day: 0 }),
            ..entry(Operation::Collection, "accepted")
        };
        assert!(story(&kept, "").ends_with("to be kept until 2024-10-04"), "{}", story(&kept, ""));
    }

    #[test]
    fn what_went_to_a_partner_and_what_was_asked_about_one_read_apart() {
        let recipient = |agency: &str, version| Recipient {
            agency: agency.into(),
            agreement: "ISA-AL-2026-014".into(),
            agreement_version: version,
            ..Recipient::default()
        };
        assert_eq!(
            to_whom(Operation::Disclosure, &recipient("al-police", 2)),
            ", to al-police under ISA-AL-2026-014 v2"
        );
        assert_eq!(to_whom(Operation::Consultation, &recipient("", 0)), ", under ISA-AL-2026-014");
        let partner = Recipient { agency: "al-police".into(), ..Recipient::default() };
        assert_eq!(to_whom(Operation::Consultation, &partner), ", concerning al-police");
    }

    #[test]
    fn a_rotation_names_the_key_and_whether_the_old_one_is_known() {
        let change = KeyChange { key: "feed/ISA-AL-2026-014".into(), epoch: 2, ..KeyChange::default() };
        let planned = Entry { key_change: Some(change.clone()), ..entry(Operation::Key, "key-rotated") };
        assert!(summary(&planned).ends_with("feed/ISA-AL-2026-014 epoch 2"), "{}", summary(&planned));
        let known = KeyChange { action: ACTION_COMPROMISED.into(), ..change };
        let known = Entry { key_change: Some(known), ..planned };
        assert!(summary(&known).ends_with("became known"), "{}", summary(&known));
    }
}
