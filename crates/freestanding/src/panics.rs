//! What becomes of a panic: with the feature `no-panic` a symbol that does not exist, else a line and an exit code.

use core::panic::PanicInfo;

#[cfg(feature = "no-panic")]
#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_path_survived() -> !;
    }
    // SAFETY: it is never called: a program that could call it does not link.
    unsafe { a_panic_path_survived() }
}

/// It says where. (Did it not look at what it is told, the optimizer would make one of all ways to panic, and the list of
/// callers would name the wrong ones.)
#[cfg(not(feature = "no-panic"))]
#[panic_handler]
fn on_panic(panic: &PanicInfo<'_>) -> ! {
    if let Some(location) = panic.location() {
        crate::platform::print(location.file().as_bytes());
    }
    crate::platform::print(b": panic\n");
    crate::platform::exit(101)
}

/// core was compiled to unwind and names these; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::platform::exit(102)
}
