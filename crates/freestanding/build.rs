//! Links without start files, without libc, without anything dynamic.

fn main() {
    for arg in ["-nostartfiles", "-nodefaultlibs", "-static"] {
        println!("cargo:rustc-link-arg-bins={arg}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
