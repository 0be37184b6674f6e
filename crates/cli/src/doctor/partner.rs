//! A partner's own side: its certificate and key, what the gateway makes of them, its role, and where it stands in its feed.

use std::path::Path;

use causeway_gateway::client::{Clients, Refusal};
use causeway_gateway::identity::SpiffeId;
use causeway_proto::v1;
use causeway_store::Clock;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{Findings, call, certificates, keys};
use crate::client_options::ClientOptions;
use crate::command::pull::cursor_file;
use crate::session::{Doing, Files};

const RENEW: &str = "have your agency's CA issue the next one, and put certificate and key in place";

pub(super) async fn look(client: &ClientOptions, agreement: &str, cursor: Option<&Path>, findings: &mut Findings) {
    let now = Clock::system().now();
    match Files::of(client, Doing::Reading) {
        Ok(files) => {
            certificates::file("this system's certificate", &files.cert, now, RENEW, findings);
            certificates::file(
                "the gateway's CA",
                &files.ca,
                now,
                "ask the gateway's operator for the next one",
                findings,
            );
            keys::key_file(&files.key, None, findings);
            identity(&files.cert, findings);
        }
        Err(failure) => {
            findings.failure("identity", failure.to_string(), "name your files: --cert, --key and --ca");
            return;
        }
    }
    if let Some(clients) = call::make(client, now, findings).await {
        role(&clients, agreement, findings).await;
    }
    if let Some(path) = cursor {
        position(path, findings);
    }
}

fn identity(certificate: &Path, findings: &mut Findings) {
    let read = CertificateDer::from_pem_file(certificate).ok();
    match read.and_then(|certificate| SpiffeId::of_certificate(&certificate).ok()) {
        Some(id) => findings.ok("identity", format!("the certificate is {}'s", id.system)),
        None => findings.failure(
            "identity",
            "the certificate names no system of an agency",
            "have it issued with one URI, spiffe://<agency>.<suffix>/<system>",
        ),
    }
}

/// Which role the gateway gives: by calls that change and disclose nothing. One that is denied is an entry there, as every denial is.
async fn role(clients: &Clients, agreement: &str, findings: &mut Findings) {
    let request = v1::ListTablesRequest { agreement: agreement.to_owned() };
    let refusal = match clients.feed().list_tables(request).await {
        Ok(_) => {
            findings.ok("role", "reader: feeds are pulled, watched and acknowledged");
            findings.ok("agreement", "one is in force for this agency");
            return;
        }
        Err(status) => Refusal::from(status),
    };
    match refusal.reason.as_deref() {
        Some("role-missing") => other_role(clients, findings).await,
        Some("agency-suspended") => findings.failure(
            "agreement",
            refusal.message,
            "ask the gateway's operator why; withdrawals are still to be pulled and acknowledged",
        ),
        Some(reason) => {
            findings.ok("role", "reader: feeds are pulled, watched and acknowledged");
            let seen = format!("{reason}: {}", refusal.message);
            findings.warning(
                "agreement",
                seen,
                "ask the granting agency; name one with --agreement where there are several",
            );
        }
        None => findings.failure("role", refusal.message, "look again; the connection broke"),
    }
}

async fn other_role(clients: &Clients, findings: &mut Findings) {
    let submits = clients.ingest().list_schemas(v1::ListSchemasRequest::default()).await.is_ok();
    if submits {
        findings.ok("role", "submitter: records are submitted, corrected and withdrawn");
    } else {
        findings.warning(
            "role",
            "neither reader nor submitter",
            "if it should be one, have the agency file say so, and bring that into force",
        );
    }
}

/// Where the cursor file stands. What the gateway holds as acknowledged is told by `causeway acknowledge` alone.
fn position(path: &Path, findings: &mut Findings) {
    match cursor_file::read(Some(path)) {
        Ok(standing) if standing.agreement.is_empty() => {
            findings.warning(
                "feed",
                format!("{}: nothing was pulled yet", path.display()),
                "pull: causeway pull --cursor FILE",
            );
        }
        Ok(standing) => {
            let (of, at, newest) = (&standing.agreement, standing.position, standing.newest);
            let seen = format!("{of}: pulled up to position {at}, the gateway last told of {newest}");
            if at < newest {
                findings.warning("feed", seen, "pull on: withdrawals may be among the rest");
            } else {
                findings.ok("feed", seen);
            }
        }
        Err(failure) => findings.failure("feed", failure.to_string(), "give the file that pull or watch writes"),
    }
}
