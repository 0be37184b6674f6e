//! The key pages that frames of several writers carry, as a node takes them beside a frame.

use causeway_journal::Judged;

use crate::error::StoreError;
use crate::key_pages::{KeyPage, slot_of};
use crate::log::FrameLog;
use crate::vault::Vault;

/// The pages of a frame that is applied. Those of one that is passed over may be older than what is there.
pub(crate) fn key_pages(judged: &Judged) -> Vec<(u64, Vec<u8>)> {
    match judged {
        Judged::Applies(checked) => {
            checked.frame().key_pages.iter().map(|page| (page.number, page.stored.clone())).collect()
        }
        Judged::PassedOver(_) => Vec::new(),
    }
}

/// The same without those that would put keys out of reach which are here: a page goes on from the one that is stored, or it is not
/// taken. Where its page key is not here, nobody can tell.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn those_that_go_on(
    judged: &Judged,
    vault: &Vault,
    log: &dyn FrameLog,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut taken = Vec::new();
    for (number, stored) in key_pages(judged) {
        if goes_on(number, &stored, vault, log)? {
            taken.push((number, stored));
        } else {
            tracing::error!(
                page = number,
                "a frame has a key page that does not go on from the one here: it is not taken"
            );
        }
    }
    Ok(taken)
}

fn goes_on(number: u64, stored: &[u8], vault: &Vault, log: &dyn FrameLog) -> Result<bool, StoreError> {
    let (page_keys, before) = (vault.page_keys(), log.key_page(number)?);
    // One that was written anew lies elsewhere, and is not touched by what the log has.
    let Some(before) = before.filter(|before| *before != stored) else { return Ok(true) };
    if !page_keys.has(slot_of(stored)?) {
        return Ok(true);
    }
    // What came while its page key was not here may be nothing at all.
    let Ok(before) = KeyPage::open(number, &before, page_keys) else { return Ok(true) };
    Ok(KeyPage::open(number, stored, page_keys).is_ok_and(|now| now.follows(&before)))
}

#[cfg(test)]
mod tests {
    use causeway_crypto::{AeadKey, RootKey, random};
    use causeway_model::FrameSeq;

    use super::*;
    use crate::key_folders::KeyFolders;
    use crate::log::Beside;
    use crate::page_keys::Slot;
    use crate::sled_log::SledLog;

    #[test]
    fn a_page_is_taken_that_has_all_keys_of_the_one_before_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let folders = KeyFolders::prepare(&dir.path().join("keys"), None, &dir.path().join("data")).expect("made");
        let vault = Vault::open(&folders, &RootKey::generate()).expect("opened");
        let log = SledLog::open(&dir.path().join("data")).expect("opened");
        let (slot, page_key) = vault.page_keys().allocate().expect("allocated");
        let keys: Vec<AeadKey> = (0..4).map(|_| AeadKey::generate()).collect();
        let page = |keys: &[&AeadKey]| {
            let keys = keys.iter().map(|key| Some((*key).clone())).collect();
            KeyPage::of(keys).seal(slot.0, slot, &page_key)
        };
        let is_taken = |stored: &[u8]| goes_on(slot.0, stored, &vault, &log).expect("read");
        let garbage = [&slot.0.to_be_bytes()[..], &random::<60>()].concat();
        assert!(is_taken(&page(&[&keys[0]])), "the first");
        let put = |stored: &[u8]| {
            let beside = Beside { key_pages: vec![(slot.0, stored.to_vec())], ..Beside::default() };
            let bytes = random::<40>();
            log.append(&causeway_journal::frame_id(&bytes), &bytes, &beside, None)
                .map(|_: FrameSeq| ())
                .expect("appended");
        };
        put(&page(&[&keys[0], &keys[1]]));
        assert!(is_taken(&page(&[&keys[0], &keys[1], &keys[2]])) && is_taken(&page(&[&keys[0], &keys[1]])));
        for other in [page(&[&keys[0]]), page(&[&keys[0], &keys[3], &keys[2]]), page(&[]), garbage.clone()] {
            assert!(!is_taken(&other));
        }
        put(&garbage);
        assert!(is_taken(&page(&[&keys[0]])), "nothing is lost of what never opened");
        put(&page(&[&keys[0]]));
        vault.page_keys().destroy(&[Slot(slot.0)]).expect("destroyed");
        assert!(is_taken(&garbage), "there is nothing to be lost any more");
    }
}
