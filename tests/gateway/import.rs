//! Somebody else's real table, through the mapping file and the running gateway. Such files are read where they lie and are
//! no part of the project: where one is absent, its test says so and ends. Here what partners then see of it; in `command`
//! the import itself, as a process of its own.

mod command;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use causeway_cli::import::ImportMap;
use causeway_proto::v1;
use serde_json::Value;

use crate::feed::{ALBANIA, VIET_NAM, reference::Paper, submit_all};
use crate::harness::calls::{items, raw_request, released, submit};
use crate::harness::{World, documents};

/// Of 48,773: enough to meet every way in which the source writes that something is missing.
const ROWS: usize = 2_000;

/// A real file in the folder of sources, beside the project's; none, and a line that says so, where it is absent.
fn real(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    if !path.exists() {
        skipped(&format!("{file} is not beside the project, and its licence keeps it out"));
        return None;
    }
    Some(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_cases_are_imported_once() {
    let Some(table) = real("ctdc/ctdc_kanon_2020_7col.csv") else { return };
    let world = World::new();
    let map = ImportMap::load(&world.path("config/imports/ctdc.toml")).expect("the shipped map");
    let rows = map.rows(BufReader::new(File::open(table).expect("readable"))).expect("the map's columns");
    let mut requests = Vec::new();
    for row in rows.take(ROWS) {
        let mapped = row.result.unwrap_or_else(|rejects| panic!("row {} is not mapped: {rejects:?}", row.number));
        requests.push(raw_request(mapped.submission_id.expose(), mapped.schema.kind.as_str(), mapped.document));
    }
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let first = submit_all(&mut ingest, requests.clone()).await;
    assert_eq!(first.len(), ROWS);
    let submissions = || {
        let entries = world.journal().entries();
        entries.iter().filter(|seen| seen.entry.operation() == causeway_journal::v1::Operation::Collection).count()
    };
    assert_eq!(submissions(), ROWS);
    // Again, as after an interruption: the same receipts, and nothing new.
    let second = submit_all(&mut ingest, requests.clone()).await;
    let place = |receipt: &v1::Receipt| (receipt.record_id.clone(), receipt.version, receipt.leaf_index);
    assert!(first.iter().map(place).eq(second.iter().map(place)), "a second import made new records");
    assert_eq!(submissions(), ROWS);
    let last = submit(&mut ingest, "last", &documents::profile()).await.expect("accepted");
    for (agreement, reader) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
        crate::feed::released_in(&world, agreement, &last).await;
        let text = std::fs::read_to_string(world.path(&format!("config/agreements/{agreement}.toml")));
        let paper = Paper::read(&text.expect("the agreement's text"));
        let granted = requests.iter().filter(|request| covers(&paper, request)).count();
        let items = items(&mut gateway.feed(reader).await).await;
        assert_eq!(items.len(), granted + 1, "{agreement}");
        let nationality = &agreement[4..6];
        assert!(items.iter().all(|item| {
            let document = released(item).expect("released");
            document["nationalities"].as_array().is_some_and(|all| all.contains(&nationality.into()))
        }));
    }
    gateway.stop().await;
}

fn covers(paper: &Paper, request: &v1::SubmitRequest) -> bool {
    let record = request.record.as_ref().expect("a record");
    let document: Value = serde_json::from_slice(&record.document).expect("the map writes JSON");
    paper.covers(&record.kind, &document)
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
