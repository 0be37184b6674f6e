//! What a frame carried that left no entry: nobody ever reads it, and no erasure names it, so its keys go at once.

use causeway_journal::v1;

use crate::error::StoreError;
use crate::key_pages::slot_of;
use crate::page_keys::NodeNumber;
use crate::sequencer::Sequencer;
use crate::vault::Rewrite;

impl Sequencer {
    /// Destroys the keys of a frame of this node that was passed over. A page that other frames have keys in is written anew without them,
    /// which makes noise of the frame's own copy of it too; of a page that no frame has stored, the page key itself goes.
    ///
    /// # Errors
    /// When a file cannot be read or written: some of the keys may be there still.
    pub(crate) fn forget(&mut self, frame: &v1::Frame) -> Result<(), StoreError> {
        let own = self.vault.page_keys().own();
        let (mut rewrites, mut alone) = (Vec::new(), Vec::new());
        for page in frame.key_pages.iter().filter(|page| NodeNumber::of_page(page.number) == own) {
            let (number, log) = (page.number, self.shared.log.as_ref());
            let Some(stored) = self.vault.stored(number, log)? else {
                alone.push(slot_of(&page.stored)?);
                continue;
            };
            if self.vault.gone(number, log)?.is_some() {
                continue;
            }
            let held = self.vault.page(number, log)?;
            let shrouded = frame.items.iter().flat_map(|item| item.aside.iter().chain(&item.body));
            let slots = shrouded.filter(|shrouded| shrouded.page == number).map(|shrouded| shrouded.slot);
            let erased: Vec<u32> = slots.filter(|slot| held.reaches(*slot)).collect();
            if !erased.is_empty() || slot_of(&stored)? == slot_of(&page.stored)? {
                rewrites.push(Rewrite { page: number, erased });
            }
        }
        if !alone.is_empty() {
            self.vault.page_keys().destroy(&alone)?;
        }
        self.rewrite(&rewrites).map(drop)
    }
}
