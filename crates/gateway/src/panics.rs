//! Panics cost one request: they end where the call began, and leave a line that says where they happened and nothing of what they
//! were about.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

/// A call ended in a panic.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// It begins to be served.
    Call,
    /// The task that makes a stream's answers begins.
    Answers,
    /// One submission of a stream begins.
    Submission,
}

/// What is called where a call is. It does nothing, but in a test that lets calls panic there.
#[derive(Clone, Default)]
pub struct Probe(Option<Arc<dyn Fn(At) + Send + Sync>>);

impl Probe {
    /// Calls this.
    pub fn new(called: impl Fn(At) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(called)))
    }

    pub(crate) fn at(&self, at: At) {
        if let Some(called) = &self.0 {
            called(at);
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe(..)")
    }
}

/// Runs a call to its end. What the call alone held is dropped; locks that it shares with others are taken again whatever happened
/// while they were held (`PoisonError::into_inner`).
pub(crate) async fn contained<T>(call: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(call).catch_unwind().await.map_err(|_| Panicked)
}

/// Has panics of this process say in a log line where they happened. The words of a panic may hold what was being worked on, so they are
/// dropped.
pub(crate) fn say_where() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!(place = place.as_deref().unwrap_or("unknown"), thread, "panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_where_the_call_began() {
        assert_eq!(contained(async { 7 }).await.expect("it ends well"), 7);
        let late = async {
            tokio::task::yield_now().await;
            panic!("of this test");
        };
        contained(late).await.expect_err("it ends in a panic");
    }
}
