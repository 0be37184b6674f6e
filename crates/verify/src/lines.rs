//! Reading a text line by line, with a limit on how long a line may be.

use std::io::{BufRead, Read};

use crate::VerifyError;

/// Gives each line, without its line feed, with its number from 1.
pub(crate) fn each(
    mut source: impl BufRead,
    limit: usize,
    mut take: impl FnMut(usize, &[u8]) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = source.by_ref().take(most).read_until(b'\n', &mut line);
        let read = read.map_err(|error| VerifyError::at(format_args!("line {number}"), error))?;
        if read == 0 {
            break;
        }
        if line.len() > limit {
            return Err(VerifyError::at(format_args!("line {number}"), format_args!("longer than {limit} bytes")));
        }
        take(number, line.strip_suffix(b"\n").unwrap_or(&line))?;
    }
    Ok(())
}
