//! What a record is counted as in each dimension: its one value, that it has several, or that it has none.

use serde_json::{Value, json};

use super::{asked, by, cells, published, world};
use crate::harness::World;
use crate::minimum_cell::profile;

/// A dimension; the member that it is read from, with one value and with several; and what it is counted as where it is one.
type Row = (&'static str, &'static str, Value, Option<Value>, &'static str);

fn rows() -> Vec<Row> {
    vec![
        ("nationality", "nationalities", json!(["AL"]), Some(json!(["AL", "VN"])), "AL"),
        ("age_band", "age_band", json!("21-23"), None, "21-23"),
        ("gender", "gender", json!("female"), None, "female"),
        ("stage", "nrm_stage", json!("reasonable_grounds"), None, "reasonable_grounds"),
        ("quarter", "referral_date", json!("2026-05-06"), None, "2026-Q2"),
        ("country_of_exploitation", "exploitation_countries", json!(["GB"]), Some(json!(["GB", "FR"])), "GB"),
        (
            "exploitation_type",
            "exploitation_types",
            json!(["Servitude"]),
            Some(json!(["Servitude", "ForcedLabour"])),
            "Servitude",
        ),
    ]
}

/// Of each person everything is known, or little, or of some things several values.
fn persons() -> Vec<Value> {
    let mut records = Vec::new();
    for (group, count) in [("known", 22), ("unknown", 13), ("several", 38)] {
        for number in 0..count {
            let mut members = json!({});
            for (dimension, member, one, several, _) in rows() {
                members[member] = match (group, several) {
                    // A record always has a type of exploitation.
                    ("unknown", _) if dimension != "exploitation_type" => continue,
                    ("several", Some(several)) => several,
                    _ => one,
                };
            }
            let mut record = profile(&format!("{group}-{number}"), json!({}));
            if group == "unknown" {
                record.as_object_mut().expect("a record").remove("nationalities");
            }
            members.as_object().expect("members").iter().for_each(|(name, value)| record[name] = value.clone());
            records.push(record);
        }
    }
    records
}

/// A table of these dimensions, each by itself. A clause has one table of a kind, of four dimensions at most.
fn each_by_itself(dimensions: &[&str]) -> World {
    let table = json!(dimensions);
    let levels: Vec<_> = dimensions.iter().map(|dimension| json!([dimension])).collect();
    let levels = json!(levels);
    let text = format!(
        "\n[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\nperiod = \"month\"\ndimensions = {table}\nlevels = {levels}\n"
    );
    // Whoever has no nationality is no national of Albania: the clause goes by something else here.
    world(&text, |agreement| agreement.replacen("nationalities = [\"AL\"]", "exploitation_types = [\"Servitude\"]", 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dimension_counts_one_value_several_and_none() {
    for chunk in rows().chunks(4) {
        let world = each_by_itself(&chunk.iter().map(|row| row.0).collect::<Vec<_>>());
        let gateway = world.start().await;
        published(&world, &gateway, &persons()).await;
        let mut feed = gateway.feed("al-police/feed").await;
        for (dimension, _, _, several, label) in chunk {
            let answer = feed.count(asked("t1", "2026-11", &[dimension])).await.expect(dimension).into_inner();
            assert_eq!(answer.dimensions, [*dimension]);
            // 22 and 13 and 38 persons, to the nearest 5.
            let expected = match (several, *dimension) {
                (Some(_), "exploitation_type") => by([(&["Servitude"], Some(35)), (&["multiple"], Some(40))]),
                (Some(_), _) => {
                    [(vec![*label], Some(20)), (vec!["multiple"], Some(40)), (vec!["unknown"], Some(15))].into()
                }
                (None, _) => [(vec![*label], Some(60)), (vec!["unknown"], Some(15))].into(),
            };
            assert_eq!(cells(&answer), expected, "{dimension}");
        }
        gateway.stop().await;
    }
}
