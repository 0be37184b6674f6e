//! What comes into force, and what keeps a gateway from starting: approvals, faults of documents, the files it trusts.

mod activation;
mod approvals;
mod comparison;
pub(crate) mod office;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use causeway_cli::certs::Profile;
use causeway_gateway::config::TlsFiles;
use causeway_model::{Date, SystemId};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, pull, submit};
use crate::harness::{Setup, World, documents, own_log_only};
use approvals::Approvals;

/// Tries to start, and gives the reason why that was refused.
async fn refusal(world: &World) -> String {
    match world.try_start().await {
        Ok(_) => panic!("the gateway starts"),
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            format!("{error}{}", source.unwrap_or_default())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_needs_two_rostered_persons_of_the_agency_that_answers_for_it() {
    let documents = [
        ("agreement", "ISA-VN-2026-021", "agreement ISA-VN-2026-021"),
        ("agency file", "vn-police", "agency file vn-police"),
        ("agency file", "gb-nca", "agency file gb-nca"),
        ("schema", "victim-profile/1.0", "schema victim-profile/1.0"),
        ("code list", "nrm", "code list nrm"),
    ];
    for (kind, id, named) in documents {
        let world = World::new();
        let approvals = Approvals::of(&world, kind, id);
        for (what, rows) in [
            ("none", vec![]),
            ("one", vec![approvals.by("gb-nca", "director")]),
            ("one twice", vec![approvals.by("gb-nca", "director"), approvals.by("gb-nca", "director")]),
            ("one of another agency", vec![approvals.by("gb-nca", "director"), approvals.by("al-police", "chief")]),
            ("two of another agency", vec![approvals.by("vn-police", "chief"), approvals.by("vn-police", "deputy")]),
            (
                "one in another's name",
                vec![approvals.by("gb-nca", "director"), approvals.by("al-police", "chief").named("gb-nca", "dpo")],
            ),
            (
                "one key for two persons",
                vec![approvals.by("gb-nca", "director"), approvals.by("gb-nca", "director").named("gb-nca", "dpo")],
            ),
            (
                "one of other words",
                vec![approvals.by("gb-nca", "director"), approvals.over("something else", "gb-nca", "dpo")],
            ),
        ] {
            approvals.write(&rows);
            let message = refusal(&world).await;
            assert!(message.contains(named), "{named}, {what}: {message}");
            assert!(message.contains("unapproved-document"), "{named}, {what}: {message}");
        }
        // The journal took nothing that is in the way of the true ones.
        approvals.write(&[approvals.by("gb-nca", "dpo"), approvals.by("gb-nca", "director")]);
        world.start().await.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_changed_after_its_approval_is_refused_until_it_is_approved() {
    for file in [
        "config/agreements/ISA-AL-2026-014.toml",
        "config/schemas/trafficking-route-1.0.json",
        "config/schemas/codes/nrm.json",
    ] {
        let world = World::new();
        world.edit(file, |text| format!("{text}\n"));
        let message = refusal(&world).await;
        assert!(message.contains("unapproved-document"), "{file}: {message}");
        let lines = message.lines().count();
        assert_eq!(lines, 1, "{file}: only the document that was changed is named: {message}");
        world.reissue();
        world.start().await.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_list_that_is_missing_or_faulty_stops_the_start() {
    type Fault = (&'static str, fn(&World));
    let faults: [Fault; 3] = [
        ("names the code list \"nrm/stage\", which is not there", |world| {
            fs::remove_file(world.path("config/schemas/codes/nrm.json")).expect("it was there");
        }),
        ("states no licence", |world| {
            world.edit("config/schemas/codes/nrm.json", |text| text.replace("\"licence\"", "\"changes\""));
        }),
        ("is not named as its list is", |world| {
            let folder = world.path("config/schemas/codes");
            fs::rename(folder.join("nrm.json"), folder.join("referrals.json")).expect("renamed");
        }),
    ];
    for (expected, spoil) in faults {
        let world = World::new();
        spoil(&world);
        let message = refusal(&world).await;
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_stop_the_start_with_all_faults_and_leave_nothing_in_force() {
    let world = World::with(|setup: &mut Setup| {
        setup.agreement(ALBANIA, |text| {
            let text = text.replace("recipient = \"al-police\"", "recipient = \"al-customs\"");
            text.replacen("\"gender\" = \"female-male\"", "\"shoe_size\" = \"exact\"\n\"gender\" = \"exact-ish\"", 1)
                .replace("\"exact-ish\"", "\"female-male\"")
        });
        setup.agreement(VIET_NAM, |text| {
            let text = text.replacen("\"gender\" = \"female-male\"", "\"given_name\" = \"exact\"", 1);
            text.replacen("\"referral_date\" = \"year\"", "\"referral_date\" = \"day\"", 1)
        });
    });
    let message = refusal(&world).await;
    for fault in ["al-customs", "shoe_size", "given_name", "referral_date"] {
        let line = message.lines().find(|line| line.contains(fault));
        let line = line.unwrap_or_else(|| panic!("{fault} is not among the faults: {message}"));
        assert!(line.contains(ALBANIA) || line.contains(VIET_NAM), "{line}");
    }
    // Nothing of it has come into force: corrected and approved, the same versions start on the same folder.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/agreements");
    for id in [ALBANIA, VIET_NAM] {
        let text = fs::read_to_string(shipped.join(format!("{id}.toml"))).expect("the shipped agreement");
        world.edit(&format!("config/agreements/{id}.toml"), |_| text);
    }
    world.reissue();
    world.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_does_not_read_stops_the_start_with_all_faults() {
    let world = World::new();
    world.edit("certs-dev/agencies/vn-police.toml", |text| text.replace("\"reader\"", "\"peeper\""));
    world.edit("config/agreements/ISA-AL-2026-014.toml", |text| {
        let text = text.replacen("tlp = \"AMBER\"", "tlp = \"RED\"", 1);
        text.replace("onward_transfer = ", "surprise = 1\nonward_transfer = ")
    });
    let message = refusal(&world).await;
    for (file, fault) in [("vn-police.toml", "role"), ("014.toml", "TLP:RED"), ("014.toml", "surprise")] {
        assert!(message.lines().any(|line| line.contains(file) && line.contains(fault)), "{fault}: {message}");
    }
    assert_eq!(world.journal().size(), 0, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_two_bundles_stops_the_start_and_comes_into_force_nowhere() {
    let world = World::new();
    for file in ["ca.pem", "ca.key"] {
        fs::copy(world.path("certs-dev/al-police").join(file), world.path("certs-dev/vn-police").join(file))
            .expect("the world's folder is writable");
    }
    world.reissue();
    let message = refusal(&world).await;
    let named = |line: &str| line.contains("al-police") && line.contains("vn-police") && line.contains("key");
    assert!(message.lines().any(named), "{message}");
    assert_eq!(world.journal().size(), 0, "nothing was begun");
    for file in ["ca.pem", "ca.key"] {
        fs::remove_file(world.path("certs-dev/vn-police").join(file)).expect("the world's folder is writable");
    }
    world.reissue();
    world.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_genesis_a_changed_file_is_a_warning_and_the_old_document_stays() {
    // An id of its own, since the lines of all tests come together.
    let id = "ISA-AL-2026-777";
    let world = World::with(|setup| {
        setup.agreement(ALBANIA, |text| text.replace(ALBANIA, id));
    });
    let gateway = world.start().await;
    let first = submit(&mut gateway.ingest("gb-nca/case-management").await, "one", &documents::profile()).await;
    released_in(&world, id, &first.expect("accepted")).await;
    gateway.stop().await;
    let warned = |lines: &str| lines.lines().any(|line| line.contains("WARN") && line.contains(id));
    assert!(!warned(&World::log_lines()));
    // Wider and approved, and still only a file.
    world.edit("config/agreements/ISA-AL-2026-014.toml", |text| {
        text.replace("version = 1", "version = 2")
            .replace("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"RO\"]")
    });
    world.reissue();
    let gateway = world.start().await;
    assert!(warned(&World::log_lines()), "nobody says that the file is not in force");
    let named = |line: &str| line.contains(id) && line.contains("causeway agreement activate");
    assert!(World::log_lines().lines().any(named), "nor what to do about it");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let outside = documents::with(documents::profile(), serde_json::json!({ "nationalities": ["RO"] }));
    submit(&mut ingest, "outside", &outside).await.expect("accepted");
    let inside = submit(&mut ingest, "inside", &documents::profile()).await.expect("accepted");
    released_in(&world, id, &inside).await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 2, "the wider file is in force");
    assert_eq!(pull(&mut feed, "", 0).await.expect("a page").agreement_version, 1);
    gateway.stop().await;
    // Nor does a file that no longer reads keep a gateway from going on with what is in force.
    world.edit("config/agreements/ISA-AL-2026-014.toml", |_| "id = 7".into());
    world.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_not_gone_on_with_by_another_operator() {
    let mut world = World::new();
    world.start().await.stop().await;
    // All that another operator would bring is there: its name in the settings, and a certificate of its own gateway.
    let own: SystemId = "al-police/gateway".parse().expect("well formed");
    let profile = Profile::gateway(&own, Date::new(2026, 11, 21).expect("a day").start());
    let issued = world.authority("al-police").issue(&profile).expect("any profile can be minted");
    let tls = world.config().tls.clone();
    let theirs = TlsFiles { certificate: world.path("theirs.pem"), key: world.path("theirs.key") };
    fs::write(&theirs.certificate, issued.certificate_pem).expect("writable");
    fs::write(&theirs.key, issued.key_pem).expect("writable");
    world.config().tls = theirs;
    world.config().operator = own.agency;
    let message = refusal(&world).await;
    assert!(message.contains("begun by"), "{message}");
    world.config().tls = tls;
    world.config().operator = "gb-nca".parse().expect("well formed");
    world.start().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_keeps_is_its_owners_alone() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let files = assert_private(&world.path("data"));
    assert!(["root.key", "ring", "page-keys", "db"].iter().all(|name| files.contains(&(*name).into())), "{files:?}");
    gateway.stop().await;
    assert!(assert_private(&world.path("data")).contains(&"checkpoint".into()));
    // A key that others could have read is not used on.
    let key = world.path("data/keys/root.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("owned");
    let message = refusal(&world).await;
    assert!(message.contains("root.key") || message.contains("0600"), "{message}");
}

/// The names of all files below a folder, every one 0600 and every folder 0700.
fn assert_private(folder: &Path) -> Vec<String> {
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            names.extend(assert_private(&path));
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_have_kept_a_journal_do_not_begin_another() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let world = World::new();
    let gateway = world.start().await;
    submit(&mut gateway.ingest("gb-nca/case-management").await, "one", &documents::profile()).await.expect("accepted");
    gateway.stop().await;
    // The journal's volume is not mounted: an empty folder is where it was.
    let (journal, away) = (world.path("data/journal"), world.path("away"));
    fs::rename(&journal, &away).expect("moved");
    let error = world.try_start().await.err().expect("it must not begin anew");
    assert!(format!("{error:?}").contains("holds no journal, and the keys in"), "{error:?}");
    fs::remove_dir_all(&journal).unwrap_or_default();
    fs::rename(&away, &journal).expect("moved back");
    world.start().await.stop().await;
}
