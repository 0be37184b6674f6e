//! What happened to the gateway itself and auditors have to be able to see: an entry each, in the operator's name.

use causeway_journal::v1;
use causeway_model::AgencyId;

use crate::Exchange;
use crate::draft::Said;

/// What is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A changed file of the gateway's own (settings, certificate, key) was not taken: the one before stays in force.
    ReloadRefused,
    /// Files of the gateway's own were taken while it ran.
    Reloaded,
    /// An agency's revocation lists are older than its budget: its systems get withdrawals only.
    RevocationStale(AgencyId),
    /// They are fresh again.
    RevocationFresh(AgencyId),
    /// The journal's volume has less room than is kept for entries like this one: nothing else is taken.
    DiskLow,
    /// There is room again.
    DiskRoom,
    /// A backup was made.
    BackupMade,
}

impl Notice {
    /// The entry's reason code.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ReloadRefused => "reload-refused",
            Self::Reloaded => "reloaded",
            Self::RevocationStale(_) => "revocation-stale",
            Self::RevocationFresh(_) => "revocation-fresh",
            Self::DiskLow => "disk-low",
            Self::DiskRoom => "disk-room",
            Self::BackupMade => "backup-made",
        }
    }

    /// The agency that it is about; none where it is about the gateway.
    const fn about(&self) -> Option<&AgencyId> {
        match self {
            Self::RevocationStale(agency) | Self::RevocationFresh(agency) => Some(agency),
            Self::ReloadRefused | Self::Reloaded | Self::DiskLow | Self::DiskRoom | Self::BackupMade => None,
        }
    }
}

impl Exchange {
    /// Records a notice; says whether it is recorded. That it could not be is said in the log lines; whoever notices goes on all the
    /// same.
    pub async fn note(&self, notice: &Notice) -> bool {
        let mut draft = Said::allowed(v1::Operation::Administration, notice.reason()).by_operator(&self.operator());
        let about = |agency: &AgencyId| v1::Recipient { agency: agency.to_string(), ..v1::Recipient::default() };
        draft.entry.recipient = notice.about().map(about);
        let recorded = self.record(draft).await;
        if let Err(error) = &recorded {
            tracing::error!(notice = notice.reason(), reason = error.reason, error = %error, "could not be recorded");
        }
        recorded.is_ok()
    }
}
