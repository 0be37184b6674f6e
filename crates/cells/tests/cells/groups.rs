//! Group sizes, and the golden case over real data.

use causeway_cells::groups::{Below, Groups};

use crate::ctdc;

#[test]
fn the_real_file_has_the_groups_that_its_publisher_promises() {
    let Some(file) = ctdc::read() else { return };
    assert_eq!(file.names.len(), 7);
    let groups = Groups::of(file.rows.iter().map(|row| row.iter().copied().map(u32::from).collect::<Vec<_>>()));
    assert_eq!(groups.count(), 936);
    assert_eq!(groups.smallest(), Some(11));
    assert_eq!(groups.below(11), Below { rows: 0, groups: 0 });
    assert_eq!(groups.below(12), Below { rows: 913, groups: 83 });
}

#[test]
fn no_rows_make_no_groups() {
    let groups = Groups::of(Vec::<Vec<u32>>::new());
    assert_eq!((groups.count(), groups.smallest(), groups.size(&[1])), (0, None, 0));
    assert_eq!(groups.below(11), Below { rows: 0, groups: 0 });
}
