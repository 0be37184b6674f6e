//! Backups of a journal: made while it runs, sealed to a recipient, gone on with where one stopped, and restored only whole.
//!
//! A backup is a folder of parts, `part-00000001` and so on. Each is a header in clear (`header`) and then what it holds (`records`),
//! sealed in chunks: frames in order, key pages, checkpoints of the past, and at the end of each run the signed checkpoint that the
//! frames before it come to. Keys are in none: without the keys folder, bodies and openings in a backup stay closed.

mod checking;
mod folder;
mod header;
mod making;
mod place;
mod records;
mod restored_files;
mod restoring;
mod sealed_part;
#[cfg(test)]
mod tests;

pub use folder::BackupFolder;
pub use making::{BackupPart, BackupRun};
pub use place::BackupPlace;
pub(crate) use restored_files::WorkFolder;
pub use restoring::{Restore, RestoreKeys, Restored, Restoring, restore};
