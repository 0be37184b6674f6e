//! `causeway erase`: plans an erasure, and orders it with the approvals of two persons.

use std::path::PathBuf;

use causeway_crypto::Digest;
use causeway_journal::MAX_ERASED_RECORDS;
use causeway_model::RecordId;
use causeway_proto::v1::{EraseRequest, PersonSignature, PlanErasureRequest, PlanErasureResponse};
use clap::{ArgGroup, Args, Subcommand};

use crate::approval::{Approvable, Approval, ErasurePlan, approvals_of, counted, naming, read_plan};
use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use crate::{Failure, input, private_file};

/// So many persons approve an erasure.
const APPROVALS: usize = 2;

/// Erasure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists what an erasure would erase, into a file that two persons approve. Changes nothing.
    Plan(PlanOptions),
    /// Erases what a plan lists, for good: unreadable at once, its keys destroyed when this ends.
    Order(OrderOptions),
}

/// What is to be erased.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["record", "subject_from"]))]
pub(crate) struct PlanOptions {
    /// The records' ids, from their receipts (at most 200).
    #[arg(long, value_name = "ID", num_args = 1..)]
    record: Vec<String>,
    /// All records of one person: a file with the owner's reference for the person on one line, or - for standard input.
    /// It is never given on the command line, where others on this machine could read it.
    #[arg(long, value_name = "FILE")]
    subject_from: Option<PathBuf>,
    /// Write the plan to this file.
    #[arg(long, value_name = "PLAN")]
    out: PathBuf,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which plan, and who approved it.
#[derive(Debug, Args)]
pub(crate) struct OrderOptions {
    /// The plan.
    plan: PathBuf,
    /// Files of approvals, as `causeway approve` writes them.
    #[arg(long = "approval", alias = "approvals", value_name = "FILE", num_args = 1.., required = true)]
    approvals: Vec<PathBuf>,
    /// The person's reference again, where the plan was made by it: a person who has other records by now needs a new plan.
    #[arg(long, value_name = "FILE")]
    subject_from: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Plan(options) => plan(options).await,
        Command::Order(options) => order(options).await,
    }
}

async fn plan(options: &PlanOptions) -> Result<(), Failure> {
    let parse = |id: &String| id.parse().map_err(|_| super::receipt::not_a_record());
    let records: Vec<RecordId> = options.record.iter().map(parse).collect::<Result<_, _>>()?;
    if records.len() > MAX_ERASED_RECORDS {
        let (most, given) = (MAX_ERASED_RECORDS, records.len());
        return Err(Failure::usage(format!("a plan has at most {most} records, and these are {given}: make several")));
    }
    let subject_reference = options.subject_from.as_deref().map(input::line).transpose()?.unwrap_or_default();
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let request =
        PlanErasureRequest { record_ids: records.iter().map(RecordId::to_string).collect(), subject_reference };
    let response = session.protection().plan_erasure(request).await.map_err(|status| session.failure(status))?;
    let plan = plan_of(&session, response.into_inner(), options.subject_from.is_some())?;
    if plan.records.is_empty() {
        naming(&plan).iter().for_each(say);
        note("nothing to erase: there is no record of this person; no plan is written");
        return Ok(());
    }
    private_file::write(&options.out, plan.to_json().as_bytes())?;
    let (file, owner) = (options.out.display(), &plan.owner);
    Approvable::Erasure(plan.clone()).lines().iter().for_each(say);
    note(format_args!(
        "the plan is in {file}; two persons of {owner} approve it, each with their own key:\n  \
         causeway approve {file} --person {owner}/ID --key KEYFILE >> approvals.jsonl"
    ));
    if !plan.held.is_empty() {
        let held = plan.held.len();
        note(format_args!("under a legal hold: {held} of them; the erasure is refused until it is lifted"));
    }
    if plan.more {
        let listed = plan.records.len();
        note(format_args!(
            "there are more records of this person than these {listed}: when they are erased, plan again"
        ));
    }
    Ok(())
}

/// The gateway's answer as a plan, where it is one.
fn plan_of(session: &Session, response: PlanErasureResponse, by_person: bool) -> Result<ErasurePlan, Failure> {
    let malformed = |_| Failure::does_not_hold("the plan that the gateway sent is malformed");
    let ids = |texts: &[String]| texts.iter().map(|id| id.parse().map_err(malformed)).collect::<Result<Vec<_>, _>>();
    let plan = ErasurePlan {
        owner: session.agency()?,
        by_person,
        records: ids(&response.record_ids)?,
        held: ids(&response.held_record_ids)?,
        more: response.more,
        naming: ids(&response.naming_record_ids)?,
        more_naming: response.more_naming,
        digest: Digest::try_from(response.digest.as_slice())
            .map_err(|_| Failure::does_not_hold("the plan's digest is malformed"))?,
    };
    match plan.own_digest() == plan.digest {
        true => Ok(plan),
        false => Err(Failure::does_not_hold("the plan's digest is not that of the records that it lists")),
    }
}

async fn order(options: &OrderOptions) -> Result<(), Failure> {
    let plan = read_plan(&options.plan)?;
    if plan.by_person != options.subject_from.is_some() {
        return Err(Failure::usage(match plan.by_person {
            true => "this plan was made for a person: give the same reference with --subject-from",
            false => "this plan was made by record: leave --subject-from out",
        }));
    }
    let subject_reference = options.subject_from.as_deref().map(input::line).transpose()?.unwrap_or_default();
    let approvals = approvals_of(&plan.digest, "this plan", &options.approvals)?;
    if approvals.len() < APPROVALS {
        let who: Vec<String> = approvals.iter().map(|approval| approval.person.to_string()).collect();
        return Err(Failure::usage(format!("two persons approve an erasure; so far {} has", who.join(", "))));
    }
    let session = Session::open(&options.client, Doing::Protecting).await?;
    let request = EraseRequest {
        record_ids: plan.records.iter().map(RecordId::to_string).collect(),
        subject_reference,
        approvals: approvals.iter().take(APPROVALS).map(signature).collect(),
    };
    let response = session.protection().erase(request).await.map_err(|status| session.failure(status))?.into_inner();
    say(format_args!(
        "erased: {}; ordered in entry {}, unreadable from there on; complete in entry {}: their keys are destroyed",
        counted(plan.records.len()),
        response.ordered_leaf_index,
        response.complete_leaf_index
    ));
    Ok(())
}

/// An approval as the calls of `ProtectionService` take it.
pub(super) fn signature(approval: &Approval) -> PersonSignature {
    PersonSignature { person: approval.person.id.to_string(), signature: approval.signature.clone() }
}
