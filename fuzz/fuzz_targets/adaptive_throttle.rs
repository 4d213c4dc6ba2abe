//! `adaptive_throttle` under the laws.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::adaptive_throttle(data));
