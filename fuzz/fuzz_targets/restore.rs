//! Restoring the states of every machine.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::restore(data));
