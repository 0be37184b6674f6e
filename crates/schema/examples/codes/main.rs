//! Generates the code lists that come from open data: `cargo run -p causeway-schema --example codes -- DATA OUT`, where
//! DATA is the folder of reference data and OUT is `config/schemas/codes`. The other lists there are written by hand.

mod lists;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, out] = arguments.as_slice() else { return ExitCode::from(2) };
    let written = lists::derived(Path::new(data)).and_then(|lists| {
        for (name, text) in lists {
            let path = Path::new(out).join(format!("{name}.json"));
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            use std::io::Write as _;
            // Nothing is left to do where standard error is closed.
            let _ = writeln!(std::io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    }
}
