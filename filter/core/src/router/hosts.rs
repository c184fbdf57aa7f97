//! From the host of a request to its service.

use serin_proto::assignment::{Assignment, HostPattern};

use crate::hash::TextMap;
use crate::request::RequestView;

/// Longest host name that can match; DNS allows 253 bytes.
const HOST_BYTES: usize = 256;

#[derive(Debug, Default)]
pub(super) struct HostIndex {
    exact: TextMap<usize>,
    suffixes: TextMap<usize>,
    any: Option<usize>,
}

impl HostIndex {
    pub(super) fn new(assignment: &Assignment) -> Self {
        let mut index = Self::default();
        for (number, service) in assignment.services.iter().enumerate() {
            if service.hosts.is_empty() {
                index.any = Some(number);
            }
            for host in &service.hosts {
                match host {
                    HostPattern::Exact(host) => index.exact.insert(host.as_bytes().into(), number),
                    HostPattern::Suffix(suffix) => index.suffixes.insert(suffix.as_bytes().into(), number),
                };
            }
        }
        index
    }

    /// Exact before the longest suffix before any.
    pub(super) fn find(&self, request: &impl RequestView) -> Option<usize> {
        if self.exact.is_empty() && self.suffixes.is_empty() {
            return self.any;
        }
        let claimed = request.authority().and_then(|authority| {
            let mut buffer = [0; HOST_BYTES];
            let host = normalize(authority, &mut buffer)?;
            self.exact.get(host).or_else(|| self.longest_suffix(host)).copied()
        });
        claimed.or(self.any)
    }

    fn longest_suffix(&self, host: &[u8]) -> Option<&usize> {
        if self.suffixes.is_empty() {
            return None;
        }
        // Something must stand before the dot: `*.example.com` is every host below the domain.
        (1..host.len()).find_map(|at| {
            let suffix = host.get(at..)?;
            if suffix.first() == Some(&b'.') { self.suffixes.get(suffix) } else { None }
        })
    }
}

/// The host of an authority in lower case and without port; `None` if it is longer than any host.
pub(super) fn normalize<'b>(authority: &[u8], buffer: &'b mut [u8; HOST_BYTES]) -> Option<&'b [u8]> {
    let host = without_port(authority);
    let lower = buffer.get_mut(..host.len())?;
    lower.copy_from_slice(host);
    lower.make_ascii_lowercase();
    Some(lower)
}

fn without_port(authority: &[u8]) -> &[u8] {
    match authority.iter().rposition(|byte| *byte == b':') {
        // The colons of an IPv6 address stand inside its brackets.
        Some(colon) if authority.get(colon..).is_some_and(|rest| !rest.contains(&b']')) => {
            authority.get(..colon).unwrap_or(authority)
        }
        Some(_) | None => authority,
    }
}

/// Whether any of the patterns matches the host; no patterns match every host.
pub(super) fn matches(patterns: &[HostPattern], authority: Option<&[u8]>) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let mut buffer = [0; HOST_BYTES];
    let Some(host) = authority.and_then(|authority| normalize(authority, &mut buffer)) else { return false };
    patterns.iter().any(|pattern| match pattern {
        HostPattern::Exact(exact) => host == exact.as_bytes(),
        HostPattern::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_bytes()),
    })
}
