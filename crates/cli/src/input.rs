//! What a command takes from a file or from standard input, so that it is in no process list and in no shell's history.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Failure;

/// Stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Longest text that one of these files may hold.
const MAX_BYTES: usize = 16 * 1024;

/// The one line that a file holds, or standard input for `-`, without the white space around it.
///
/// # Errors
/// A file that cannot be read, is empty, or holds more than one line.
pub(crate) fn line(source: &Path) -> Result<String, Failure> {
    let text = text(source)?;
    match text.trim() {
        "" => Err(Failure::content(source, "it is empty: it must hold one line".into())),
        line if line.contains('\n') => Err(Failure::content(source, "it must hold one line only".into())),
        line => Ok(line.to_owned()),
    }
}

fn text(source: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::file(source, error);
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    match source == Path::new(STANDARD_INPUT) {
        true => std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?,
        false => File::open(source).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?,
    };
    if bytes.len() > MAX_BYTES {
        return Err(Failure::content(source, format!("it is longer than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::content(source, "it is not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_without_what_surrounds_it_and_anything_else_is_refused_without_its_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("reference");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("writable");
            line(&path)
        };
        assert_eq!(read(" NRM-1234 \r\n").expect("one line"), "NRM-1234");
        for text in ["", " \n", "SECRET-1\nSECRET-2\n", &"S".repeat(MAX_BYTES + 1)] {
            let fault = read(text).expect_err("not one line").to_string();
            assert!(!fault.contains("SECRET") && !fault.contains("SSS"), "{fault}");
        }
    }
}
