use proptest::prelude::*;

use super::visitor::{Device, is_unwanted};
use super::*;
use crate::request::fake::Fake;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 15; CUBOT X90) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36";

fn sent_by(name: &str) -> Fake {
    Fake::get("/").with("user-agent", name)
}

#[test]
fn a_whole_beacon_is_read() {
    let body =
        b"v=1\np=/orders/7;a=b&c\nt=9000\nl=1234\nlcp=900\ncls=120\ninp=40\nc=2000\nr=1\ne=2\nf=3\nk=1\na=1";
    let expected = Beacon {
        path: b"/orders/7;a=b&c",
        age_ms: Some(9_000),
        load_ms: Some(1_234),
        largest_paint_ms: Some(900),
        layout_shift_milli: 120,
        interaction_ms: 40,
        clicks: 1_000,
        rage_clicks: 1,
        errors: 2,
        features: 3,
        conversions: 1,
        abandoned: true,
    };
    assert_eq!(Beacon::parse(body), Ok(expected));
}

#[test]
fn what_the_script_sends_is_read() {
    let sent = include_str!("../../../../e2e/snippet/beacon.txt").trim_end();
    let expected = Beacon {
        path: b"/orders/7",
        age_ms: Some(60_800),
        load_ms: Some(1_034),
        largest_paint_ms: Some(900),
        layout_shift_milli: 150,
        interaction_ms: 640,
        clicks: 2,
        rage_clicks: 0,
        errors: 2,
        features: 1,
        conversions: 3,
        abandoned: false,
    };
    assert_eq!(Beacon::parse(sent.as_bytes()), Ok(expected));
}

#[test]
fn what_is_not_said_is_nothing_and_what_is_unknown_is_passed_over() {
    let expected = Beacon { path: b"/", ..Beacon::default() };
    for body in [&b"v=1\np=/"[..], b"v=1\nnew=\xff any text\np=/", b"v=1\np=/\na=0\nnew=\nnew="] {
        assert_eq!(Beacon::parse(body), Ok(expected), "{body:?}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_with_its_line() {
    let long = [b"v=1\np=/", &[b'a'; 1_024][..]].concat();
    let (line, twice, value) = (
        |line| BeaconError::Line { line },
        |line| BeaconError::Twice { line },
        |line| BeaconError::Value { line },
    );
    for (body, expected) in [
        (&b""[..], BeaconError::Version),
        (b"v=2\np=/", BeaconError::Version),
        (b"p=/\nv=1", BeaconError::Version),
        (b"v=1\r\np=/", BeaconError::Version),
        (b"v=1", BeaconError::NoPath),
        (b"v=1\nl=1", BeaconError::NoPath),
        (b"v=1\np=/\n", line(3)),
        (b"v=1\np=/\nload", line(3)),
        (b"v=1\np=/\n=1", line(3)),
        (b"v=1\np=/\nL=1", line(3)),
        (b"v=1\np=/\nlongnames=1", line(3)),
        (b"v=1\np=/\np=/", twice(3)),
        (b"v=1\np=/\nc=1\nc=1", twice(4)),
        (b"v=1\np=", value(2)),
        (b"v=1\np=a", value(2)),
        (b"v=1\np=/?q=secret", value(2)),
        (b"v=1\np=/#part", value(2)),
        (b"v=1\np=/a b", value(2)),
        (b"v=1\np=/\xc3\xa9", value(2)),
        (&long, value(2)),
        (b"v=1\np=/\nl=", value(3)),
        (b"v=1\np=/\nl=-1", value(3)),
        (b"v=1\np=/\nl=1.5", value(3)),
        (b"v=1\np=/\nl=12345678", value(3)),
        (&[b' '; MAX_BYTES + 1], BeaconError::TooLong),
    ] {
        assert_eq!(Beacon::parse(body), Err(expected), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_visitor_is_a_person_unless_something_says_otherwise() {
    for name in [DESKTOP, PHONE] {
        assert!(!is_unwanted(&sent_by(name)), "{name}");
    }
    for name in [
        "",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36",
        "Mozilla/5.0 Chrome-Lighthouse",
        "Baiduspider",
    ] {
        assert!(is_unwanted(&sent_by(name)), "{name}");
    }
    assert!(is_unwanted(&Fake::get("/")), "without a name");
    for (header, value, unwanted) in [
        ("sec-purpose", "prefetch;prerender", true),
        ("purpose", "prefetch", true),
        ("sec-purpose", "", false),
    ] {
        assert_eq!(is_unwanted(&sent_by(DESKTOP).with(header, value)), unwanted, "{header}: {value}");
    }
}

#[test]
fn a_phone_is_told_by_its_hint_and_else_by_its_name() {
    assert_eq!(Device::of(&sent_by(PHONE)), Device::Phone);
    assert_eq!(Device::of(&sent_by(DESKTOP)), Device::Desktop);
    assert_eq!(Device::of(&sent_by(PHONE).with("sec-ch-ua-mobile", "?0")), Device::Desktop);
    assert_eq!(Device::of(&sent_by(DESKTOP).with("sec-ch-ua-mobile", "?1")), Device::Phone);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..2_200)) {
        let read = Beacon::parse(&body);
        prop_assert_eq!(body.len() > MAX_BYTES, read == Err(BeaconError::TooLong));
    }

    /// Lines that are nearly right, so that most rules are reached.
    #[test]
    fn lines_in_any_order_say_what_they_say(
        lines in prop::collection::vec(("[a-z=]{0,9}|p|l|c|lcp", "[0-9]{0,8}|/[a-z/?]{0,8}"), 0..8),
    ) {
        let mut body = "v=1".to_owned();
        for (key, value) in &lines {
            body.push_str(&format!("\n{key}={value}"));
        }
        if let Ok(beacon) = Beacon::parse(body.as_bytes()) {
            let said = |wanted: &str| lines.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
            prop_assert_eq!(Some(beacon.path), said("p").map(str::as_bytes));
            prop_assert_eq!(beacon.load_ms, said("l").map(|ms| ms.parse().unwrap()));
            prop_assert!(beacon.path.starts_with(b"/") && !beacon.path.contains(&b'?'));
            prop_assert!(beacon.clicks <= CLICKS_MAX);
        }
    }
}
