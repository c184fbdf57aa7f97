//! What looks like a secret, left out.

/// Words before a secret, in lower case.
const NAMES: [&str; 9] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "authorization", "bearer"];
/// In place of a secret.
const MASK: &str = "***";

/// The same text, in which the value after a word such as `password` (`password=x`, `"token": "x"`, `Authorization: Bearer x`)
/// and the password of an address (`//user:x@host`) are left out.
#[must_use]
pub fn mask(text: &str) -> String {
    text.lines().map(mask_line).collect::<Vec<_>>().join("\n")
}

fn mask_line(line: &str) -> String {
    let mut found = String::new();
    let mut rest = line;
    while let Some((before, name, after)) = first(rest) {
        found.push_str(before);
        found.push_str(name);
        let gap = after.find(|c: char| !matches!(c, '=' | ':' | ' ' | '"' | '\'')).unwrap_or(after.len());
        let (gap, value) = after.split_at(gap);
        found.push_str(gap);
        let is_value = gap.contains(['=', ':']) || name.eq_ignore_ascii_case("bearer");
        let is_name = first(value).is_some_and(|(before, ..)| before.is_empty());
        let end = value.find([' ', '"', '\'', ',', ';', '&', '}']).unwrap_or(value.len());
        rest = value;
        if is_value && !is_name && end > 0 {
            found.push_str(MASK);
            rest = value.get(end..).unwrap_or_default();
        }
    }
    found.push_str(rest);
    mask_address(&found)
}

/// The first such word: what is before it, the word, and what is behind it.
fn first(text: &str) -> Option<(&str, &str, &str)> {
    let lower = text.to_ascii_lowercase();
    let found = NAMES.iter().filter_map(|name| Some((lower.find(name)?, name.len())));
    let (at, length) = found.min_by_key(|(at, length)| (*at, usize::MAX - length))?;
    Some((text.get(..at)?, text.get(at..at + length)?, text.get(at + length..)?))
}

fn mask_address(line: &str) -> String {
    let mut found = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("//") {
        found.push_str(before);
        found.push_str("//");
        let end = after.find(['/', ' ', '"', '\'']).unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => found.push_str(&format!("{user}:{MASK}@{host}")),
            None => found.push_str(authority),
        }
        rest = behind;
    }
    found.push_str(rest);
    found
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn what_looks_like_a_secret_is_left_out_and_nothing_else() {
        for (text, masked) in [
            ("all is well", "all is well"),
            ("password=hunter2 next", "password=*** next"),
            ("DB_PASSWORD: hunter2, then", "DB_PASSWORD: ***, then"),
            ("{\"token\": \"abc\", \"n\": 1}", "{\"token\": \"***\", \"n\": 1}"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("bearer abc", "bearer ***"),
            ("a?api_key=1&b=2", "a?api_key=***&b=2"),
            (
                "postgres://anna:hunter2@db/shop and https://x/y",
                "postgres://anna:***@db/shop and https://x/y",
            ),
            ("the token is gone", "the token is gone"),
            ("größe token=ß\nsecret='x'", "größe token=***\nsecret='***'"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }
}
