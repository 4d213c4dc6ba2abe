//! A breaker beside core's model of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::breaker_model(data));
