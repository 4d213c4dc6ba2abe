//! Every machine at work without std: prints the digests of docs/golden/answers.txt, with what the kernel alone offers.
//!
//! Linux on x86-64. Everything here that is not safe stands in [`platform`]; the machines have none.
#![no_std]
#![no_main]

#[cfg(feature = "control-std")]
extern crate std;

#[cfg(feature = "alloc")]
mod allocator;
mod memory;
mod panics;
mod platform;

use evenkeel_replay::golden;

/// Called by [`platform`] when the stack stands.
fn run() {
    #[cfg(feature = "control-alloc")]
    controls::allocate();
    #[cfg(feature = "control-panic")]
    controls::panic();
    golden::all_answers(&mut |name, digest| {
        platform::print(&hexadecimal(digest));
        platform::print(b"  ");
        platform::print(name.as_bytes());
        platform::print(b"\n");
    });
}

/// Sixteen digits, without the formatting of core, which can panic.
fn hexadecimal(number: u64) -> [u8; 16] {
    let mut left = number;
    [(); 16].map(|()| {
        left = left.rotate_left(4);
        match (left & 15) as u8 {
            digit @ 0..=9 => b'0' + digit,
            digit => b'a' - 10 + digit,
        }
    })
}

/// What must not build; see Cargo.toml.
#[cfg(any(feature = "control-alloc", feature = "control-panic"))]
mod controls {
    #[cfg(feature = "control-alloc")]
    pub(crate) fn allocate() {
        extern crate alloc;
        core::hint::black_box(alloc::boxed::Box::new(1_u64));
    }

    /// One that the optimizer cannot rule out.
    #[cfg(feature = "control-panic")]
    pub(crate) fn panic() {
        let row = [1, 2, 3];
        core::hint::black_box(row[core::hint::black_box(3)]);
    }
}
