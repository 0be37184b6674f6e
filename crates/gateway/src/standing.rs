//! Whether a peer may go on: its certificate, its agency and whether that is suspended or narrowed, its system and its role, looked at again while a call lasts.

use std::sync::Arc;
use std::time::Duration;

use causeway_agreement::Role;
use causeway_exchange::Exchange;
use causeway_model::RequestId;
use causeway_store::Clock;
use tonic::Status;

use crate::access::Access;
use crate::peer::{Peer, unix_time};
use crate::status::{self, Fault};
use crate::trust::Authority;

/// How often an open stream is looked at: twice in the second within which it must be cut.
pub(crate) const LOOK: Duration = Duration::from_millis(500);
const _: () = assert!(LOOK.as_millis() < 1000);

/// What a peer's standing rests on.
#[derive(Debug)]
pub(crate) struct Standings {
    pub(crate) authority: Arc<Authority>,
    pub(crate) exchange: Exchange,
    pub(crate) clock: Clock,
}

/// One peer's standing in one call.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) basis: Arc<Standings>,
    pub(crate) peer: Peer,
    pub(crate) access: Access,
    /// Whether the call may go on while the peer's agency is suspended, or its revocation lists are too old.
    pub(crate) while_suspended: bool,
    pub(crate) request_id: RequestId,
}

impl Standing {
    /// Looks at identity and role, and leaves an entry of what is refused.
    pub(crate) async fn check(&self) -> Result<(), Status> {
        match self.look() {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.deny(fault).await),
        }
    }

    /// Returns once the peer may not go on. For open streams, which are cut then.
    pub(crate) async fn lost(&self) -> Status {
        loop {
            // It hears from here on: what is renewed while it looks is looked at again.
            let renewed = self.basis.authority.renewed();
            if let Err(fault) = self.look() {
                return self.deny(fault).await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = renewed => {}
            }
        }
    }

    fn look(&self) -> Result<(), Fault> {
        let Standings { authority, exchange, clock } = &*self.basis;
        self.peer.still_holds(authority, unix_time(clock)).map_err(|reason| {
            tracing::info!(%reason, "identity lapsed");
            Fault::IdentityLapsed
        })?;
        let has_any = |roles: &[Role]| exchange.roles(self.peer.system()).iter().any(|role| roles.contains(role));
        match self.access {
            Access::Roles(roles) if !has_any(roles) => Err(Fault::RoleMissing(roles)),
            _ if self.while_suspended => Ok(()),
            _ if exchange.is_suspended(&self.peer.system().agency) => Err(Fault::AgencySuspended),
            _ if exchange.is_narrowed(&self.peer.system().agency) => Err(Fault::RevocationStale),
            Access::Roles(_) | Access::AnySystem => Ok(()),
        }
    }

    /// The entry of the refusal first, then the refusal; another where the entry could not be written.
    pub(crate) async fn deny(&self, fault: Fault) -> Status {
        let system = self.peer.system().clone();
        let peer = causeway_exchange::Peer { system, certificate_digest: self.peer.certificate_digest() };
        match self.basis.exchange.deny(&peer, fault.reason(), self.request_id).await {
            Ok(()) => fault.into(),
            Err(error) => status::of(error),
        }
    }
}
