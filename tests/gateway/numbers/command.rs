//! `causeway count` as a process of its own. It runs here and not beside the other commands, since a period is over only where the
//! test moves the gateway's clock.

use std::process::{Command, ExitCode, Stdio};

use super::{TABLES, persons, published, world};
use crate::harness::{Gateway, World};

/// The arguments of the child process, one a line.
const ARGUMENTS: &str = "CAUSEWAY_TEST_COUNT";

#[test]
#[ignore = "the child process of the test below"]
fn counts() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let code = causeway_cli::run(arguments.lines().map(Into::into));
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

/// Whether it succeeded, what it printed and what it noted.
async fn count(world: &World, gateway: &Gateway, options: &str) -> (bool, String, String) {
    let certs = world.path("certs-dev");
    let call = format!("--as=al-police/feed --gateway=https://{} --certs-dir={}", gateway.address(), certs.display());
    let arguments: Vec<&str> =
        ["causeway", "count"].into_iter().chain(options.split(' ')).chain(call.split(' ')).collect();
    let child = Command::new(std::env::current_exe().expect("this is a program"))
        .args(["numbers::command::counts", "--exact", "--ignored", "--nocapture"])
        .env(ARGUMENTS, arguments.join("\n"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a second process of this program");
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("no panic").expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_numbers_marks_and_refusals() {
    let world = world(TABLES, str::to_owned);
    let gateway = world.start().await;
    published(&world, &gateway, &persons()).await;
    let (is_done, listed, noted) = count(&world, &gateway, "--list").await;
    assert!(is_done && noted.contains("2 published"), "{listed}{noted}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = listed.lines().map(words).collect();
    assert!(rows.contains(&words("t1 2026-11 victim-profile gender,exploitation_type")), "{listed}");
    let (is_done, shown, noted) = count(&world, &gateway, "--table=t1 --by=gender,exploitation_type").await;
    assert!(is_done, "{noted}");
    let rows: Vec<_> = shown.lines().map(words).collect();
    for row in ["gender exploitation_type count", "female ForcedLabour 25", "male Servitude suppressed"] {
        assert!(rows.contains(&words(row)), "{row} is not in {shown}");
    }
    assert!(noted.contains("suppressed: fewer than 11") && noted.contains("rounded to the nearest 5"), "{noted}");
    let (is_done, shown, _) = count(&world, &gateway, "--table=t1 --by=gender,exploitation_type --json").await;
    assert!(is_done && shown.contains(r#"{"values":["male","Servitude"],"count":null,"suppressed":true}"#), "{shown}");
    let (is_done, shown, noted) = count(&world, &gateway, "--table=t9").await;
    assert!(!is_done && noted.contains("unknown-table"), "{shown}{noted}");
    gateway.stop().await;
}
