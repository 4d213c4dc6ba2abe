//! Traces.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::trace(data));
