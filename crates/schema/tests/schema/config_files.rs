//! The schema files under `config/` compile without fault and hold what the design asks of them.

use causeway_model::{Class, Floor, SchemaId};
use causeway_schema::Schemas;

const FILES: [(&str, &str); 2] = [
    ("victim-profile/1.0", include_str!("../../../../config/schemas/victim-profile-1.0.json")),
    ("trafficking-route/1.0", include_str!("../../../../config/schemas/trafficking-route-1.0.json")),
];

fn compiled() -> Schemas {
    let files: Vec<(SchemaId, &str)> =
        FILES.iter().map(|(id, text)| (id.parse().expect("well formed"), *text)).collect();
    Schemas::compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn both_files_compile_with_leaves_of_every_class() {
    let schemas = compiled();
    for id in schemas.ids() {
        let table = schemas.get(id).expect("listed").fields();
        assert!(table.iter().count() >= 40, "{id}: {}", table.iter().count());
        for class in [Class::Open, Class::Coarse, Class::Link, Class::Sealed] {
            assert!(table.iter().any(|spec| spec.class == class), "{id} has no {class:?} leaf");
        }
    }
    assert!(FILES.iter().all(|(_, text)| text.len() < 64 * 1024));
}

#[test]
fn what_endangers_a_person_may_never_leave() {
    let schemas = compiled();
    let profile = schemas.get("victim-profile/1.0".parse().expect("well formed")).expect("compiled");
    for prefix in
        ["current_location.", "still_in_situation", "vulnerabilities[]", "child_detail.", "narrative.", "address."]
    {
        let mut found = profile.fields().iter().filter(|spec| spec.path.as_str().starts_with(prefix)).peekable();
        assert!(found.peek().is_some(), "{prefix} is in the schema");
        assert!(found.all(|spec| spec.floor == Floor::Never), "{prefix}");
    }
}
