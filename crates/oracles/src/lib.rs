//! What fuzzing asks of evenkeel: a function for each target, which takes bytes and panics if what they mean breaks a
//! law, parts from a model, or brings down a reader of files.
//!
//! `fuzz/` hands them a fuzzer's bytes; the test `corpus` hands them the files of `fuzz/corpus`, on stable Rust. Laws,
//! models and readers are those of the crates' own tests and of the command line tool, taken in by path: there is no
//! copy of them to fall behind.
#![allow(
    clippy::duplicate_mod,
    reason = "two of core's tests, each a crate at home, share a file"
)]

mod damage;
mod journal;
mod machine;
mod models;
mod policy_file;
mod restore;
mod scenario;
mod trace_file;

#[allow(
    dead_code,
    unused_imports,
    reason = "the law suite uses the rest of it"
)]
#[path = "../../replay/tests/laws/harness/mod.rs"]
mod harness;
#[path = "../../replay/tests/laws/machines/mod.rs"]
mod machines;

/// The files of the command line tool that read policies and traces, which name each other from the crate's root.
macro_rules! of_the_cli {
    ($($name:ident at $path:literal,)*) => {$(
        #[allow(dead_code, reason = "the command line tool uses the rest of it")]
        #[allow(clippy::incompatible_msrv, reason = "as the command line tool, it is built with current stable")]
        #[path = $path]
        mod $name;
    )*};
}

of_the_cli! {
    bare at "../../cli/src/bare.rs",
    extent at "../../cli/src/extent.rs",
    input at "../../cli/src/input.rs",
    keys at "../../cli/src/keys.rs",
    near at "../../cli/src/near.rs",
    numbers at "../../cli/src/numbers.rs",
    outline at "../../cli/src/outline.rs",
    place at "../../cli/src/place.rs",
    policy at "../../cli/src/policy.rs",
    progress at "../../cli/src/progress.rs",
    screen at "../../cli/src/screen.rs",
    trace at "../../cli/src/trace.rs",
    trace_error at "../../cli/src/trace_error.rs",
    wrap at "../../cli/src/wrap.rs",
}

/// The files of core's test of Reconnect, which name each other from the crate's root.
macro_rules! of_reconnect {
    ($($name:ident at $path:literal,)*) => {$(
        #[allow(dead_code, unused_imports, reason = "core's test uses the rest of it")]
        #[path = $path]
        mod $name;
    )*};
}

of_reconnect! {
    naive at "../../core/tests/reconnect_model/naive.rs",
    pair at "../../core/tests/reconnect_model/pair.rs",
    policies at "../../core/tests/reconnect_model/policies.rs",
    random at "../../core/tests/reconnect_model/random.rs",
    word at "../../core/tests/common/word.rs",
}

use machines::every_machine;

macro_rules! targets {
    ($($(#[$when:meta])* $name:ident: $subject:ty,)*) => {
        /// A function for each target of the fuzzer.
        pub mod targets {
            $(
                #[doc = concat!("A `", stringify!($name), "` under a law.")]
                pub fn $name(data: &[u8]) {
                    crate::machine::keeps_a_law::<$subject>(data);
                }
            )*

            pub use crate::journal::journal;
            pub use crate::models::{breaker_model, reconnect_model, retry_model};
            pub use crate::policy_file::policy;
            pub use crate::restore::restore;
            pub use crate::scenario::scenario;
            pub use crate::trace_file::trace;
        }

        /// Each target by its name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[
            $((stringify!($name), targets::$name),)*
            ("breaker_model", targets::breaker_model),
            ("reconnect_model", targets::reconnect_model),
            ("retry_model", targets::retry_model),
            ("journal", targets::journal),
            ("policy", targets::policy),
            ("restore", targets::restore),
            ("scenario", targets::scenario),
            ("trace", targets::trace),
        ];
    };
}

every_machine!(targets);
