//! The demonstration's gateway: the real one, on a journal and keys in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_gateway::{init_logging, launch};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::command::serve::load;

/// A gateway that serves until it is stopped. Its folder goes when it does.
#[derive(Debug)]
pub(super) struct DemoGateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), causeway_gateway::Error>>,
    place: PathBuf,
    _folder: TempDir,
}

impl DemoGateway {
    pub(super) async fn start(config_dir: &Path, certs_dir: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        let place = config_dir.join("gateway.toml");
        let folder = tempfile::Builder::new().prefix("causeway-demo-").tempdir();
        let folder = folder.map_err(|e| Failure::file(&std::env::temp_dir(), e))?;
        let mut config = load(&place)?;
        config.listen = listen;
        config.data_dir = folder.path().join("journal");
        config.keys_dir = folder.path().join("keys");
        config.tls.certificate = certs_dir.join("gb-nca/gateway.pem");
        config.tls.key = certs_dir.join("gb-nca/gateway.key");
        config.start.agencies = certs_dir.join("agencies");
        config.start.approvals = certs_dir.join("approvals");
        // Keys and journal share a temporary folder here: what the log says of that is for real installations.
        config.log.level = tracing::Level::ERROR;
        init_logging(config.log).map_err(|error| Failure::gateway(&place, &error))?;
        let gateway = launch(config).await.map_err(|error| match Failure::gateway(&place, &error) {
            Failure::Gateway { taken: true, .. } => Failure::usage(format!(
                "{listen} is taken: stop what listens there, or choose another with --listen 127.0.0.1:8444"
            )),
            failure => failure,
        })?;
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(gateway.serve(async move {
            // The sender is only ever dropped together with the demonstration, which is a stop too.
            let _ = stopped.await;
        }));
        Ok(Self { address, stop, serving, place, _folder: folder })
    }

    /// The address as clients write it.
    pub(super) fn address(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Stops serving, closes the journal and deletes it.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        let _ = self.stop.send(());
        let served =
            self.serving.await.map_err(|e| Failure::does_not_hold(format!("the gateway stopped badly: {e}")))?;
        served.map_err(|error| Failure::gateway(&self.place, &error))
    }
}
