//! The memory that the host writes values to.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr;

/// Bytes that a callback's values take from the arena; the rest is allocated.
const ARENA_BYTES: usize = 32 * 1024;
/// Largest single value that memory is given for.
const MAX_VALUE_BYTES: usize = 8 * 1024 * 1024;

/// The memory that the host writes to. Apart from what is known of it, so that it is nothing but zeros: those take no room
/// in the module.
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: a proxy-wasm VM has one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));

/// What of the arena is given out, and what did not fit into it.
struct Memory {
    used: Cell<usize>,
    large: RefCell<Vec<Vec<u8>>>,
    depth: Cell<u32>,
}

// SAFETY: a proxy-wasm VM has one thread.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory { used: Cell::new(0), large: RefCell::new(Vec::new()), depth: Cell::new(0) };

/// Gives the host memory to write a value to; null if there is none.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(bytes: usize) -> *mut u8 {
    let used = MEMORY.used.get();
    if bytes <= ARENA_BYTES - used {
        MEMORY.used.set(used + bytes);
        // SAFETY: `used + bytes` is within the arena, so the pointer stays within it.
        return unsafe { ARENA.0.get().cast::<u8>().add(used) };
    }
    let mut value = Vec::new();
    if bytes > MAX_VALUE_BYTES || value.try_reserve_exact(bytes).is_err() {
        return ptr::null_mut();
    }
    value.resize(bytes, 0);
    let start = value.as_mut_ptr();
    match MEMORY.large.try_borrow_mut() {
        Ok(mut large) => {
            large.push(value);
            start
        }
        Err(_) => ptr::null_mut(),
    }
}

/// Begins a callback; the outermost one takes back all memory.
pub(super) fn enter() {
    let depth = MEMORY.depth.get();
    if depth == 0 {
        MEMORY.used.set(0);
        if let Ok(mut large) = MEMORY.large.try_borrow_mut() {
            large.clear();
        }
    }
    MEMORY.depth.set(depth.saturating_add(1));
}

/// Ends a callback.
pub(super) fn leave() {
    MEMORY.depth.set(MEMORY.depth.get().saturating_sub(1));
}
