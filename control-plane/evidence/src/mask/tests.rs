use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Compiling the rules takes longer than using them.
static MASKER: std::sync::LazyLock<Masker> = std::sync::LazyLock::new(|| Masker::new(false).unwrap());

fn masked(text: &str) -> String {
    MASKER.mask(text).into_owned()
}

#[test]
fn each_class_of_secret_is_taken_and_the_words_around_it_stay() {
    for (text, expected) in [
        (
            "GET / Authorization: Bearer abc.def-123\nHost: a",
            "GET / Authorization: [masked:authorization]\nHost: a",
        ),
        (
            r#"{"authorization":"Basic dXNlcjpw","x":1}"#,
            r#"{"authorization":"[masked:authorization]","x":1}"#,
        ),
        (r#"headers authorization=["Bearer a"] x"#, r#"headers authorization=["[masked:authorization]"] x"#),
        ("cookie: sid=1; theme=dark\r\nx: y", "cookie: [masked:cookie]\r\nx: y"),
        ("sent Bearer A1b2C3d4E5 to it", "sent Bearer [masked:token] to it"),
        ("basic checks of the bearer token passed", "basic checks of the bearer token passed"),
        ("got eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl now", "got [masked:jwt] now"),
        ("key AKIAIOSFODNN7EXAMPLE is old", "key [masked:key] is old"),
        ("with ghp_0123456789abcdefABCDEF0123456789", "with [masked:key]"),
        ("postgres://shop:hun/t@r2@db:5432/shop", "postgres://[masked:userinfo]@db:5432/shop"),
        ("postgres://shop:hunter2@db:5432/shop", "postgres://[masked:userinfo]@db:5432/shop"),
        ("https://t0ken@git.example.com/x", "https://[masked:userinfo]@git.example.com/x"),
        ("host=db password=hunter2 port=1", "host=db password=[masked:secret] port=1"),
        ("pass=hunter2 passwd=x", "pass=[masked:secret] passwd=[masked:secret]"),
        (
            "job --password hunter2 --db-token 'a b' -v",
            "job --password [masked:secret] --db-token [masked:secret] -v",
        ),
        ("job --password --verbose", "job --password --verbose"),
        ("3 pass, 2 fail; bypass=yes", "3 pass, 2 fail; bypass=yes"),
        (r#"{"db_password": "hun ter2", "a": 1}"#, r#"{"db_password": [masked:secret], "a": 1}"#),
        ("api_key=abc&x=1", "api_key=[masked:secret]&x=1"),
        ("AccountKey=abc==;EndpointSuffix=x", "AccountKey=[masked:secret];EndpointSuffix=x"),
        ("card 4111 1111 1111 1111 refused", "card [masked:card] refused"),
        ("order 4111 1111 1111 1112 refused", "order 4111 1111 1111 1112 refused"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- after", "[masked:pem] after"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", "[masked:pem]"),
        ("mail to anna@example.com", "mail to anna@example.com"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
        assert_eq!(masked(&masked(text)), masked(text), "masking twice: {text}");
    }
    let with_emails = Masker::new(true).unwrap();
    assert_eq!(with_emails.mask("mail to anna@example.com"), "mail to [masked:email]");
}

#[test]
fn in_a_value_names_tell_too_and_numbers_of_measurements_stay() {
    let mut value = json!({
        "headers": {"Authorization": "opaque", "X-Api-Key": ["a", "b"], "accept": "text/html"},
        "token": 12345, "tokens": {"a": 1}, "reason": "password: hunter2", "latency_us": 4_111_111_111_111_111_u64,
        "Bearer A1b2C3d4E5": 1,
    });
    Masker::new(false).unwrap().mask_value(&mut value);
    assert_eq!(
        value,
        json!({
            "headers": {"Authorization": "[masked:secret]", "X-Api-Key": "[masked:secret]", "accept": "text/html"},
            "token": "[masked:secret]", "tokens": {"a": 1}, "reason": "password: [masked:secret]",
            "latency_us": 4_111_111_111_111_111_u64, "Bearer [masked:token]": 1,
        })
    );
}

#[test]
fn what_nests_deeply_is_taken_and_long_text_is_cut() {
    let mut value = json!("password=hunter2");
    (0..100).for_each(|_| value = json!([value.take()]));
    let masker = Masker::new(false).unwrap();
    masker.mask_value(&mut value);
    assert!(!value.to_string().contains("hunter2"));
    let mut long = json!("a ".repeat(TEXT_BYTES));
    masker.mask_value(&mut long);
    assert_eq!(long.as_str().unwrap().len(), TEXT_BYTES);
}

/// A secret of each class, with the part of it that must not be seen.
fn secret() -> impl Strategy<Value = (String, String)> {
    let core = "[A-Za-z0-9]{8}[0-9][A-Z][A-Za-z0-9]{12,20}";
    (0..12_usize, core, "[A-Z0-9]{16}").prop_map(|(class, core, upper)| {
        let text = match class {
            0 => format!("Authorization: Bearer {core}"),
            1 => format!("\"proxy-authorization\": \"Basic {core}==\""),
            2 => format!("set-cookie: session={core}; HttpOnly"),
            3 => format!("bearer {core}"),
            4 => format!("eyJ{core}.eyJ{core}.{core}"),
            5 => return (format!("AKIA{upper}"), upper),
            6 => format!("-----BEGIN EC PRIVATE KEY-----\n{core}\n{core}\n-----END EC PRIVATE KEY-----"),
            7 => format!("amqp://user:{core}@broker:5672/vhost"),
            8 => format!("Server=db;Uid=sa;Password={core};Encrypt=true"),
            9 => format!("aws_secret_access_key = {core}/{core}"),
            10 => format!("https://api.example.com/v1?api_key={core}&limit=10"),
            _ => format!("{{\"client_secret\":\"{core}\",\"grant\":\"x\"}}"),
        };
        (text, core)
    })
}

proptest! {
    #[test]
    fn a_secret_that_is_planted_anywhere_is_taken(
        before in "[ -~]{0,40}[ \n(]",
        (text, core) in secret(),
        after in "[ \n,)][ -~]{0,40}",
    ) {
        let planted = format!("{before}{text}{after}");
        let masked = masked(&planted);
        prop_assert!(!masked.contains(&core), "{planted:?} became {masked:?}");
    }

    #[test]
    fn a_card_number_that_is_planted_is_taken(digits in "[3-6][0-9]{14}", grouped in any::<bool>()) {
        let check = (0..10).find(|check| numbers::passes_luhn(&format!("{digits}{check}"))).unwrap();
        let number = format!("{digits}{check}");
        let shown = if grouped {
            number.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join("-")
        } else {
            number.clone()
        };
        let text = format!("paid with {shown} today");
        prop_assert!(!masked(&text).contains(&shown), "{}", text);
    }

    #[test]
    fn masking_is_total_and_masking_twice_changes_nothing(text in "(?s).{0,200}") {
        let once = masked(&text);
        prop_assert_eq!(masked(&once), once.clone());
    }
}
