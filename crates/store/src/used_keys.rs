//! Whether a keys folder has kept a journal: then an empty data directory beside it is not a beginning.

use std::fs;
use std::path::Path;

use crate::key_folders::KeyFolders;
use crate::{erasures, page_keys};

/// Whether page keys were given out or erasures registered in this folder or in its mirror. A journal that is gone from beside them is
/// on a volume that is not mounted, or lost: to begin another one there would be to go on under keys of the first.
pub fn have_kept_a_journal(keys_dir: &Path, mirror_dir: Option<&Path>) -> bool {
    let holds_bytes = |path: &Path| fs::metadata(path).is_ok_and(|about| about.len() > 0);
    let folders = std::iter::once(keys_dir).chain(mirror_dir);
    let of_nodes = page_keys::names(&KeyFolders::as_they_are(keys_dir, mirror_dir)).unwrap_or_default();
    let names: Vec<String> =
        of_nodes.into_iter().chain([page_keys::NAME.to_owned(), erasures::NAME.to_owned()]).collect();
    let mut files = folders.flat_map(|folder| names.iter().map(|name| folder.join(name)));
    files.any(|path| holds_bytes(&path))
}
