//! Builds the shims that record a gateway's writes and syncs, and that let them fail: shared objects, which the program carries in
//! itself.

use std::env;
use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for shim in ["record", "fail"] {
        let source = format!("shim/{shim}.c");
        println!("cargo::rerun-if-changed={source}");
        let target = folder.join(shim).with_extension("so");
        let mut compiler =
            cc::Build::new().warnings(true).extra_warnings(true).opt_level(2).get_compiler().to_command();
        compiler.args(["-shared", "-fPIC", "-Werror", "-o"]).arg(&target).args([&source, "-ldl", "-lpthread"]);
        let built = compiler.status().expect("there is a C compiler");
        assert!(built.success(), "the shim {shim} does not compile");
    }
}
