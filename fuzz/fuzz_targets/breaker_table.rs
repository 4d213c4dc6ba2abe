//! `breaker_table` under the laws.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::breaker_table(data));
