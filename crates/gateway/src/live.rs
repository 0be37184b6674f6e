//! A value that is replaced while it is in use: whoever has taken it keeps what it has, whoever asks next gets the new one.

use std::sync::{Arc, PoisonError, RwLock};

/// What is in force now.
#[derive(Debug)]
pub(crate) struct Live<T>(RwLock<Arc<T>>);

impl<T> Live<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// What is in force at this moment.
    pub(crate) fn now(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place; gives the one before.
    pub(crate) fn replace(&self, value: T) -> Arc<T> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, Arc::new(value))
    }
}
