//! A connection to a gateway as one client system, with the purpose and the operator that every call states.

use std::path::{Path, PathBuf};

use causeway_gateway::client::{
    Admin, Audit, ClientError, Clients, Credentials, Feed, Ingest, Protection, Refusal, Statement,
};
use causeway_gateway::identity::SpiffeId;
use causeway_model::{AgencyId, PurposeCode, SystemId};
use causeway_proto::v1::Violation;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::certs;
use crate::client_options::ClientOptions;
use crate::{Broken, Failure};
use causeway_verify::plain::plain;

/// Who acts, where a development identity is used and nobody says.
const DEVELOPMENT_OPERATOR: &str = "development";

/// What a command does, for the purpose that a development identity states where nobody says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Doing {
    /// Submitting, correcting, withdrawing.
    Submitting,
    /// Reading a feed.
    Reading,
    /// Reading the journal.
    Auditing,
    /// Erasing, holding, deciding about identities.
    Protecting,
    /// Asking for an identity, collecting it.
    Asking,
    /// Rotating keys, bringing documents into force.
    Operating,
}

impl Doing {
    /// A system that is likely to have the role, for the line that says how to choose one.
    const fn example(self) -> &'static str {
        match self {
            Self::Submitting => "gb-nca/case-management",
            Self::Reading => "al-police/feed",
            Self::Auditing => "gb-nca/audit",
            Self::Protecting => "gb-nca/protection",
            Self::Asking => "al-police/protection",
            Self::Operating => "gb-nca/operations",
        }
    }

    const fn default_purpose(self) -> &'static str {
        match self {
            Self::Submitting => "victim-identification",
            Self::Reading => "investigation",
            Self::Auditing => "lawfulness",
            Self::Protecting => "safeguarding",
            Self::Asking => "investigation",
            Self::Operating => "integrity",
        }
    }
}

/// A connection that stands.
#[derive(Debug)]
pub(crate) struct Session {
    gateway: String,
    clients: Clients,
    cert: PathBuf,
}

impl Session {
    /// Connects as the options say.
    pub(crate) async fn open(options: &ClientOptions, doing: Doing) -> Result<Self, Failure> {
        let files = Files::of(options, doing)?;
        let stated = |given: &Option<String>, option, default: &str| match (given, &options.identity) {
            (Some(given), _) => Ok(given.clone()),
            (None, Some(_)) => Ok(default.to_owned()),
            (None, None) => Err(Failure::usage(format!("every call states why and who acts: give {option}"))),
        };
        let purpose = stated(&options.purpose, "--purpose CODE", doing.default_purpose())?;
        let operator = stated(&options.operator, "--operator ID", DEVELOPMENT_OPERATOR)?;
        check_purpose(&purpose)?;
        let statement = Statement::new(&purpose, &operator);
        let statement = match &options.log_position {
            Some(position) => statement.and_then(|statement| statement.after(position)),
            None => statement,
        };
        let statement = statement.map_err(|error| Failure::usage(error.to_string()))?;
        let unreachable = |error| unreachable(error, &options.gateway);
        let credentials = Credentials::load(&files.cert, &files.key, &files.ca).map_err(unreachable)?;
        let gateway = gateway_id(options)?;
        let clients = Clients::connect(&options.gateway, &credentials, &gateway, statement).await;
        Ok(Self { gateway: options.gateway.clone(), clients: clients.map_err(unreachable)?, cert: files.cert })
    }

    /// The agency that this session speaks for, as its certificate says.
    pub(crate) fn agency(&self) -> Result<AgencyId, Failure> {
        let wrong = || Failure::content(&self.cert, "the certificate names no system of an agency".into());
        let certificate = CertificateDer::from_pem_file(&self.cert).map_err(|_| wrong())?;
        Ok(SpiffeId::of_certificate(&certificate).map_err(|_| wrong())?.system.agency)
    }

    /// What submitting systems call.
    pub(crate) fn ingest(&self) -> Ingest {
        self.clients.ingest()
    }

    /// What partner agencies call.
    pub(crate) fn feed(&self) -> Feed {
        self.clients.feed()
    }

    /// What auditors call.
    pub(crate) fn audit(&self) -> Audit {
        self.clients.audit()
    }

    /// What data-protection officers call.
    pub(crate) fn protection(&self) -> Protection {
        self.clients.protection()
    }

    /// What the operator calls.
    pub(crate) fn admin(&self) -> Admin {
        self.clients.admin()
    }

    /// Why a call failed.
    pub(crate) fn failure(&self, status: impl Into<Refusal>) -> Failure {
        let refusal = status.into();
        match refusal.reason {
            Some(reason) => {
                let violations = refusal.violations.iter().map(broken).collect();
                let request_id = refusal.request_id.as_deref().map(plain);
                Failure::Refused { reason: plain(&reason), message: one_line(&refusal.message), violations, request_id }
            }
            None => self.lost("the connection broke; check that the gateway is running, and try again"),
        }
    }

    /// The connection did not do what it should.
    pub(crate) fn lost(&self, fault: &str) -> Failure {
        Failure::Unreachable { fault: format!("{}: {fault}", self.gateway) }
    }
}

/// A message on one line: the gateway gives one that lists several faults on several.
fn one_line(message: &str) -> String {
    message.lines().map(plain).collect::<Vec<_>>().join("; ")
}

/// Says which purposes there are where the one stated is none.
fn check_purpose(purpose: &str) -> Result<(), Failure> {
    let code = purpose.split_once(':').map_or(purpose, |(code, _)| code);
    match code.parse::<PurposeCode>() {
        Ok(_) => Ok(()),
        Err(_) => {
            let codes: Vec<&str> = PurposeCode::ALL.iter().map(|code| code.as_str()).collect();
            Err(Failure::usage(format!("--purpose takes one of these codes, or CODE:TEXT: {}", codes.join(", "))))
        }
    }
}

