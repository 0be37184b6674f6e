//! The golden case over the real, k-anonymised file of the Counter Trafficking Data Collaborative. It is read where it lies.

use std::collections::BTreeMap;
use std::path::Path;

use causeway_cells::groups::{Below, Groups};

/// The file's rows as codes, or `None` (with the reason printed) where it is not there.
fn rows() -> Option<Vec<Vec<u32>>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ctdc/ctdc_kanon_2020_7col.csv");
    let Ok(mut reader) = csv::Reader::from_path(&file) else {
        println!("skipped: {} is not there", file.display());
        return None;
    };
    let mut codes: Vec<BTreeMap<String, u32>> = vec![BTreeMap::new(); 7];
    let code = |column: &mut BTreeMap<String, u32>, text: &str| {
        let next = u32::try_from(column.len()).unwrap();
        *column.entry(text.to_owned()).or_insert(next)
    };
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        record.iter().zip(&mut codes).map(|(text, column)| code(column, text)).collect()
    });
    Some(rows.collect())
}

#[test]
fn the_real_file_has_the_groups_that_its_publisher_promises() {
    let Some(rows) = rows() else { return };
    let groups = Groups::of(&rows);
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
