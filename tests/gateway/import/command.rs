//! `causeway import` as a process of its own: shares, reports, interruptions, and files that mean harm.
//!
//! Invariants: what is refused is refused with a rule's name and never with a value; a run that is interrupted, by a signal
//! or by a kill, and run again leaves each row exactly once. Not a failure: rows stored by a run that could not say so any
//! more.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};

use causeway_journal::v1::{Decision, Operation};

use super::real;
use crate::canary::scanner::Canaries;
use crate::harness::{Gateway, World};

/// The arguments of the child process, one a line.
const ARGUMENTS: &str = "CAUSEWAY_TEST_IMPORT";

#[test]
#[ignore = "the child process of the tests below"]
fn imports() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let code = causeway_cli::run(arguments.lines().map(Into::into));
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

/// One import: the world, the gateway, a shipped map or a map of the test's own, and a source.
struct Import<'w> {
    world: &'w World,
    gateway: &'w Gateway,
    map: String,
    source: PathBuf,
}

impl Import<'_> {
    fn start(&self) -> Child {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let arguments = [
            "causeway".to_owned(),
            "import".to_owned(),
            text(&self.source),
            format!("--map={}", text(&self.world.path(&self.map))),
            format!("--rejects={}", text(&self.report())),
            "--as=gb-nca/case-management".to_owned(),
            format!("--certs-dir={}", text(&self.world.path("certs-dev"))),
            format!("--gateway=https://{}", self.gateway.address()),
        ];
        Command::new(std::env::current_exe().expect("this is a program"))
            .args(["import::command::imports", "--exact", "--ignored", "--nocapture"])
            .env(ARGUMENTS, arguments.join("\n"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a second process of this program")
    }

    /// Runs it to its end.
    async fn run(&self) -> Run {
        let child = self.start();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output());
        self.ended(output.await.expect("no panic").expect("it has ended"))
    }

    fn ended(&self, output: Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what it says is UTF-8");
        let (said, noted) = (text(&output.stdout), text(&output.stderr));
        let report = fs::read_to_string(self.report()).unwrap_or_default();
        Run { success: output.status.success(), said, noted, report }
    }

    fn report(&self) -> PathBuf {
        self.world.path("rejects.csv")
    }
}

/// What an import said and wrote.
struct Run {
    success: bool,
    said: String,
    noted: String,
    report: String,
}

impl Run {
    /// Rows, accepted ones and refused ones, as the last lines say.
    fn totals(&self) -> [u64; 3] {
        let line = self.said.lines().find(|line| line.contains(" rows: ")).unwrap_or_else(|| panic!("{}", self.noted));
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        numbers.try_into().unwrap_or_else(|numbers| panic!("{line}: {numbers:?}"))
    }

    /// Row, pointer and rule of every reject.
    fn rejects(&self) -> Vec<[&str; 3]> {
        let mut lines = self.report.lines();
        assert_eq!(lines.next(), Some("row,pointer,rule"));
        let cells = lines.map(|line| line.split(',').collect::<Vec<_>>().try_into());
        cells.map(|cells: Result<[&str; 3], _>| cells.expect("three cells, and no comma within")).collect()
    }

    /// The report holds names of members and of rules, and nothing that the source says.
    fn assert_no_value_of(&self, cells: &BTreeSet<String>) {
        let rejects = self.rejects();
        let lower = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_' | b'/') || byte.is_ascii_digit())
        };
        assert!(rejects.iter().all(|[row, pointer, rule]| row.parse::<u64>().is_ok() && lower(pointer) && lower(rule)));
        let words: BTreeSet<&str> = rejects.iter().flat_map(|[_, pointer, rule]| [*pointer, *rule]).collect();
        let text = words.into_iter().collect::<Vec<_>>().join("\n");
        for cell in cells.iter().filter(|cell| cell.chars().count() > 3) {
            assert!(!text.contains(cell.as_str()) && !self.noted.contains(cell.as_str()), "the report says {cell:?}");
        }
    }
}

/// Every text of a table, but for those that are words of reports too.
fn cells(table: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(table).expect("readable");
    let rows = text.lines().skip(1).flat_map(|line| line.split([',', '"'])).map(|cell| cell.trim().to_owned());
    // Years are counts of progress lines too.
    rows.filter(|cell| cell.parse::<f64>().is_err()).collect()
}

