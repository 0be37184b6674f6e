//! The files of a mirror: those of C2SP tlog-tiles, and below `causeway/` what a verifier needs to apply the entries again.

use std::fs;
use std::path::Path;

use causeway_crypto::Digest;
use causeway_journal::{TILE_WIDTH, TilePath};

use crate::VerifyError;

/// The signed checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// The checkpoint that an unfinished mirror is on its way to.
pub(crate) const NEXT: &str = "causeway/next";

/// The digests of the files of notes, one a line, as `sha256sum` writes and checks them: nothing else in a mirror says that a rules
/// version is the one that was received.
pub(crate) const SUMS: &str = "causeway/sums";

const NOTES: &str = "causeway/notes/";

const BUNDLES: &str = "tile/entries/";

/// Longest signed checkpoint that is read, in bytes.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = causeway_journal::note::MAX_NOTE_BYTES;

/// Folders within folders: an index of 2^54 has six groups of digits.
const MAX_DEPTH: usize = 10;

/// How many bundles a log of this size has, the last of which may be partial.
pub(crate) fn bundles(size: u64) -> u64 {
    size.div_ceil(TILE_WIDTH as u64)
}

/// The path of the notes to a bundle.
pub(crate) fn notes_of(bundle: TilePath) -> String {
    bundle.to_string().replacen(BUNDLES, NOTES, 1)
}

/// The line of a file of notes in [`SUMS`].
pub(crate) fn sum_line(bundle: TilePath, digest: Digest) -> String {
    format!("{digest}  {}\n", notes_of(bundle))
}

/// Longest [`SUMS`] of a log of this size: a digest, two spaces, a path of at most 64 bytes and a line feed for each bundle.
pub(crate) fn max_sums_bytes(size: u64) -> usize {
    usize::try_from(bundles(size).saturating_mul(64 + 2 + 64 + 1)).unwrap_or(usize::MAX)
}

/// Whether a mirror of a log of this size has a file at this path.
pub(crate) fn is_of(size: u64, path: &str, with_notes: bool) -> bool {
    let is_tile = |path: &str| match TilePath::parse(path) {
        Ok(tile @ TilePath::Hashes { level, index, .. }) => TilePath::hashes_in(size, level, index) == Some(tile),
        Ok(tile @ TilePath::Entries { index, .. }) => TilePath::entries_in(size, index) == Some(tile),
        Err(_) => false,
    };
    match path.strip_prefix(NOTES) {
        _ if path == CHECKPOINT => true,
        Some(bundle) => with_notes && is_tile(&format!("{BUNDLES}{bundle}")),
        None if path == SUMS => with_notes,
        None => is_tile(path),
    }
}

/// The partial files of a mirror of this size: its last bundle, the notes to it, and a tile of each level.
pub(crate) fn edge(size: u64) -> impl Iterator<Item = String> {
    let width = TILE_WIDTH as u64;
    let on_level = move |level: u8| size.checked_shr(8 * u32::from(level)).filter(|size| size % width > 0);
    let tiles = (0..8).filter_map(move |level| TilePath::hashes_in(size, level, on_level(level)? / width));
    let bundle = TilePath::entries_in(size, size / width);
    let of_bundle = bundle.into_iter().flat_map(|bundle| [bundle.to_string(), notes_of(bundle)]);
    tiles.map(|tile| tile.to_string()).chain(of_bundle)
}

/// Refuses files that a mirror of this size has no place for: nothing would say what they are.
pub(crate) fn check_strays(folder: &Path, size: u64, with_notes: bool) -> Result<(), VerifyError> {
    let mut open = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, below, depth)) = open.pop() {
        let failed = |error| VerifyError::file(&folder, &error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let path = format!("{below}{}", name.to_string_lossy());
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && depth < MAX_DEPTH {
                open.push((entry.path(), format!("{path}/"), depth + 1));
            } else if path == NEXT {
                let what = "the mirror is not finished; `causeway audit mirror` goes on with it";
                return Err(VerifyError::at(entry.path().display(), what));
            } else if !kind.is_file() || name.to_str().is_none() || !is_of(size, &path, with_notes) {
                return Err(VerifyError::at(entry.path().display(), "no file of a mirror of this size"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_the_files_of_its_size_and_no_others() {
        let is_there = |path: &str| is_of(70_000, path, true);
        for path in [
            "checkpoint",
            "causeway/sums",
            "tile/0/000",
            "tile/0/273.p/112",
            "tile/1/000",
            "tile/1/001.p/17",
            "tile/2/000.p/1",
            "tile/entries/273.p/112",
            "tile/entries/272",
            "causeway/notes/273.p/112",
            "causeway/notes/000",
        ] {
            assert!(is_there(path), "{path}");
        }
        for path in [
            "tile/0/273",
            "tile/0/273.p/111",
            "tile/0/274",
            "tile/3/000.p/1",
            "tile/entries/273",
            "causeway/notes/273",
            "causeway/next",
            "causeway/notes/000.unfinished",
            "README",
        ] {
            assert!(!is_there(path), "{path}");
        }
        assert_eq!((bundles(0), bundles(1), bundles(256), bundles(257)), (0, 1, 1, 2));
        assert!(!is_of(70_000, "causeway/sums", false));
        let partial: Vec<_> = edge(70_000).collect();
        assert_eq!(partial.len(), 5, "{partial:?}");
        assert!(partial.iter().all(|path| is_there(path) && path.contains(".p/")));
        assert_eq!(edge(65_536).collect::<Vec<_>>(), ["tile/2/000.p/1"]);
        let bundle = TilePath::Entries { index: 1_234, width: 5 };
        assert_eq!(notes_of(bundle), "causeway/notes/x001/234.p/5");
    }
}
