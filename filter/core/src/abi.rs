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
    fn numbers_of_any_other_form_are_none() {
        assert_eq!(number(&[1, 2, 0, 0, 0, 0, 0, 0]), Some(513));
        assert_eq!(number(&[1, 2]), None);
        assert_eq!(decimal(b" 13 "), Some(13));
        for text in [&b""[..], b"-1", b"4294967296", b"1x", b"\xff"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }
}
