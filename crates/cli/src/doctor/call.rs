//! A live call over mutual TLS, as every client makes it: what was negotiated, whose certificate answered, and its health.

use causeway_gateway::client::{ClientError, Clients, Credentials, Statement, handshake};
use causeway_gateway::identity::SpiffeId;
use causeway_model::Timestamp;

use super::{Findings, Ground, certificates};
use crate::client_options::{ClientOptions, DEFAULT_GATEWAY};
use crate::session::{Doing, Files, gateway_id};

/// The gateway's clock and ours may differ by so many seconds: a date of HTTP has whole ones, and the answer took a while.
const MAX_SKEW_SECONDS: u64 = 5;

/// Why a call is made, where nobody says; every agreement names it.
const PURPOSE: &str = "investigation";

pub(super) async fn look(ground: &Ground<'_>, client: &ClientOptions, findings: &mut Findings) {
    if client.identity.is_none() && client.cert.is_none() {
        findings.warning(
            "live-call",
            "none was made: nobody was named to make it",
            "name an operator's system: --cert, --key and --ca, or --as in development",
        );
        return;
    }
    let mut client = client.clone();
    if client.gateway == DEFAULT_GATEWAY {
        client.gateway = here(ground.config.listen);
    }
    make(&client, ground.now, findings).await;
}

/// Where a client of this machine reaches what listens at `listen`.
fn here(listen: std::net::SocketAddr) -> String {
    let mut address = listen;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    format!("https://{address}")
}

/// Makes the call; gives the connection where it stands.
pub(super) async fn make(client: &ClientOptions, now: Timestamp, findings: &mut Findings) -> Option<Clients> {
    let prepared = Files::of(client, Doing::Operating).and_then(|files| Ok((files, gateway_id(client)?)));
    let (files, gateway) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => {
            findings.failure("live-call", failure.to_string(), "name a client's files that are there");
            return None;
        }
    };
    match call(client, &files, &gateway, now, findings).await {
        Ok(clients) => Some(clients),
        Err(error) => {
            let todo = match &error {
                ClientError::Unreachable { .. } => {
                    "start the gateway, or give the address at which it listens: --gateway"
                }
                ClientError::Refused => {
                    "compare the certificate with the agency file in force: issuer, system, revocation, dates"
                }
                ClientError::NotTheGateway(_) => {
                    "give the id and the CA of the gateway that is meant: --gateway-id, --ca"
                }
                _ => "mend that, and look again",
            };
            findings.failure("live-call", error.to_string(), todo);
            None
        }
    }
}

async fn call(
    client: &ClientOptions,
    files: &Files,
    gateway: &SpiffeId,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<Clients, ClientError> {
    let credentials = Credentials::load(&files.cert, &files.key, &files.ca)?;
    let agreed = handshake(&client.gateway, &credentials, gateway).await?;
    findings.ok("live-call", format!("{}: {}, keys by {}", client.gateway, agreed.protocol, agreed.key_exchange));
    if !agreed.key_exchange.contains("MLKEM") {
        let todo = "see that both sides are of a version that offers X25519MLKEM768";
        findings.warning("live-call", "the key exchange does not withstand a quantum computer", todo);
    }
    if let Some(end) = agreed.gateway_ends {
        certificates::until("the certificate that answered", end, now, "tell the gateway's operator", findings);
    }
    // Health is for every system, and reads no statement; what a partner asks beside it does.
    let purpose = client.purpose.as_deref().unwrap_or(PURPOSE);
    let statement = Statement::new(purpose, client.operator.as_deref().unwrap_or("doctor"))?;
    let clients = Clients::connect(&client.gateway, &credentials, gateway, statement).await?;
    match clients.health().await {
        Ok(health) => {
            skew(health.time, findings);
            if health.is_serving {
                findings.ok("live-call", "accepted, and the gateway is SERVING");
            } else {
                let todo = "its journal cannot be written: its operator sees why in its log lines";
                findings.failure("live-call", "accepted, and the gateway is NOT_SERVING", todo);
            }
        }
        Err(refusal) => findings.failure("live-call", refusal.message, "ask the gateway's operator"),
    }
    Ok(clients)
}

fn skew(theirs: Option<Timestamp>, findings: &mut Findings) {
    let Some(theirs) = theirs else { return };
    let ours = causeway_store::Clock::system().now();
    let seconds = ours.0.abs_diff(theirs.0) / 1_000_000;
    let seen = format!("{seconds} s between the gateway's clock and this one");
    if seconds > MAX_SKEW_SECONDS {
        findings.warning("clock", seen, "have both set by the network: certificates and days go by them");
    } else {
        findings.ok("clock", seen);
    }
}
