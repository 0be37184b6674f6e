//! The schema files under `config/` compile without fault and hold what the design asks of them.

use causeway_model::{Class, Floor};

use crate::records::{PROFILE_1_1_FILE, PROFILE_FILE, ROUTE_1_1_FILE, ROUTE_FILE, schemas};

#[test]
fn all_files_compile_with_leaves_of_every_class() {
    let schemas = schemas();
    for id in schemas.ids() {
        let table = schemas.get(id).expect("listed").fields();
        assert!(table.iter().count() >= 40, "{id}: {}", table.iter().count());
        for class in [Class::Open, Class::Coarse, Class::Link, Class::Sealed] {
            assert!(table.iter().any(|spec| spec.class == class), "{id} has no {class:?} leaf");
        }
    }
    let files = [PROFILE_FILE, PROFILE_1_1_FILE, ROUTE_FILE, ROUTE_1_1_FILE];
    assert!(files.iter().all(|text| text.len() < 64 * 1024));
}

#[test]
fn what_endangers_a_person_may_never_leave() {
    let schemas = schemas();
    let profile = schemas.get("victim-profile/1.0".parse().expect("well formed")).expect("compiled");
    for prefix in
        ["current_location.", "still_in_situation", "vulnerabilities[]", "child_detail.", "narrative.", "address."]
    {
        let mut found = profile.fields().iter().filter(|spec| spec.path.as_str().starts_with(prefix)).peekable();
        assert!(found.peek().is_some(), "{prefix} is in the schema");
        assert!(found.all(|spec| spec.floor == Floor::Never), "{prefix}");
    }
}
