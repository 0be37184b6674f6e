//! A disk that fills: slowly, so that the headroom is met, and to its last byte under load and before a start. Held: short of room the
//! gateway refuses what adds to it and goes on by itself when there is some; without any, the journal stops and is opened again; and all
//! that was acknowledged is there each time.

use std::time::{Duration, Instant};

use super::{Context, runtime};
use crate::Failed;
use crate::failing::Errno;
use crate::load::{Amount, Ledger, Load};
use crate::small_volume::SmallVolume;
use crate::stand::{Stand, refusal_of_a_submission};
use crate::table::Row;
use causeway_rig::Process;

/// The fault's name.
const NAME: &str = "disk-full";

/// Rounds, and the volume for them: the headroom of 16 MiB, and room for what the loads and the looks at everything add.
const SHORT: (u64, u32) = (2, 128);
const LONG: (u64, u32) = (10, 1024);

/// Less than the headroom, and more than the quarter of it that is never written.
const LOW: u64 = 12 << 20;

/// Fills a volume again and again. Where nothing can be mounted, the calls fail as on a full one, and the headroom is not met.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let (rounds, volume_mib) = if context.short { SHORT } else { LONG };
    let volume = SmallVolume::mount(volume_mib)?;
    let stand = match &volume {
        Some(volume) => Stand::within(volume.path())?,
        None => Stand::new()?,
    };
    if volume.is_none() {
        crate::complain_of(format_args!("{NAME}: nothing can be mounted here; ENOSPC comes from the calls instead"));
    }
    let disk = Disk { volume, stand };
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let mut row = Row { name: NAME, injected: 0, acknowledged: 0, lost: 0, recovered_ms: Some(0) };
    let mut process = disk.stand.start()?;
    for round in 0..rounds {
        if disk.volume.is_some() {
            runtime.block_on(disk.low(&process, context, round, &ledger, &mut row))?;
        }
        runtime.block_on(disk.full(&mut process, context, round, &ledger, &mut row))?;
        // A start that finds no room at all.
        process.kill()?;
        disk.fill(0)?;
        drop(disk.stand.installation.start(&disk.stand.failing.launch()));
        disk.empty()?;
        process = disk.stand.start()?;
        let took = process.took();
        runtime.block_on(disk.stand.check(&process, &ledger, took, &mut row))?;
    }
    process.stop()?;
    Ok(row)
}

#[derive(Debug)]
struct Disk {
    stand: Stand,
    volume: Option<SmallVolume>,
}

impl Disk {
    fn fill(&self, left: u64) -> Result<(), Failed> {
        match &self.volume {
            Some(volume) => volume.fill(left),
            None => self.stand.failing.fail(0, u64::MAX, Errno::NoSpace).map(drop),
        }
    }

    fn empty(&self) -> Result<(), Failed> {
        match &self.volume {
            Some(volume) => volume.empty(),
            None => self.stand.failing.heal(),
        }
    }

    /// Under the headroom: refused for want of room, not stopped; and the load that waits goes on when there is some.
    async fn low(
        &self,
        process: &Process,
        context: &Context,
        round: u64,
        ledger: &Ledger,
        row: &mut Row,
    ) -> Result<(), Failed> {
        let load = Load::begin(&self.stand.reach(process), amount(context, 2 * round), ledger);
        self.fill(LOW)?;
        self.stand.until_not_ready()?;
        let told = refusal_of_a_submission(&self.stand.reach(process), &format!("low-{round}")).await;
        if told.as_deref() != Some("disk-low") {
            return Err(format!("a submission to a gateway short of room was told {told:?}").into());
        }
        self.empty()?;
        let took = self.stand.until_ready()?;
        load.ended().await?;
        self.stand.check(process, ledger, took, row).await
    }

    /// To the last byte, faster than the gateway looks.
    async fn full(
        &self,
        process: &mut Process,
        context: &Context,
        round: u64,
        ledger: &Ledger,
        row: &mut Row,
    ) -> Result<(), Failed> {
        let load = Load::begin(&self.stand.reach(process), amount(context, 2 * round + 1), ledger);
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.fill(0)?;
        self.stand.until_not_ready()?;
        // Long enough to meet it with whatever is under way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if process.ended()?.is_some() {
            return Err(format!("the gateway ended by itself:\n{}", process.said()).into());
        }
        let emptied = Instant::now();
        self.empty()?;
        self.stand.until_ready()?;
        let took = emptied.elapsed();
        load.ended().await?;
        self.stand.check(process, ledger, took, row).await
    }
}

fn amount(context: &Context, round: u64) -> Amount {
    Amount { seed: context.seed, round, streamed: 300, single: 20, turns: 8 }
}
