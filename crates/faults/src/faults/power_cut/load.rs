//! The load that is recorded: a first start, mixed load, every rotation, an agreement that comes into force, erasures, a stop, and a
//! second start.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use causeway_journal::v1::DocumentKind;
use causeway_journal::{KEY_CHECKPOINT_SIGNING, KEY_FEED_PREFIX, KEY_PAGES, KEY_ROOT, document_digest};
use causeway_proto::v1;

use super::subject::PLAYED;
use crate::Failed;
use crate::load::{Amount, Kept, Ledger, Load, PARTNERS};
use crate::power::{Base, Played, Recorder, Recording};
use causeway_rig::{Installation, Reach};

/// The checkpoint file is written a second after an entry at the latest.
const CHECKPOINT: Duration = Duration::from_millis(1_300);

/// What was recorded, and what was acknowledged meanwhile.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) installation: Installation,
    pub(crate) base: Base,
    pub(crate) recording: Recording,
    pub(crate) kept: Arc<Vec<Kept>>,
}

impl Recorded {
    /// As it is played.
    pub(super) fn played(&self) -> Played<'_> {
        Played { recording: &self.recording, base: &self.base, kept: 0, real: self.installation.root() }
    }

    /// Runs the load. It takes a few seconds.
    pub(crate) async fn make(seed: u64) -> Result<Self, Failed> {
        let installation = Installation::new()?;
        let (base, recorder) = (Base::of(&installation.path(""), &PLAYED)?, Recorder::of(&installation.path(""))?);
        let ledger = Ledger::default();
        ledger.mark_in(recorder.marks()?);
        let phase = |name: &str| recorder.phase(name);
        phase("first-start")?;
        let process = installation.start(&recorder.launch())?;
        let reach = installation.reach(&process);
        let amount = |round| Amount { seed, round, streamed: 40, single: 12, turns: 8 };
        phase("load")?;
        Load::begin(&reach, amount(1), &ledger).ended().await?;
        phase("rest")?;
        tokio::time::sleep(CHECKPOINT).await;
        let beside = Load::begin(&reach, amount(2), &ledger);
        for (name, key) in [
            ("rotate-feed", format!("{KEY_FEED_PREFIX}{}", PARTNERS[0].agreement)),
            ("rotate-signing", KEY_CHECKPOINT_SIGNING.to_owned()),
            ("rotate-pages", KEY_PAGES.to_owned()),
            ("rotate-root", KEY_ROOT.to_owned()),
        ] {
            phase(name)?;
            rotate(&reach, &key, &ledger).await?;
        }
        phase("activate")?;
        activate(&installation, &reach, &ledger).await?;
        phase("load-after")?;
        beside.ended().await?;
        phase("stop")?;
        process.stop()?;
        phase("second-start")?;
        let process = installation.start(&recorder.launch())?;
        phase("second-load")?;
        Load::begin(&installation.reach(&process), amount(3), &ledger).ended().await?;
        phase("second-stop")?;
        process.stop()?;
        Ok(Self { recording: recorder.read()?, base, installation, kept: Arc::new(ledger.all()) })
    }
}

async fn rotate(reach: &Reach, key: &str, ledger: &Ledger) -> Result<(), Failed> {
    let mut admin = reach.clients("gb-nca/operations", "integrity").await?.admin();
    let request = v1::RotateKeyRequest { key: key.into(), compromised: false };
    let rotated = admin.rotate_key(request).await.map_err(|status| format!("{key}: {}", status.message()))?;
    let rotated = rotated.into_inner();
    if !rotated.verifier_key.is_empty() {
        ledger.keep(Kept::VerifierKey { key: rotated.verifier_key });
    }
    ledger.keep(Kept::Recorded { what: "a key's next epoch", leaf: rotated.leaf_index });
    Ok(())
}

/// Brings the next version of an agreement into force, which says the same.
async fn activate(installation: &Installation, reach: &Reach, ledger: &Ledger) -> Result<(), Failed> {
    let id = PARTNERS[1].agreement;
    let text = fs::read_to_string(installation.path(&format!("config/agreements/{id}.toml")))?;
    let text = text.replacen("version = 1", "version = 2", 1).into_bytes();
    let approvals = reach.approvals(&document_digest(DocumentKind::Agreement, id, 2, &text))?;
    let request = v1::ActivateDocumentRequest { kind: "agreement".into(), id: id.into(), version: 2, text, approvals };
    let mut admin = reach.clients("gb-nca/operations", "integrity").await?.admin();
    let activated = admin.activate_document(request).await.map_err(|status| status.message().to_owned())?;
    ledger.keep(Kept::Recorded { what: "an agreement in force", leaf: activated.into_inner().leaf_index });
    Ok(())
}
