//! `causeway receipt`: the receipt of an earlier submission, and its proof as a file that `verify` reads.

use std::path::PathBuf;

use causeway_proto::v1::GetReceiptRequest;
use clap::Args;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::evidence::KEY_OPTION;
use crate::output::{note, say_json};
use crate::proof_file;
use crate::receipt_form::ReceiptForm;
use crate::session::{Doing, Session};

/// Shows the receipt of an earlier submission as JSON.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The submitter's own id of the submission.
    submission_id: String,
    /// Also write the proof to this file, for `causeway verify`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Submitting).await?;
    let request = GetReceiptRequest { submission_id: options.submission_id.clone() };
    let response = session.ingest().get_receipt(request).await.map_err(|status| session.failure(status))?.into_inner();
    let receipt = response.receipt.ok_or_else(without_receipt)?;
    if let Some(path) = &options.out {
        let proof = receipt.inclusion_proof.as_ref();
        proof_file::write(path, &receipt.entry, proof, &receipt.checkpoint)?;
    }
    say_json(&ReceiptForm::new(&options.submission_id, &receipt));
    if let Some(path) = &options.out {
        note(format_args!("the proof is in {0}; check it with: causeway verify {0} {KEY_OPTION}", path.display()));
    }
    Ok(())
}

pub(super) fn without_receipt() -> Failure {
    Failure::does_not_hold("the gateway answered without a receipt")
}

pub(crate) fn not_a_record() -> Failure {
    Failure::usage("the record id is not 32 lower-case hexadecimal digits; it is in the record's receipt")
}
