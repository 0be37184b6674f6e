//! Tables of two agreements with one partner: what both of them count could be subtracted, and does not come into force together.

use std::fs;

use tonic::Code;

use crate::feed::{ALBANIA, VIET_NAM};
use crate::governance::office::{self, Document, NCA, assert_refused};
use crate::harness::World;

const OTHER: &str = "ISA-AL-2026-099";

const TABLE: &str = "\n[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\ndimensions = [\"gender\"]\n";

const WORDS: &str = "publishes numbers of victim-profile to al-police too";

/// Another agreement with Albania, which is the first one under its own id.
fn other(world: &World, version: u32, change: impl FnOnce(String) -> String) -> Document {
    Document::next(world, ALBANIA, version, |text| change(text.replace(ALBANIA, OTHER)))
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_one_kind_come_from_one_agreement_at_a_time() {
    let world = World::with(|setup| setup.agreement(ALBANIA, |text| format!("{text}{TABLE}")));
    let gateway = world.start().await;
    // The first version of the other one, which has the same table, and its second, which has none.
    let twice = other(&world, 1, |text| text);
    let looked = office::propose(&gateway, &twice).await.expect("looked at");
    assert!(looked.faults.len() == 1 && looked.faults[0].contains(WORDS), "{:?}", looked.faults);
    let before = world.journal().size();
    let answer = office::send(&gateway, twice.signed(&world, &NCA)).await;
    let status = assert_refused(&world, before, answer, Code::InvalidArgument, "documents-faulty");
    assert!(status.message().contains(WORDS), "{}", status.message());
    let without = |text: String| text.replace(TABLE, "");
    office::bring(&world, &gateway, &other(&world, 1, without)).await;
    let later = other(&world, 2, |text| text);
    assert!(office::propose(&gateway, &later).await.expect("looked at").faults[0].contains(WORDS));

    // A version of the first one that has none ends it from its first day on, and waits for that: until then it has.
    let ends = |text: &str| without(text.replacen("valid_from = 2026-01-01", "valid_from = 2027-01-01", 1));
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, ends)).await;
    assert!(office::propose(&gateway, &later).await.expect("looked at").faults[0].contains(WORDS));
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 3, |text| without(text.to_owned()))).await;
    office::bring(&world, &gateway, &later).await;
    // What waits is looked at, too.
    let back = Document::next(&world, ALBANIA, 4, |text| {
        text.replacen("valid_from = 2026-01-01", "valid_from = 2027-01-01", 1)
    });
    assert!(office::propose(&gateway, &back).await.expect("looked at").faults[0].contains("tables: ISA-AL-2026-099"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_meet_may_be_counted() {
    let world = World::with(|setup| setup.agreement(ALBANIA, |text| format!("{text}{TABLE}")));
    let gateway = world.start().await;
    // After the first one's last day, for another partner, and of another kind.
    let after = other(&world, 1, |text| {
        text.replacen("valid_until = 2028-12-31", "valid_until = 2030-12-31", 1).replacen(
            "valid_from = 2026-01-01",
            "valid_from = 2029-01-01",
            1,
        )
    });
    let partner = Document::next(&world, VIET_NAM, 2, |text| format!("{text}{}", TABLE.replace("c3.1", "c2.1")));
    let kind = other(&world, 1, |text| {
        text.replace("clause = \"c3.1\"\ndimensions = [\"gender\"]", "clause = \"c3.2\"\ndimensions = [\"quarter\"]")
    });
    for document in [after, partner, kind] {
        let looked = office::propose(&gateway, &document).await.expect("looked at");
        assert_eq!(looked.faults, Vec::<String>::new(), "{}", document.text);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_journal_is_not_begun_with_both() {
    let world = World::with(|setup| setup.agreement(ALBANIA, |text| format!("{text}{TABLE}")));
    let path = |id| world.path(&format!("config/agreements/{id}.toml"));
    let first = fs::read_to_string(path(ALBANIA)).expect("it is there");
    fs::write(path(OTHER), first.replace(ALBANIA, OTHER)).expect("writable");
    world.reissue();
    let Err(refusal) = world.try_start().await else { panic!("it begins") };
    assert_eq!(refusal.to_string().matches(WORDS).count(), 1, "{refusal}");
}
