//! What the service answers where it does not do what it was asked.

#![expect(clippy::disallowed_methods, reason = "the rule is about the gateway's answers; these are a peer's")]

use std::fmt::Display;

use causeway_model::SystemId;
use tonic::{Request, Status};

use super::store::Actor;

/// The metadata of every call, as the gateway's.
const PURPOSE: &str = "causeway-purpose";
const OPERATOR: &str = "causeway-operator";

/// Who calls, where it is a system of this name; the agency is whatever its certificate says.
pub(super) fn actor<T>(request: &Request<T>, role: &str) -> Result<Actor, Status> {
    let caller = request.extensions().get::<SystemId>().ok_or_else(|| Status::unauthenticated("nobody"))?;
    if caller.system.as_str() != role {
        return Err(Status::permission_denied("not this system's"));
    }
    let stated = |name: &'static str| {
        let value = request.metadata().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).ok_or_else(|| Status::invalid_argument(format!("{name} is missing")))
    };
    Ok(Actor {
        agency: caller.agency.to_string(),
        system: caller.system.to_string(),
        operator: stated(OPERATOR)?,
        purpose: stated(PURPOSE)?,
    })
}

/// What was sent is at fault.
pub(super) fn malformed(what: impl Display) -> Status {
    Status::invalid_argument(what.to_string())
}

/// The service is at fault, and says so on its standard error only.
pub(super) fn failed(error: impl Display) -> Status {
    crate::say(error);
    Status::internal("the service failed")
}

/// The comparison has no use for it.
pub(super) fn absent<T>() -> Result<T, Status> {
    Err(Status::unimplemented("this service only submits and pulls"))
}
