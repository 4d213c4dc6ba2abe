//! The same for a browser or node: a module without imports but `show`, which wasm.mjs gives it.
#![no_std]

use core::panic::PanicInfo;

use evenkeel_replay::golden;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    fn show(name: *const u8, len: usize, digest: u64);
}

/// Shows the name and digest of each machine.
#[unsafe(no_mangle)]
pub extern "C" fn run() {
    golden::all_answers(&mut |name, digest| {
        // SAFETY: the host reads `len` bytes at `name` before it returns.
        unsafe { show(name.as_ptr(), name.len(), digest) };
    });
}

#[panic_handler]
fn on_panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
