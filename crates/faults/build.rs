//! Builds the shim that records a gateway's writes and syncs: a shared object, which the program carries in itself.

use std::env;
use std::path::PathBuf;

fn main() {
    let source = "shim/record.c";
    println!("cargo::rerun-if-changed={source}");
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("record.so");
    let mut compiler = cc::Build::new().warnings(true).extra_warnings(true).opt_level(2).get_compiler().to_command();
    compiler.args(["-shared", "-fPIC", "-Werror", "-o"]).arg(&target).args([source, "-ldl", "-lpthread"]);
    let built = compiler.status().expect("there is a C compiler");
    assert!(built.success(), "the shim does not compile");
}
