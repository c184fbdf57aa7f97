//! Encodings that the proxy-wasm ABI asks for: small byte forms that the shell hands to the host.

use prost::Message;

/// `envoy.config.core.v3.GrpcService`, as far as it is used.
#[derive(Clone, PartialEq, Message)]
struct GrpcService {
    #[prost(message, optional, tag = "1")]
    envoy_grpc: Option<EnvoyGrpc>,
}

/// `envoy.config.core.v3.GrpcService.EnvoyGrpc`, as far as it is used.
#[derive(Clone, PartialEq, Message)]
struct EnvoyGrpc {
    #[prost(string, tag = "1")]
    cluster_name: String,
}

/// The service of a gRPC call that goes to this Envoy cluster.
#[must_use]
pub fn grpc_service(cluster: &str) -> Vec<u8> {
    GrpcService { envoy_grpc: Some(EnvoyGrpc { cluster_name: cluster.to_owned() }) }.encode_to_vec()
}

/// Pairs of names and values: their number, the lengths of each, then each text with a zero byte after it.
#[must_use]
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length(pairs.len()).to_vec();
    for (name, value) in pairs {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// All headers of a request as the host gives them, in the layout of [`pairs`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderPairs<'b> {
    lengths: &'b [[u8; 8]],
    texts: &'b [u8],
}

impl<'b> HeaderPairs<'b> {
    /// Reads what the host wrote. Of bytes in any other layout only those headers are known that lie within them.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        let Some((count, rest)) = bytes.split_first_chunk::<4>() else { return Self::default() };
        let count = usize::try_from(u32::from_le_bytes(*count)).unwrap_or(usize::MAX);
        let (lengths, _) = rest.as_chunks::<8>();
        match (lengths.get(..count), rest.get(count.saturating_mul(8)..)) {
            (Some(lengths), Some(texts)) => Self { lengths, texts },
            _ => Self::default(),
        }
    }

    /// The first value of a header; the name is in lower case.
    ///
    /// Only lengths are compared until one fits, and only what fits is checked to lie within the bytes: a request is
    /// searched for several names.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'b [u8]> {
        let name = name.as_bytes();
        let mut start = 0_usize;
        for [a, b, c, d, e, f, g, h] in self.lengths {
            let name_bytes = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            let value_bytes = u32::from_le_bytes([*e, *f, *g, *h]) as usize;
            if name_bytes == name.len()
                && let Some((found, rest)) =
                    self.texts.get(start..).and_then(|texts| texts.split_at_checked(name_bytes))
                && found == name
            {
                return rest.get(1..)?.get(..value_bytes);
            }
            start = start.saturating_add(name_bytes).saturating_add(value_bytes).saturating_add(2);
        }
        None
    }
}

/// A number as the host gives it in a property: 8 bytes, little-endian.
#[must_use]
pub fn number(property: &[u8]) -> Option<u64> {
    property.try_into().ok().map(u64::from_le_bytes)
}

/// A decimal number in a header.
#[must_use]
pub fn decimal(value: &[u8]) -> Option<u32> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_cluster_becomes_an_envoy_grpc_service() {
        assert_eq!(grpc_service("serin"), b"\x0a\x07\x0a\x05serin");
    }

    #[test]
    fn pairs_are_laid_out_as_the_abi_says() {
        assert_eq!(pairs(&[]), [0, 0, 0, 0]);
        let bytes = pairs(&[("a", "bc"), ("d", "")]);
        assert_eq!(bytes, b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0");
    }

    #[test]
    fn headers_are_found_by_name_in_what_the_host_writes() {
        let bytes = pairs(&[(":path", "/a"), ("x-a", ""), ("x-b", "1"), ("x-b", "2")]);
        let headers = HeaderPairs::new(&bytes);
        for (name, expected) in
            [(":path", Some(&b"/a"[..])), ("x-a", Some(b"")), ("x-b", Some(b"1")), ("x-c", None), ("", None)]
        {
            assert_eq!(headers.value(name), expected, "{name}");
        }
        // Whatever is cut off is not found, and nothing else is.
        for end in 0..bytes.len() {
            let value = HeaderPairs::new(&bytes[..end]).value("x-b");
            assert!(value.is_none_or(|value| value == b"1"), "{end}: {value:?}");
        }
        assert_eq!(HeaderPairs::new(&[255; 64]).value("x-b"), None);
    }

    #[test]
    fn numbers_of_any_other_form_are_none() {
        assert_eq!(number(&[1, 2, 0, 0, 0, 0, 0, 0]), Some(513));
        assert_eq!(number(&[1, 2]), None);
        assert_eq!(decimal(b" 13 "), Some(13));
        for text in [&b""[..], b"-1", b"4294967296", b"1x", b"\xff"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }
}
