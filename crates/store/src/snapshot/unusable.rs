//! Why a start does not go on from the state that is kept. It is no fault of the journal: the log is replayed.

use std::error::Error;
use std::fmt;

use crate::error::StoreError;

/// Why a kept state is not used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// There is none.
    Missing,
    /// It is whole, and not what this start could go on from; or it is damaged.
    Because(&'static str),
    /// It, or the log, could not be read.
    Failed(StoreError),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is none",
            Self::Because(what) => what,
            Self::Failed(_) => "something could not be read",
        })
    }
}

impl Error for Unusable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Missing | Self::Because(_) => None,
        }
    }
}

impl From<StoreError> for Unusable {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}