/// Submissions that the journal holds as accepted.
fn accepted(world: &World) -> usize {
    let entries = world.journal().entries();
    let taken = entries.iter().map(|seen| &seen.entry);
    taken.filter(|entry| entry.operation() == Operation::Collection && entry.decision() == Decision::Allowed).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_routes_are_accepted_to_the_aimed_share_and_again_without_a_double() {
    let Some(source) = real("routes/routes_hti_2008_2016.csv") else { return };
    let world = World::new();
    let gateway = world.start().await;
    let import = Import { world: &world, gateway: &gateway, map: "config/imports/hti-routes.toml".into(), source };
    let first = import.run().await;
    let [rows, taken, refused] = first.totals();
    assert!(first.success, "{}", first.noted);
    assert_eq!((rows, taken + refused), (22_240, 22_240));
    assert!(taken * 100 >= rows * 99, "{}", first.said);
    assert!(first.said.contains("not-a-country") && first.said.contains('%'), "{}", first.said);
    let rows_refused: BTreeSet<&str> = first.rejects().iter().map(|[row, ..]| *row).collect();
    assert_eq!(u64::try_from(rows_refused.len()), Ok(refused), "every refused row is in the report");
    first.assert_no_value_of(&cells(&import.source));
    assert_eq!(u64::try_from(accepted(&world)), Ok(taken));
    let again = import.run().await;
    assert_eq!((again.totals(), again.report.as_str()), ([rows, taken, refused], first.report.as_str()));
    assert_eq!(u64::try_from(accepted(&world)), Ok(taken), "a second import made new records");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_is_run_again() {
    let Some(source) = real("ctdc/ctdc_kanon_2020_7col.csv") else { return };
    // Enough rows that an import is still running when it is interrupted.
    const ROWS: usize = 12_000;
    let world = World::new();
    let gateway = world.start().await;
    let shortened = world.path("part.csv");
    let text = fs::read_to_string(source).expect("readable");
    fs::write(&shortened, text.lines().take(ROWS + 1).collect::<Vec<_>>().join("\n")).expect("writable");
    let import = Import { world: &world, gateway: &gateway, map: "config/imports/ctdc.toml".into(), source: shortened };
    let some =
        |than: usize| move |state: &causeway_journal::State| state.tree().size() > u64::try_from(than).expect("small");
    let mut child = import.start();
    world.journal().until("the first rows", some(500)).await;
    child.kill().expect("it is ours");
    child.wait().expect("it has ended");
    let after_kill = accepted(&world);
    assert!(after_kill < ROWS, "it was killed in the middle");
    let child = import.start();
    world.journal().until("more rows", some(after_kill + 1_000)).await;
    let told = Command::new("sh").arg("-c").arg(format!("kill -INT {}", child.id())).status();
    assert!(told.expect("there is a shell").success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let interrupted = import.ended(output.expect("no panic").expect("it has ended"));
    assert!(!interrupted.success, "what is not finished is no success");
    assert!(interrupted.noted.contains("run the same import again"), "{}", interrupted.noted);
    assert!(interrupted.report.starts_with("row,pointer,rule\n"), "the report is written as far as it goes");
    let [answered, ..] = interrupted.totals();
    assert!(answered < u64::try_from(ROWS).expect("small"), "{}", interrupted.said);
    let finished = import.run().await;
    let rows = u64::try_from(ROWS).expect("small");
    assert_eq!((finished.success, finished.totals()), (true, [rows, rows, 0]), "{}", finished.noted);
    assert_eq!(accepted(&world), ROWS, "each row once");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_becomes_one_sealed_record() {
    let Some(source) = real("nrm/example_payload.json") else { return };
    let world = World::new();
    let gateway = world.start().await;
    let import = Import { world: &world, gateway: &gateway, map: "config/imports/nrm-referral.toml".into(), source };
    let run = import.run().await;
    assert_eq!((run.success, run.totals()), (true, [1, 1, 0]), "{}{}", run.said, run.report);
    assert_eq!(accepted(&world), 1);
    gateway.stop().await;
}

/// In every cell that must not be said.
const SECRET: &str = "Zq7Secret";

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_mean_harm_are_refused_one_by_one() {
    let world = World::new();
    let gateway = world.start().await;
    let header = "Id,prs_FirstName,prs_Citizenship,prs_Birthdate,prs_Email,vic_TypeOfExploitation,narrative";
    let header = header.replace(",narrative", ",hte_Description");
    let long = "x".repeat(20_000);
    let huge = "x".repeat(300_000);
    let lines = [
        format!("good-1,{SECRET},AL,1990,,ForcedLabour,\"two\nlines\""),
        format!("\"{SECRET},AL,1990,,ForcedLabour,"),
        format!("{SECRET},={SECRET},{SECRET},{SECRET},{SECRET},{SECRET},{SECRET}"),
        format!("good-2,{SECRET},AL,1990,not an address {SECRET},{SECRET},"),
        format!("long-1,{SECRET},AL,1990,,ForcedLabour,{long}"),
        format!("huge-1,{SECRET},AL,1990,,ForcedLabour,{huge}"),
        format!("nul-1,{SECRET}\0,AL,1990,,ForcedLabour,"),
        SECRET.to_owned(),
        format!(",{SECRET},AL,1990,,ForcedLabour,"),
        format!("good-3,{SECRET},AL,1990,,ForcedLabour,=HYPERLINK(0)"),
    ];
    let mut table = format!("\u{feff}{header}\r\n{}\r\n", lines.join("\r\n")).into_bytes();
    table.extend(b"latin-1,Ren\xe9e,AL,1990,,ForcedLabour,\r\n");
    let source = world.path("harm.csv");
    fs::write(&source, table).expect("writable");
    let import = Import { world: &world, gateway: &gateway, map: "config/imports/htcds.toml".into(), source };
    let run = import.run().await;
    assert!(run.success, "{}", run.noted);
    assert_eq!(run.totals(), [11, 2, 9], "{}", run.report);
    let rejects: Vec<String> = run.rejects().iter().map(|cells| cells.join(" ")).collect();
    for expected in [
        "2  unclosed-quote",
        "3 /date_of_birth not-a-date",
        "3 /nationalities unlisted-value",
        "4 /email format",
        "5 /narrative/account maxLength",
        "6  row-too-long",
        "7 /given_name control-character",
        "8  column-count",
        "9 /subject_reference subject-required",
        "11 /given_name utf-8",
    ] {
        assert!(rejects.iter().any(|reject| reject == expected), "{expected} is not among {rejects:#?}");
    }
    let all = [run.said.as_str(), &run.noted, &run.report].concat();
    assert!(!all.contains(SECRET) && !all.contains("HYPERLINK"), "{all}");

    let source = world.path("harm.json");
    let deep = format!("{{\"ExternalId\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let objects = [
        format!("{{\"ExternalId\": \"{SECRET}\", \"AdultOrChild\": \"Adult\"}}"),
        format!("{{\"ExternalId\": \"{SECRET}\", \"ExternalId\": \"{SECRET}\"}}"),
        format!("{{\"{SECRET}\": \"{SECRET}\"}}"),
        deep,
        format!("{{\"ExternalId\": \"{SECRET}"),
    ];
    fs::write(&source, objects.join("\n")).expect("writable");
    let run = Import { source, map: "config/imports/nrm-referral.toml".into(), ..import }.run().await;
    assert_eq!(run.totals(), [5, 1, 4], "{}", run.report);
    let rules: Vec<&str> = run.rejects().iter().map(|[_, _, rule]| *rule).collect();
    assert_eq!(rules, ["duplicate-member", "unknown-member", "too-deep", "malformed-json"]);
    assert!(![run.said, run.noted, run.report].concat().contains(SECRET));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_imported_table_is_kept_or_said() {
    let world = World::new();
    let gateway = world.start().await;
    let mut canaries = Canaries::new();
    // Each # is a canary. Taken; refused by the map, by the schema and by the reader of tables; and taken again.
    let table = "Id,prs_FirstName,prs_SecondName,prs_Citizenship,prs_Birthdate,prs_Email,vic_TypeOfExploitation
#,#,#,AL,1990,#@example.org,ForcedLabour
#,#,#,#,#,#,#
#,#,#,AL,1990,not an address #,ForcedLabour
#,#,#
\"#,#,#,AL
#,#,#,AL,1990,,ForcedLabour
";
    let text: String = table.chars().map(|part| if part == '#' { canaries.word() } else { part.to_string() }).collect();
    let source = world.path("table.csv");
    fs::write(&source, &text).expect("writable");
    let import = Import { world: &world, gateway: &gateway, map: "config/imports/htcds.toml".into(), source };
    let run = import.run().await;
    assert_eq!(run.totals(), [6, 2, 4], "{}{}", run.noted, run.report);
    assert_eq!(accepted(&world), 2);
    gateway.stop().await;
    for (place, text) in [("the answer", &run.said), ("the progress", &run.noted), ("the report", &run.report)] {
        canaries.assert_none_in(place, text.as_bytes());
    }
    let (found, files) = canaries.find_below(&world.path("data"));
    assert_eq!((found, files >= 6), (Vec::new(), true));
    let lines = World::log_lines();
    assert!(lines.contains("request_id"), "the lines of calls are captured");
    canaries.assert_none_in("the log", lines.as_bytes());
    for seen in world.journal().entries() {
        canaries.assert_none_in(&format!("entry {}", seen.leaf), &seen.bytes);
    }
    assert!(canaries.find(text.as_bytes()).is_some(), "the search finds what is there");
}
