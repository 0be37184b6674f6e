//! `cut`: how long a partner's open stream lives on after its certificate has been revoked.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_cli::certs;
use causeway_proto::v1;
use causeway_rig::Failed;
use causeway_store::Clock;

use crate::check::Check;
use crate::ground::Ground;
use crate::latency::Latency;

/// The longest that a stream may live on, in milliseconds.
const CUT_MILLIS: f64 = 1_000.0;

/// How long a stream that is not cut is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The purpose that partners state.
const PURPOSE: &str = "investigation";

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Partners whose certificates are revoked, one after the other; at most those that there are.
    #[arg(long, default_value_t = 20)]
    partners: usize,
}

impl Arguments {
    /// For a look at everything in a few minutes.
    pub(crate) fn short() -> Self {
        Self { partners: 10 }
    }

    /// For seeing that it runs.
    pub(crate) fn smoke() -> Self {
        Self { partners: 1 }
    }
}

/// Runs the benchmark in an installation of its own.
pub(crate) fn run(arguments: &Arguments, dir: &Path) -> Result<Vec<Check>, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ground = Ground::within(dir)?;
    let (gateway, reach) = ground.start()?;
    let mut latency = Latency::new();
    let mut longest = Duration::ZERO;
    for partner in partners(&ground.installation.path("config/agencies"))?.into_iter().take(arguments.partners) {
        let system = format!("{partner}/feed");
        let taken = runtime.block_on(async {
            let clients = reach.clients(&system, PURPOSE).await?;
            let mut pages = clients.feed().watch(v1::WatchRequest::default()).await?.into_inner();
            let id = system.parse().map_err(|_| "a system's name")?;
            let begun = Instant::now();
            certs::revoke(&ground.installation.path("certs-dev"), &id, Clock::system().now())
                .map_err(|failure| failure.to_string())?;
            let cut = async { while pages.message().await.is_ok_and(|page| page.is_some()) {} };
            tokio::time::timeout(PATIENCE, cut).await.map_err(|_| "a revoked partner's stream goes on")?;
            Ok::<_, Failed>(begun.elapsed())
        })?;
        latency.add(taken);
        longest = longest.max(taken);
    }
    gateway.stop()?;
    let millis = longest.as_secs_f64() * 1e3;
    Ok(vec![
        Check::shown("cut: streams", latency.len() as f64, "streams"),
        Check::shown("cut: from revocation to the end of the stream, p50", latency.millis(500), "ms"),
        Check::at_most("cut: from revocation to the end of the stream, longest", millis, "ms", CUT_MILLIS),
    ])
}

/// The agencies of a configuration that are partners: all but the one that operates the gateway.
fn partners(agencies: &Path) -> Result<Vec<String>, Failed> {
    let names = std::fs::read_dir(agencies)?.map(|entry| Ok(entry?.path()));
    let names = names.collect::<Result<Vec<_>, std::io::Error>>()?;
    let mut partners: Vec<String> = names
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|agency| agency != causeway_rig::OWNER)
        .collect();
    partners.sort_unstable();
    Ok(partners)
}
