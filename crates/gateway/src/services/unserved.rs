//! Methods of later versions: authenticated and authorised like all others, then told that they are not served yet.

use tonic::{Response, Status};

use crate::status::Fault;

/// What every such method answers.
pub(crate) fn not_served<T>() -> Result<Response<T>, Status> {
    Err(Fault::NotServed.into())
}
