//! What a changed settings file changes: what is taken while the gateway runs, and what has to wait for its next start.

use crate::config::{Config, Limits, Log};

/// The names of the settings that differ and are read at a start only.
pub(super) fn waiting(in_force: &Config, new: &Config) -> Vec<&'static str> {
    let differs =
        |((name, old), (_, new)): &((&'static str, String), (&'static str, String))| (old != new).then_some(*name);
    fixed(in_force).into_iter().zip(fixed(new)).filter_map(|pair| differs(&pair)).collect()
}

/// Every setting that is read at a start only, with what it says. Each section is named here or left out here, on purpose.
fn fixed(config: &Config) -> Vec<(&'static str, String)> {
    let Config {
        source: _,
        origin,
        suffix,
        operator,
        node,
        listen,
        data_dir,
        keys_dir,
        cluster,
        keys,
        reflection,
        tls: _,
        revocation: _,
        start,
        own_identities,
        witnesses,
        backup_recipient,
        disk,
        limits,
        metrics,
        log: Log { format, level: _ },
    } = config;
    // What HTTP/2 and the journal are set up with when they begin; all else of the limits is asked for each time.
    let Limits { message_bytes, header_bytes, streams, keepalive, queue_depth, .. } = limits;
    vec![
        ("origin", origin.clone()),
        ("spiffe_suffix", format!("{suffix:?}")),
        ("operator", operator.to_string()),
        ("node", node.clone()),
        ("listen", listen.to_string()),
        ("data_dir", format!("{data_dir:?}")),
        ("keys_dir", format!("{keys_dir:?}")),
        ("cluster", format!("{cluster:?}")),
        ("keys", format!("{keys:?}")),
        ("reflection", reflection.to_string()),
        ("start", format!("{start:?}")),
        ("identity", format!("{own_identities:?}")),
        ("witnesses", format!("{witnesses:?}")),
        ("backup", format!("{backup_recipient:?}")),
        ("disk", format!("{disk:?}")),
        ("limits.message_bytes", message_bytes.to_string()),
        ("limits.header_bytes", header_bytes.to_string()),
        ("limits.streams", streams.to_string()),
        ("limits.keepalive_seconds", format!("{keepalive:?}")),
        ("limits.queue_depth", queue_depth.to_string()),
        ("metrics", format!("{metrics:?}")),
        ("log.format", format!("{format:?}")),
    ]
}
