//! Scenario files.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::scenario(data));
