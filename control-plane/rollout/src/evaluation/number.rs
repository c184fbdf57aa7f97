//! Numbers by which evidence knows who measured and who served. A recording has the names, so that a replay gives the
//! same numbers.

/// A number for one life of one VM. The epoch is random already; the node sets apart VMs that drew the same one.
#[must_use]
pub fn source_number(node: &str, epoch: u64) -> u64 {
    fnv1a(epoch, node)
}

/// A number for an upstream host, by its address.
#[must_use]
pub fn host_number(address: &str) -> u64 {
    fnv1a(0xcbf2_9ce4_8422_2325, address)
}

/// FNV-1a, begun with `seed`.
fn fnv1a(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
