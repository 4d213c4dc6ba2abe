//! What a program needs of its platform: where it begins, one way to write, one way to end.

use core::arch::{asm, naked_asm};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the freestanding proof speaks to Linux on x86-64");

/// The kernel jumps here, with the stack as the ABI of a *call* does not have it: aligned, without a return address.
///
/// # Safety
///
/// Nobody but the kernel may call it.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "call {begin}", "ud2", begin = sym begin)
}

extern "C" fn begin() -> ! {
    crate::run();
    exit(0)
}

/// Writes to standard output; a reader who has gone away is no reason to stop.
pub(crate) fn print(text: &[u8]) {
    const WRITE: u64 = 1;
    // SAFETY: the kernel reads `len` bytes at `text` and nothing else.
    unsafe { call(WRITE, [1, text.as_ptr() as u64, text.len() as u64]) };
}

/// Ends the process.
pub(crate) fn exit(code: u64) -> ! {
    const EXIT_GROUP: u64 = 231;
    loop {
        // SAFETY: it takes a number and does not come back.
        unsafe { call(EXIT_GROUP, [code, 0, 0]) };
    }
}

/// # Safety
///
/// What the system call of this number asks of its arguments.
unsafe fn call(number: u64, [one, two, three]: [u64; 3]) {
    // SAFETY: the caller's; the kernel changes rax, rcx and r11 only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => _,
            in("rdi") one,
            in("rsi") two,
            in("rdx") three,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
}
