//! `causeway doctor`: looks at a gateway's installation, or at a partner's own side, and says what is wrong and what to do.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::doctor::{self, Findings, State};
use crate::output::{say, say_json};

/// Looks at everything that a gateway needs, changes nothing, and says what to do. It exits with 0 where nothing fails, with 1 where
/// something does; warnings count with --strict only. To be run as the user that the gateway runs as.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The gateway's settings.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml", conflicts_with = "peer")]
    config: PathBuf,
    /// Look at a partner's own side instead: its certificate, key, clock and role, and where it stands.
    #[arg(long)]
    peer: bool,
    /// The agreement, where the partner has several.
    #[arg(long, value_name = "ID", requires = "peer", default_value = "")]
    agreement: String,
    /// The cursor file that the partner pulls with.
    #[arg(long, value_name = "FILE", requires = "peer")]
    cursor: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Warnings fail, too.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let findings = if options.peer {
        doctor::partner(&options.client, &options.agreement, options.cursor.as_deref()).await
    } else {
        doctor::installation(&options.config, &options.client).await
    };
    show(&findings, options.json);
    let (warnings, failures) = (findings.count(State::Warning), findings.count(State::Failure));
    match (failures, warnings) {
        (0, 0) => Ok(()),
        (0, _) if !options.strict => Ok(()),
        (0, warnings) => Err(Failure::DoesNotHold(format!("{warnings} warnings"))),
        (failures, _) => Err(Failure::DoesNotHold(format!("{failures} failures; mend them and look again"))),
    }
}

fn show(findings: &Findings, json: bool) {
    if json {
        let count = |state| findings.count(state);
        say_json(&json!({
            "findings": findings.all(),
            "ok": count(State::Ok),
            "warnings": count(State::Warning),
            "failures": count(State::Failure),
        }));
    } else {
        findings.lines().iter().for_each(say);
    }
}
