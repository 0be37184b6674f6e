//! Somebody who outlives this process, to end the servers that it has started: also where it was killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Failed;

/// Waits until whoever started it is gone, which closes its standard input; then ends each server of the folder that still runs, by
/// the id in its file and only where it is one of this folder's, and removes the folder.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r _
for file in "$1"/*/pid; do
    id=$(cat "$file" 2>/dev/null) || continue
    if tr '\0' ' ' <"/proc/$id/cmdline" 2>/dev/null | grep -qF "$1/"; then kill -9 "$id"; fi
done
sleep 0.2
rm -rf "$1"
"#;

/// The one who waits. Where the servers were ended in the usual way, it finds nothing to do.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn over(folder: &Path) -> Result<Self, Failed> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "guard"]).arg(folder).stdin(Stdio::piped());
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It does its work, and is gone.
        let _ = self.0.wait();
    }
}
