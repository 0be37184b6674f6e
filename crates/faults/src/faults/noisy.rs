//! One agency asks ten times as often as it may. Held: it is told when to come again, and another agency's calls take as long as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use causeway_gateway::client::Refusal;
use causeway_proto::v1;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Ledger, PARTNERS, everything};
use crate::pressure::{Submitter, serves};
use crate::table::Row;
use causeway_rig::{Installation, Launch, Reach};

/// Requests a second that the noisy agency may make, and how many times as many it makes.
const QUOTA: u32 = 100;
const TIMES: u32 = 10;

/// How many times as long as in quiet, in hundredths, another's calls may take beside the noise.
const LATENCY: u128 = 150;

/// Measures the quiet, then beside the noise.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let seconds: u64 = if context.short { 5 } else { 30 };
    let installation = Installation::new()?;
    installation.edit(|text| {
        text.replace(
            "# [limits.agencies.al-police]",
            &format!("[limits.agencies.al-police]\nrequests_per_second = {QUOTA}"),
        )
    })?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let process = installation.start(&Launch::default())?;
    let reach = installation.reach(&process);
    let submits = async |name: &str| {
        let until = Instant::now() + Duration::from_secs(seconds);
        Submitter { name, seed: context.seed, until, heeds: true }.run(&reach, &ledger).await
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (quiet, beside, (admitted, refused)) = runtime.block_on(async {
        submits("warm").await?;
        let quiet = submits("quiet").await?;
        let noise: Vec<_> = (0..TIMES).map(|_| tokio::spawn(make(reach.clone(), Arc::clone(&stop)))).collect();
        let beside = submits("beside").await?;
        stop.store(true, Ordering::Relaxed);
        let mut sum = (0, 0);
        for task in noise {
            let (admitted, refused) = task.await??;
            sum = (sum.0 + admitted, sum.1 + refused);
        }
        Ok::<_, Failed>((quiet, beside, sum))
    })?;
    let ratio = beside.within(99).as_micros() * 100 / quiet.within(99).as_micros().max(1);
    crate::complain_of(format_args!(
        "noisy: {admitted} admitted and {refused} refused of the noisy; p99 {:?} in quiet, {:?} beside it ({ratio}%)",
        quiet.within(99),
        beside.within(99)
    ));
    if !beside.refused.is_empty() || beside.put_off > 0 || refused == 0 {
        return Err(format!("{refused} refused of the noisy; of the other {:?}", beside.refused).into());
    }
    // In a few seconds a single slow call makes the difference.
    if ratio > LATENCY && !context.short {
        return Err(format!("p99 beside the noise is {ratio}% of the quiet one").into());
    }
    let recovered = runtime.block_on(serves(&reach, &ledger, context.seed))?;
    let recovered_ms = Some(u64::try_from(recovered.as_millis())?);
    let checked = runtime.block_on(everything(&reach, &ledger.all()))?;
    process.stop()?;
    Ok(Row { name: "noisy", injected: refused, acknowledged: checked.acknowledged, lost: checked.lost(), recovered_ms })
}

/// Pulls as often as the quota has requests, whatever it is told; with [`TIMES`] of these it is so many times as often. How often it was
/// answered, and refused with a delay.
async fn make(reach: Reach, stop: Arc<AtomicBool>) -> Result<(u64, u64), Failed> {
    let mut feed = reach.clients(PARTNERS[0].system, "investigation").await?.feed();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / QUOTA);
    let (mut admitted, mut refused) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let request =
            v1::PullRequest { agreement: PARTNERS[0].agreement.into(), limit: 1, ..v1::PullRequest::default() };
        match feed.pull(request).await.map_err(Refusal::from) {
            Ok(_) => admitted += 1,
            Err(Refusal { retry_after: Some(_), .. }) => refused += 1,
            Err(refusal) => return Err(format!("refused without a delay: {}", refusal.message).into()),
        }
    }
    Ok((admitted, refused))
}
