//! An allocator that only ever takes: enough for a program that ends.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 1 << 28;

#[repr(align(4096))]
struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: each byte is given out once, by an atomic step.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));
static TAKEN: AtomicUsize = AtomicUsize::new(0);

struct Bump;

#[global_allocator]
static BUMP: Bump = Bump;

// SAFETY: blocks do not overlap, lie in the arena, and are aligned: the arena is to 4096 bytes, more is refused.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let take = |taken: usize| {
            let begin = taken.checked_next_multiple_of(layout.align())?;
            let end = begin.checked_add(layout.size())?;
            (end <= SIZE && layout.align() <= 4096).then_some(end)
        };
        match TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(taken) => {
                let begin = taken.next_multiple_of(layout.align());
                ARENA.0.get().cast::<u8>().wrapping_add(begin)
            }
            Err(_) => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
