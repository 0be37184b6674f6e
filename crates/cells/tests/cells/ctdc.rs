//! The k-anonymised file of the Counter Trafficking Data Collaborative, read where it lies.

use std::collections::BTreeMap;
use std::path::Path;

/// Its columns.
pub(crate) struct Ctdc {
    pub(crate) names: Vec<String>,
    /// The distinct texts of each column, in the order of their codes.
    pub(crate) categories: Vec<Vec<String>>,
    /// One code for each column of each row.
    pub(crate) rows: Vec<Vec<u16>>,
}

/// The file, or `None` (with the reason printed) where it is not there.
#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
pub(crate) fn read() -> Option<Ctdc> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ctdc/ctdc_kanon_2020_7col.csv");
    let Ok(mut reader) = csv::Reader::from_path(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    };
    let names: Vec<String> = reader.headers().expect("a first line").iter().map(str::to_owned).collect();
    let mut codes: Vec<BTreeMap<String, u16>> = vec![BTreeMap::new(); names.len()];
    let code = |(text, column): (&str, &mut BTreeMap<String, u16>)| {
        let next = u16::try_from(column.len()).expect("few categories");
        *column.entry(text.to_owned()).or_insert(next)
    };
    let records = reader.records().map(|record| record.expect("a readable row"));
    let rows = records.map(|record| record.iter().zip(&mut codes).map(code).collect()).collect();
    let categories = codes.iter().map(|column| {
        let mut texts: Vec<(&u16, &String)> = column.iter().map(|(text, code)| (code, text)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text.clone()).collect()
    });
    let categories = categories.collect();
    Some(Ctdc { names, categories, rows })
}
