//! A noisy party: it is refused what is over its quota, and another's calls go on as if it were not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use causeway_gateway::config::Quota;

use super::{READER, SUBMITTER, limited, pull, told};
use crate::harness::calls::submit;
use crate::harness::{Gateway, World, documents};

/// How many times as many requests as it may the noisy agency makes.
const TIMES: u64 = 10;

/// What the noisy agency got.
#[derive(Default)]
struct Noise {
    admitted: AtomicU64,
    refused: AtomicU64,
}

/// A noisy agency that may make so many requests a second.
fn world(quota: u32) -> World {
    limited(move |limits| {
        let quota = Quota { requests_per_second: quota.into(), ..limits.quotas.agency };
        limits.quotas.agencies.insert("al-police".parse().expect("an id"), quota);
    })
}

/// Pulls as often as it wants to, whatever it is told, until it is told to stop.
async fn make(
    gateway: &Gateway,
    quota: u32,
    noise: &Arc<Noise>,
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..TIMES {
        let (mut feed, noise, stop) = (gateway.feed(READER).await, Arc::clone(noise), Arc::clone(stop));
        tasks.push(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / quota);
            while !stop.load(Ordering::Relaxed) {
                ticks.tick().await;
                match pull(&mut feed).await {
                    Ok(()) => noise.admitted.fetch_add(1, Ordering::Relaxed),
                    Err(status) => {
                        assert_eq!(told(&status).0, "requests-over-limit");
                        noise.refused.fetch_add(1, Ordering::Relaxed)
                    }
                };
            }
        }));
    }
    tasks
}

/// Submits one after the other for so long; how long each took, shortest first. All have to go well.
async fn submits(gateway: &Gateway, name: &str, lasting: Duration) -> Vec<Duration> {
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < lasting {
        let start = Instant::now();
        submit(&mut ingest, &format!("{name} {}", took.len()), &documents::route()).await.expect("it goes well");
        took.push(start.elapsed());
    }
    took.sort_unstable();
    took
}

/// Runs beside the noise and without it.
async fn compare(quota: u32, lasting: Duration) -> ([Vec<Duration>; 2], Arc<Noise>) {
    let world = world(quota);
    let gateway = world.start().await;
    let (noise, stop) = (Arc::new(Noise::default()), Arc::new(AtomicBool::new(false)));
    submits(&gateway, "warm", lasting / 4).await;
    let quiet = submits(&gateway, "quiet", lasting).await;
    let tasks = make(&gateway, quota, &noise, &stop).await;
    let beside = submits(&gateway, "beside", lasting).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("every refusal says why and when");
    }
    gateway.stop().await;
    ([quiet, beside], noise)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_noisy_is_told_when_to_come_again_and_nobody_else_is_refused() {
    let ([quiet, beside], noise) = compare(5, Duration::from_secs(2)).await;
    assert!(!quiet.is_empty() && !beside.is_empty());
    let (admitted, refused) = (noise.admitted.load(Ordering::Relaxed), noise.refused.load(Ordering::Relaxed));
    assert!(refused > 0 && admitted > 0, "{admitted} admitted, {refused} refused");
}

/// `cargo test --release -p causeway-tests --test gateway noisy -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, of half a minute"]
async fn noisy_latency() {
    let ([quiet, beside], noise) = compare(100, Duration::from_secs(12)).await;
    let p99 = |took: &[Duration]| took[took.len() * 99 / 100];
    let (quiet, beside) = (p99(&quiet), p99(&beside));
    let ratio = beside.as_secs_f64() / quiet.as_secs_f64();
    let (admitted, refused) = (noise.admitted.load(Ordering::Relaxed), noise.refused.load(Ordering::Relaxed));
    eprintln!(
        "noisy: {admitted} admitted, {refused} refused; p99 quiet {quiet:?}, beside {beside:?}, ratio {ratio:.2}"
    );
}
