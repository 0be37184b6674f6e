//! The settings by which the servers of a shared log are reached: `config/cluster.toml`.

use std::path::{Path, PathBuf};

use causeway_agreement::section::{self, Section, text};
use causeway_gateway::nodes::NodeSettings;
use causeway_store::{ClientFiles, JetStreamLog, JetStreamSettings, PATIENCE, StreamName};

use crate::Failure;

/// Reads them; the log's id is not among them.
pub(crate) fn read(path: &Path) -> Result<JetStreamSettings, Failure> {
    let content = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    section::read(&content, |own| settings(own, folder)).map_err(|faults| Failure::faults(path, &faults))
}

/// Connects to the log that they name.
pub(crate) fn open(settings: JetStreamSettings) -> Result<JetStreamLog, Failure> {
    JetStreamLog::open(settings).map_err(Failure::Store)
}

fn settings(own: &mut Section<'_>, folder: &Path) -> Option<JetStreamSettings> {
    let servers = own.required_list("servers", |value| address(&text(value)?));
    let stream = own.required("stream", |value| text(value)?.parse::<StreamName>().map_err(str::to_owned));
    let files = own.child_or_empty("tls", |tls| {
        let mut file = |key: &str| -> Option<PathBuf> { tls.required(key, |value| Ok(folder.join(text(value)?))) };
        let (ca, certificate, key) = (file("ca"), file("certificate"), file("key"));
        Some(ClientFiles { ca: ca?, certificate: certificate?, key: key? })
    });
    // Checked here too, so that no fault of it waits for the day on which a node starts.
    own.child("nodes", |nodes| NodeSettings::of(nodes, folder));
    Some(JetStreamSettings { servers: servers?, files: files?, stream: stream?, log_id: None, patience: PATIENCE })
}

/// `host:port`.
fn address(text: &str) -> Result<String, String> {
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if is_address { Ok(text.to_owned()) } else { Err("must be a host and a port, as log-1.example:4222".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_read_and_each_fault_is_named() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/cluster.toml");
        let settings = read(&sample).expect("the sample");
        assert_eq!((settings.servers.len(), settings.stream.as_str()), (3, "LOG"));
        assert!(settings.files.ca.ends_with("certs-dev/cluster/ca.pem"));
        let folder = tempfile::tempdir().expect("a folder");
        let bad = folder.path().join("cluster.toml");
        std::fs::write(&bad, "servers = [\"tls://a:1\", \"b\", \"c:0\"]\nstream = \"log\"\nsurprise = 1\n")
            .expect("written");
        let fault = read(&bad).expect_err("faults");
        let all = fault.details().join("\n");
        for place in
            ["servers[0]", "servers[1]", "servers[2]", "stream", "surprise", "tls.ca", "tls.certificate", "tls.key"]
        {
            assert!(all.contains(place), "{place}: {all}");
        }
        assert!(read(&folder.path().join("absent")).is_err());
    }
}
