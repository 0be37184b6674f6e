//! Stored bodies: bytes that are none are refused, and whatever is one projects to JSON and gives facts, under each schema.
#![no_main]

use std::sync::LazyLock;

use causeway_model::Class;
use causeway_schema::{Classified, Projected, Schemas};
use libfuzzer_sys::fuzz_target;

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../config/schemas/codes");
    let lists: Vec<String> = std::fs::read_dir(folder)
        .expect("the code lists are in the repository")
        .map(|entry| std::fs::read_to_string(entry.expect("readable").path()).expect("a text"))
        .collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let files = [
        ("victim-profile/1.1", include_str!("../../../../config/schemas/victim-profile-1.1.json")),
        ("trafficking-route/1.1", include_str!("../../../../config/schemas/trafficking-route-1.1.json")),
    ];
    let files = files.map(|(id, file)| (id.parse().expect("a kind and a version"), file));
    Schemas::compile(&files, &lists).expect("they ship with the gateway")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = Classified::decode(bytes) else { return };
    assert_eq!(body.encode(), bytes);
    for id in SCHEMAS.ids() {
        let schema = SCHEMAS.get(id).expect("it was compiled");
        schema.facts(&body);
        assert_eq!(schema.project(&body, &|_| None, &|_| unreachable!("nothing is listed")), b"{}");
        let form = |number| {
            let link = schema.fields().by_number(number)?.class == Class::Link;
            Some(if link { Projected::Pseudonym } else { Projected::AsIs })
        };
        let shown = schema.project(&body, &form, &|_| "p1".to_owned());
        assert!(shown.starts_with(b"{") && shown.ends_with(b"}"));
    }
});
