//! Opening keys and journal, on threads that may block; those of a node together with its way into the cluster.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use causeway_store::{Clock, Journal, KeySettings, Keys, NodeKeys, Options};

use super::joining::{Membership, SharedPart};
use super::logs::OpenOwn;
use super::preflight;
use crate::config::Config;
use crate::error::Error;

/// The keys, the journal, and what makes it a node where it is one. A node's keys are at the port for the others before its journal opens,
/// since they wait for each other's.
pub(super) async fn open(
    config: &Config,
    clock: Clock,
    log: OpenOwn,
    shared: Option<SharedPart>,
) -> Result<(Arc<Keys>, Journal, Option<Membership>), Error> {
    // New keys would read nothing of a journal that is there.
    let may_create = preflight::is_unused(&config.data_dir) && shared.as_ref().is_none_or(SharedPart::is_empty);
    let settings = KeySettings {
        keys_dir: config.keys_dir.clone(),
        root: config.keys.root.clone(),
        previous_root: config.keys.previous_root.clone(),
        may_create,
    };
    let keys = aside(move || keys(&settings)).await?;
    let (membership, node) = match (shared, &config.cluster) {
        (Some(shared), Some(cluster)) => {
            let (membership, node_keys) = shared.join(config, cluster, &keys, &clock).await?;
            let upstream = membership.upstream();
            (Some(membership), Some((node_keys, upstream)))
        }
        _ => (None, None),
    };
    let (node_keys, upstream) = node.unzip();
    let options = options(config, &keys, clock, node_keys);
    let started = aside(move || {
        let log = log(&options.data_dir)?;
        if on_one_volume(&options.keys_dir, &options.data_dir) {
            tracing::warn!("keys and journal are on one volume: whoever takes it has both; keep the keys elsewhere");
        }
        let (keys_dir, mirror_dir) = (options.keys_dir.clone(), options.mirror_dir.clone());
        let journal = match upstream {
            Some(upstream) => Journal::start_as_node(log, options, upstream)?,
            None => Journal::start(log, options)?,
        };
        if mirror_dir.is_some_and(|mirror| on_one_volume(&keys_dir, &mirror)) {
            tracing::warn!("keys and their mirror are on one volume: with it, both are lost; mirror to another");
        }
        Ok(journal)
    });
    match (started.await, membership) {
        (Ok(journal), membership) => Ok((keys, journal, membership)),
        (Err(error), membership) => {
            if let Some(membership) = membership {
                membership.give_up().await;
            }
            Err(error)
        }
    }
}

fn keys(settings: &KeySettings) -> Result<Arc<Keys>, Error> {
    let (keys, created) = Keys::open(settings)?;
    if created {
        let folder = settings.keys_dir.display();
        tracing::info!(%folder, "created the key ring; make a bundle of it, and keep it apart");
    }
    Ok(Arc::new(keys))
}

fn options(config: &Config, keys: &Arc<Keys>, clock: Clock, node_keys: Option<NodeKeys>) -> Options {
    Options {
        data_dir: config.data_dir.clone(),
        keys_dir: config.keys_dir.clone(),
        mirror_dir: config.keys.mirror_dir.clone(),
        keys: Arc::clone(keys),
        clock,
        node: config.node.clone(),
        origin: config.origin.clone(),
        software: concat!("causeway/", env!("CARGO_PKG_VERSION")).to_owned(),
        queue_depth: config.limits.queue_depth,
        signing_overlap: config.keys.signing_overlap,
        headroom_bytes: config.disk.headroom_bytes,
        node_keys,
        index: true,
    }
}

/// Does what blocks on a thread that may.
pub(super) async fn aside<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

fn on_one_volume(one: &Path, other: &Path) -> bool {
    let volume = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.dev()).ok();
    volume(one).is_some_and(|device| volume(other) == Some(device))
}
