//! How the logs of a gateway are opened: its own, in its data directory, and the one that nodes share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use causeway_store::{FrameLog, JetStreamLog, JetStreamSettings, SharedLog, SledLog, StoreError};

/// Opens a log in a data directory.
pub(super) type OpenOwn = Box<dyn FnOnce(&Path) -> Result<Box<dyn FrameLog>, StoreError> + Send>;

/// Connects to the log that nodes share.
pub(super) type OpenShared = Box<dyn FnOnce(JetStreamSettings) -> Result<Arc<dyn SharedLog>, StoreError> + Send>;

/// The ways of opening them. Both are taken on threads that may block.
pub struct Logs {
    pub(super) own: OpenOwn,
    pub(super) shared: OpenShared,
}

impl Logs {
    /// sled, and NATS JetStream.
    pub fn standard() -> Self {
        Self::over(|data_dir| Ok(Box::new(SledLog::open(data_dir)?)))
    }

    /// Another log of its own.
    pub fn over(own: impl FnOnce(&Path) -> Result<Box<dyn FrameLog>, StoreError> + Send + 'static) -> Self {
        let shared: OpenShared = Box::new(|settings| Ok(Arc::new(JetStreamLog::open(settings)?)));
        Self { own: Box::new(own), shared }
    }

    /// The same with this one as the log that nodes share, whatever the settings say where it is. It is closed when the gateway ends.
    #[must_use]
    pub fn sharing(self, log: Arc<dyn SharedLog>) -> Self {
        Self { shared: Box::new(|_| Ok(log)), ..self }
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logs(..)")
    }
}
