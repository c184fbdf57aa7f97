//! An empty Envoy filter: what the WASM border alone costs. Compiled by `cargo xtask bench filter`.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Room for what the host hands over at start; the filter reads none of it.
static mut ROOM: [u8; 65_536] = [0; 65_536];

#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(_size: usize) -> *mut u8 {
    (&raw mut ROOM).cast()
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_vm_start(_root: u32, _size: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(_root: u32, _size: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(_context: u32, _root: u32) {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(_context: u32, _count: u32, _end: u32) -> u32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_log(_context: u32) {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_delete(_context: u32) {}
