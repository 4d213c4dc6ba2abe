//! `retry_ratio` under the laws.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::retry_ratio(data));
