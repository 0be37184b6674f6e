//! What a running process shows of itself to others: no core dump, no secret in its arguments or its environment.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::party::{Gateway, folder};

/// What procfs says of the process: no core file, not even to a program that takes them; its memory is for root.
#[track_caller]
pub(crate) fn dumps_no_core(process: u32) {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("Linux lists it");
    let numbers: Vec<_> = core.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
    // Files of a process that is not dumpable belong to root, whoever runs it (proc(5)). Run by root, nothing can be told apart.
    let owner = fs::metadata(format!("/proc/{process}/mem")).expect("it runs").uid();
    assert_eq!(owner, 0, "its memory can be read by whoever started it");
}

#[test]
fn a_gateway_leaves_no_core_and_shows_no_secret() {
    let files = folder();
    let gateway = Gateway::serve(&files, None).unwrap_or_else(|ran| panic!("the gateway does not start:\n{}", ran.err));
    dumps_no_core(gateway.process());
    let secrets = secrets(files.path());
    assert!(secrets.len() >= 10, "{} keys are too few to have looked at any", secrets.len());
    for of in ["cmdline", "environ"] {
        // Only root may look: to everybody else, who started it included, the process is closed.
        let Ok(shown) = fs::read(format!("/proc/{}/{of}", gateway.process())) else { continue };
        let told = secrets.iter().find(|(_, secret)| holds(&shown, secret));
        assert!(told.is_none(), "{} is in {of}", told.expect("there is one").0);
    }
}

/// Each private key below a folder, as it stands in its file: PEM's lines apart, and raw keys as they are.
fn secrets(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(secrets(&path));
        } else if path.extension().is_some_and(|end| end == "key") || path.ends_with("root-key") {
            let text = fs::read(&path).expect("ours");
            let parts =
                text.split(|byte| *byte == b'\n').filter(|part| part.len() >= 32 && !part.starts_with(b"-----"));
            found.extend(parts.map(|part| (path.display().to_string(), part.to_vec())));
        }
    }
    found
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}
