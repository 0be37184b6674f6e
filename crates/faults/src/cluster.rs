//! The faults of a cluster: three log servers and three gateways, with clients at work on all of them, each of whom goes on to the next
//! node where one does not answer. After each fault every node is looked at.

mod check;
mod clients;
mod faults;
mod racing;
mod refusing;
mod stand;
mod table;

pub(crate) use table::Table;

use crate::Failed;
use table::Row;

/// Injects the faults of these names, or all; what fails is told and stands in the table.
///
/// # Errors
/// A name that there is not.
pub(crate) fn run(names: &[String]) -> Result<Table, Failed> {
    let known = || faults::ALL.iter().map(|fault| fault.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = names.iter().find(|name| faults::ALL.iter().all(|fault| fault.name != **name)) {
        return Err(format!("there is no fault {name} of a cluster; there are {}", known()).into());
    }
    let mut table = Table::default();
    for fault in faults::ALL.iter().filter(|fault| names.is_empty() || names.iter().any(|name| name == fault.name)) {
        crate::complain_of(format_args!("{} ...", fault.name));
        let mut row = Row::new(fault.name);
        if let Err(error) = (fault.run)(&mut row) {
            // The others are run all the same. What was not looked at in full is not good.
            crate::complain(error.as_ref());
            row.roots_equal = false;
        }
        table.add(row);
    }
    Ok(table)
}
