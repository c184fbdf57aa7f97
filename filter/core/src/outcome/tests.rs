use super::{Flags, Outcome, classify};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(status: u16, grpc: Option<u32>, bits: &[u32], expected: Outcome) {
    let flags = Flags(bits.iter().fold(0, |flags, bit| flags | 1 << bit));
    assert_eq!(classify(status, grpc, flags), expected, "status {status}, grpc {grpc:?}, flags {bits:?}");
}

#[test]
fn http_statuses_without_flags() {
    for (status, expected) in [
        (100, Outcome::Ok),
        (101, Outcome::Ok),
        (200, Outcome::Ok),
        (304, Outcome::Ok),
        (400, Outcome::ClientError),
        (404, Outcome::ClientError),
        (408, Outcome::ClientError),
        (429, Outcome::Overload),
        (499, Outcome::ClientError),
        (500, Outcome::ServerError),
        (503, Outcome::ServerError),
        (504, Outcome::ServerError),
        (599, Outcome::ServerError),
        (0, Outcome::Cancelled),
    ] {
        check(status, None, &[], expected);
    }
}

#[test]
fn an_upgraded_connection_was_served_however_it_ends() {
    for bits in [&[][..], &[6], &[4], &[14], &[16]] {
        check(101, None, bits, Outcome::Ok);
    }
}

#[test]
fn envoy_names_the_cause_of_a_failure_by_flags() {
    for (status, bits, expected) in [
        (503, &[1][..], Outcome::ConnectFailure),
        (504, &[2], Outcome::Timeout),
        (503, &[3], Outcome::Reset),
        (503, &[4], Outcome::Reset),
        (503, &[5], Outcome::ConnectFailure),
        (503, &[5, 15], Outcome::ConnectFailure),
        (503, &[6], Outcome::Reset),
        (503, &[7], Outcome::Overload),
        (408, &[16], Outcome::Timeout),
        (504, &[19], Outcome::Timeout),
        (502, &[23], Outcome::Reset),
        (503, &[24], Outcome::ConnectFailure),
        (503, &[25], Outcome::Overload),
        (503, &[26], Outcome::ConnectFailure),
        (503, &[27], Outcome::Overload),
        (503, &[29], Outcome::Overload),
        (0, &[14], Outcome::Cancelled),
        (0, &[28], Outcome::Cancelled),
        (0, &[14, 6], Outcome::Cancelled),
        (0, &[4], Outcome::Reset),
        (200, &[4], Outcome::Reset),
        (200, &[14], Outcome::Cancelled),
        (503, &[10], Outcome::ServerError),
    ] {
        check(status, None, bits, expected);
    }
}

#[test]
fn grpc_codes_decide_over_the_http_status_that_is_always_200() {
    let expected = [
        Outcome::Ok,
        Outcome::Cancelled,
        Outcome::ServerError,
        Outcome::ClientError,
        Outcome::Timeout,
        Outcome::ClientError,
        Outcome::ClientError,
        Outcome::ClientError,
        Outcome::Overload,
        Outcome::ClientError,
        Outcome::ClientError,
        Outcome::ClientError,
        Outcome::ServerError,
        Outcome::ServerError,
        Outcome::ServerError,
        Outcome::ServerError,
        Outcome::ClientError,
        Outcome::ServerError,
    ];
    for (code, expected) in (0..).zip(expected) {
        check(200, Some(code), &[], expected);
    }
    check(200, Some(u32::MAX), &[], Outcome::ServerError);
    check(503, Some(0), &[], Outcome::ServerError);
    check(200, Some(14), &[5], Outcome::ConnectFailure);
    check(200, Some(14), &[7], Outcome::Overload);
}

#[test]
fn every_input_has_an_outcome() {
    for status in 0..=u16::MAX {
        let outcome = classify(status, None, Flags(0));
        assert!(Outcome::ALL.contains(&outcome));
    }
    for bit in 0..64 {
        assert!(Outcome::ALL.contains(&classify(503, Some(14), Flags(1 << bit))));
    }
}
