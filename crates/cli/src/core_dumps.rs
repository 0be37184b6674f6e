//! No memory of this program ends in a file, or in another program's hands: there are keys and records in it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::Failure;

/// Switches core dumps off for good, also where the system hands them to a program (core(5): a limit of 0 does not stop those,
/// `PR_SET_DUMPABLE` does), and with them that processes of the same user may trace this one or read its memory.
///
/// # Errors
/// Where the system does not let it be switched off: nothing that has a key may go on then.
pub(crate) fn refuse() -> Result<(), Failure> {
    let refused = |error| Failure::usage(format!("core dumps cannot be switched off here: {error}"));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn what_was_switched_off_stays_off() {
        refuse().expect("a process may lower its own limits");
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().expect("it can be asked"), DumpableBehavior::NotDumpable);
        refuse().expect("again");
    }
}
