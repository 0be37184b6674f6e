//! Partners that open a feed and read nothing of it. Held: what is made for them is bounded, they are cut, and submissions go on.

use std::time::{Duration, Instant};

use causeway_proto::v1;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Ledger, PARTNERS, everything};
use crate::pressure::{Submitter, megabytes, memory, serves};
use crate::table::Row;
use causeway_rig::{Installation, Launch, Reach};

/// Memory that a gateway may take more than before: 16 large pages of each of two agencies, twice, and what records take.
const MOST_MORE: u64 = 300 << 20;

/// Calls of one connection, as the gateway takes them.
const STREAMS: usize = 100;

/// What a feed holds at least before it is read, in submissions.
const SECONDS_OF_RECORDS: u64 = 4;

/// How long a reader may read nothing, in the settings of this fault.
const UNREAD: Duration = Duration::from_secs(5);

/// What is held of an answer that nobody reads.
type Unread = Box<dyn std::any::Any + Send>;

/// Opens watches that nobody reads, and submits meanwhile.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let count: usize = if context.short { 200 } else { 1_000 };
    let installation = Installation::new()?;
    installation
        .edit(|text| text.replace("# unread_seconds = 60", &format!("unread_seconds = {}", UNREAD.as_secs())))?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let process = installation.start(&Launch::default())?;
    let reach = installation.reach(&process);
    let submitter = |name: &'static str, seconds: u64| Submitter {
        name,
        seed: context.seed,
        until: Instant::now() + Duration::from_secs(seconds),
        heeds: true,
    };
    runtime.block_on(async {
        let tasks = (0..8).map(|task| {
            let (reach, ledger, name) = (reach.clone(), ledger.clone(), format!("before-{task}"));
            let until = Instant::now() + Duration::from_secs(SECONDS_OF_RECORDS);
            let own = context.seed + task;
            tokio::spawn(
                async move { Submitter { name: &name, seed: own, until, heeds: true }.run(&reach, &ledger).await },
            )
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await??;
        }
        Ok::<_, Failed>(())
    })?;
    let before = memory(process.id())?;
    let (most, went) = runtime.block_on(async {
        let unread = open(&reach, count).await?;
        let (mut most, began) = (0, Instant::now());
        let beside = submitter("beside", 2 * UNREAD.as_secs());
        let (reach, own) = (reach.clone(), ledger.clone());
        let submitting = tokio::spawn(async move { beside.run(&reach, &own).await });
        while began.elapsed() < 2 * UNREAD {
            most = most.max(memory(process.id())?);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let went = submitting.await??;
        drop(unread);
        Ok::<_, Failed>((most, went))
    })?;
    crate::complain_of(format_args!(
        "slow-readers: {count} watches, {} submissions beside them; {} MiB before, {} at most",
        went.took.len(),
        megabytes(before),
        megabytes(most)
    ));
    went.held(before, most, MOST_MORE)?;
    let recovered = runtime.block_on(serves(&reach, &ledger, context.seed))?;
    let recovered_ms = Some(u64::try_from(recovered.as_millis())?);
    let checked = runtime.block_on(everything(&reach, &ledger.all()))?;
    process.stop()?;
    let injected = u64::try_from(count)?;
    Ok(Row { name: "slow-readers", injected, acknowledged: checked.acknowledged, lost: checked.lost(), recovered_ms })
}

/// Watches of both partners; each is open, and nothing of it is read.
async fn open(reach: &Reach, count: usize) -> Result<Vec<Unread>, Failed> {
    let mut unread = Vec::new();
    let mut clients = Vec::new();
    for number in 0..count {
        let partner = PARTNERS[number % PARTNERS.len()];
        if number % STREAMS == 0 {
            clients.clear();
            for partner in PARTNERS {
                clients.push(reach.clients(partner.system, "investigation").await?);
            }
        }
        let request =
            v1::WatchRequest { agreement: partner.agreement.into(), limit: 500, ..v1::WatchRequest::default() };
        if let Ok(answer) = clients[number % PARTNERS.len()].feed().watch(request).await {
            unread.push(Box::new(answer.into_inner()) as Unread);
        }
    }
    Ok(unread)
}
