//! A reconnecting link beside core's model of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::reconnect_model(data));
