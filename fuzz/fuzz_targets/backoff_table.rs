//! `backoff_table` under the laws.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::backoff_table(data));
