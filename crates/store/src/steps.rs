//! The places where a change of the key files can be stopped, so that tests can stop it at each of them. Outside tests
//! nothing is ever stopped here.

use std::io;

#[cfg(test)]
thread_local! {
    /// Steps that this thread may still take; none is no limit.
    static LEFT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// To be called before every single change of a key file.
#[cfg(not(test))]
pub(crate) fn next() -> io::Result<()> {
    Ok(())
}

/// Fails once the steps that the test allowed have been taken, and from then on: as if the process had been killed.
#[cfg(test)]
pub(crate) fn next() -> io::Result<()> {
    LEFT.with(|left| match left.get() {
        None => Ok(()),
        Some(0) => Err(io::Error::other("stopped by the test")),
        Some(steps) => {
            left.set(Some(steps - 1));
            Ok(())
        }
    })
}

/// Runs `change` with so many steps and no more; says whether it needed more.
#[cfg(test)]
pub(crate) fn with_at_most<R>(steps: usize, change: impl FnOnce() -> R) -> (R, bool) {
    LEFT.with(|left| left.set(Some(steps)));
    let result = change();
    let left = LEFT.with(|left| left.replace(None));
    (result, left == Some(0))
}
