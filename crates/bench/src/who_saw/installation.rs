//! A gateway of the shipped configuration in a folder of its own, served by this process, and the way to it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use causeway_cli::certs;
use causeway_gateway::client::{Clients, Credentials, Statement};
use causeway_gateway::identity::SpiffeId;
use causeway_gateway::{Config, launch};
use causeway_store::Clock;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Failed;

/// The configuration that is shipped.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");

/// Settings, identities and data. Goes when it is dropped.
#[derive(Debug)]
pub(super) struct Installation {
    folder: TempDir,
    pub(super) config: Config,
}

/// A gateway that serves.
#[derive(Debug)]
pub(super) struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), causeway_gateway::Error>>,
}

impl Running {
    /// Stops it; its data directory is free then.
    pub(super) async fn stop(self) -> Result<(), Failed> {
        let _ = self.stop.send(());
        Ok(self.served.await??)
    }
}

impl Installation {
    pub(super) fn within(parent: &Path) -> Result<Self, Failed> {
        let folder = tempfile::Builder::new().prefix("causeway-bench-").tempdir_in(parent)?;
        copy(Path::new(CONFIG), &folder.path().join("config"))?;
        certs::issue(&folder.path().join("certs-dev"), &folder.path().join("config"), Clock::system().now())
            .map_err(|failure| failure.to_string())?;
        let settings = folder.path().join("config/gateway.toml");
        let mut config = Config::load(&settings).map_err(|faults| faults.join("; "))?;
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { folder, config })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) async fn start(&self) -> Result<Running, Failed> {
        let gateway = launch(self.config.clone()).await?;
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(gateway.serve(async move {
            let _ = stopped.await;
        }));
        Ok(Running { address, stop, served })
    }

    /// A connection as a system, as `gb-nca/audit`.
    pub(super) async fn clients(&self, gateway: &Running, system: &str) -> Result<Clients, Failed> {
        let certs = self.path("certs-dev");
        let at = |end: &str| certs.join(format!("{system}.{end}"));
        let credentials = Credentials::load(&at("pem"), &at("key"), &certs.join("gb-nca/ca.pem"))?;
        let id: SpiffeId = "spiffe://gb-nca.causeway.example/gateway".parse().map_err(|_| "the gateway's id")?;
        let purpose = if system.ends_with("/audit") { "lawfulness" } else { "investigation" };
        let statement = Statement::new(purpose, "bench.operator")?;
        Ok(Clients::connect(&format!("https://{}", gateway.address), &credentials, &id, statement).await?)
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), &target).map(drop)?
        }
    }
    Ok(())
}
