//! Journals.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| evenkeel_oracles::targets::journal(data));