/// Why the connection does not stand, and what to do.
fn unreachable(error: ClientError, gateway: &str) -> Failure {
    let fault = match error {
        ClientError::Files(faults) => {
            return Failure::Faults { place: "the client's identity".into(), faults, remedy: "" };
        }
        ClientError::Unreachable { gateway, source } => {
            format!("no gateway answers at {gateway} ({source}): start it with `causeway serve`, or give --gateway")
        }
        // This names the address itself.
        error @ ClientError::Address(_) => format!("{error}: give --gateway https://HOST:PORT"),
        error => format!("{gateway}: {error}"),
    };
    Failure::Unreachable { fault }
}

/// The development identities that are there.
fn identities(folder: &Path) -> Vec<String> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for agency in entries(folder) {
        for file in entries(&agency.path()).map(|file| file.path()) {
            let certificate = file.extension().is_some_and(|extension| extension == "pem");
            let system = file.file_stem().filter(|stem| certificate && *stem != "ca");
            found.extend(
                system.map(|system| format!("{}/{}", agency.file_name().to_string_lossy(), system.to_string_lossy())),
            );
        }
    }
    found.sort();
    found
}

/// A violation as people read it.
pub(crate) fn broken(violation: &Violation) -> Broken {
    let Violation { pointer, rule, reason } = violation;
    Broken { pointer: plain(pointer), rule: plain(rule), reason: plain(reason) }
}

/// A reason code with its words, where there are more than the code itself.
pub(crate) fn said(reason: &str, message: &str) -> String {
    let (reason, message) = (plain(reason), plain(message));
    if message.is_empty() || message == reason { reason } else { format!("{reason}: {message}") }
}

/// The three files of a client's identity.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
}

impl Files {
    pub(crate) fn of(options: &ClientOptions, doing: Doing) -> Result<Self, Failure> {
        if let (Some(cert), Some(key), Some(ca)) = (&options.cert, &options.key, &options.ca) {
            return Ok(Self { cert: cert.clone(), key: key.clone(), ca: ca.clone() });
        }
        let example = doing.example();
        let Some(name) = &options.identity else {
            let what = format!("say who calls: --as {example} (a development identity), or --cert, --key and --ca");
            return Err(Failure::usage(what));
        };
        let wrong = |_| Failure::usage(format!("--as takes an agency and a system, as {example}{}", options.known()));
        let SystemId { agency, system } = name.parse().map_err(wrong)?;
        let folder = options.certs_dir.join(agency.as_str());
        let cert = folder.join(format!("{system}.pem"));
        if !cert.exists() {
            let (folder, known) = (options.certs_dir.display(), options.known());
            let what = match known.as_str() {
                "" => format!("there is no development identity in {folder}: run `causeway certs dev`"),
                known => format!("there is no development identity {name} in {folder}{known}"),
            };
            return Err(Failure::usage(what));
        }
        let ca = options.certs_dir.join(gateway_system(options)?.agency.as_str()).join("ca.pem");
        Ok(Self { cert, key: folder.join(format!("{system}.key")), ca })
    }
}

impl ClientOptions {
    /// The development identities to choose from, to end a sentence with; nothing where there are none.
    fn known(&self) -> String {
        match identities(&self.certs_dir).join(", ") {
            none if none.is_empty() => none,
            some => format!("; there are {some}"),
        }
    }
}

fn gateway_system(options: &ClientOptions) -> Result<SystemId, Failure> {
    let wrong = |_| Failure::usage("--gateway-id takes an agency and a system, as gb-nca/gateway");
    options.gateway_id.parse().map_err(wrong)
}

/// Whom the client must find at the gateway's address.
pub(crate) fn gateway_id(options: &ClientOptions) -> Result<SpiffeId, Failure> {
    let wrong = |_| Failure::usage(format!("--trust-suffix takes a domain, as {}", certs::DEVELOPMENT_SUFFIX));
    Ok(SpiffeId { system: gateway_system(options)?, suffix: options.trust_suffix.parse().map_err(wrong)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_purpose_is_answered_with_all_of_them() {
        let fault = check_purpose("curiosity:text").expect_err("no purpose").to_string();
        assert!(PurposeCode::ALL.iter().all(|code| fault.contains(code.as_str())), "{fault}");
        check_purpose("safeguarding:referral").expect("a purpose");
    }

    #[test]
    fn what_a_gateway_says_stays_on_its_line() {
        let hostile = "two faults\ncauseway: all is well\u{1b}[2K\r\u{202e}";
        let lines = [
            one_line(hostile),
            said("a\nb", hostile),
            broken(&Violation { rule: hostile.into(), ..Violation::default() }).to_string(),
        ];
        assert!(lines.iter().all(|line| !line.contains(char::is_control) && !line.contains('\u{202e}')), "{lines:?}");
        assert!(lines[0].starts_with("two faults; causeway"), "{}", lines[0]);
    }

    #[test]
    fn an_unknown_identity_is_answered_with_those_that_are_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = ClientOptions::development("gb-nca/nobody", folder.path(), "https://127.0.0.1:1");
        let fault = || match Files::of(&options, Doing::Auditing) {
            Ok(_) => panic!("there is no such identity"),
            Err(failure) => failure.to_string(),
        };
        assert!(fault().contains("`causeway certs dev`"), "{}", fault());
        std::fs::create_dir(folder.path().join("gb-nca")).expect("a folder");
        for name in ["audit.pem", "audit.key", "ca.pem"] {
            std::fs::write(folder.path().join("gb-nca").join(name), "").expect("a file");
        }
        assert!(fault().ends_with("; there are gb-nca/audit"), "{}", fault());
    }
}
