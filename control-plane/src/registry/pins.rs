//! Contents that a registration is about to need: kept, and not yet carried by any version.
//!
//! A content that is pinned is not removed. What looks whether one is pinned and removes it, and what pins one, exclude each
//! other, so a registration never finds a content that is gone a moment later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serin_registry::Digest;

/// How many registrations need each content.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins {
    needed: Arc<Mutex<HashMap<Digest, u32>>>,
    /// Held while a content is removed, and while one is pinned.
    gate: Arc<tokio::sync::Mutex<()>>,
}

/// Contents that stay until this is dropped.
#[derive(Debug)]
pub(super) struct Pinned {
    pins: Pins,
    digests: Vec<Digest>,
}

impl Pins {
    /// Keeps contents from being removed. Must come before they are looked for.
    pub(super) async fn pin(&self, digests: Vec<Digest>) -> Pinned {
        let _nothing_is_removed = self.gate.lock().await;
        let mut needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in &digests {
            *needed.entry(*digest).or_default() += 1;
        }
        Pinned { pins: self.clone(), digests }
    }

    /// Does what removes a content, unless it is pinned; nobody pins one meanwhile.
    pub(super) async fn unless_pinned<T>(
        &self,
        digest: &Digest,
        remove: impl Future<Output = T>,
    ) -> Option<T> {
        let _nobody_pins = self.gate.lock().await;
        let is_needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest);
        if is_needed { None } else { Some(remove.await) }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut needed = self.pins.needed.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in &self.digests {
            if let Some(count) = needed.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    needed.remove(digest);
                }
            }
        }
    }
}
