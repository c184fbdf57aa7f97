//! What secrets look like. The order counts: what holds other secrets comes first.

use super::numbers;

/// What kind of secret it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// A block of PEM, for example a private key.
    Pem,
    /// The value of an authorization header.
    Authorization,
    /// The value of a cookie header.
    Cookie,
    /// A JSON web token.
    Jwt,
    /// A token after the word `bearer` or `basic`.
    Token,
    /// A key that its issuer marks, for example one of AWS or GitHub.
    Key,
    /// User and password in an address.
    UserInfo,
    /// What stands after a name such as `password`.
    Pair,
    /// The number of a payment card.
    Card,
    /// An email address.
    Email,
}

impl Class {
    /// As it stands in the place of the secret.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::Jwt => "jwt",
            Self::Token => "token",
            Self::Key => "key",
            Self::UserInfo => "userinfo",
            Self::Pair => "secret",
            Self::Card => "card",
            Self::Email => "email",
        }
    }
}

/// One form of a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    Pem,
    Authorization,
    Cookie,
    Jwt,
    Token,
    Aws,
    Vendor,
    UserInfo,
    Pair,
    Flag,
    Card,
    Email,
}

/// A PEM block; one that is cut goes to the end.
const PEM: &str = r"(?s)-----BEGIN [A-Z0-9 ]{1,64}-----.*?(?:-----END [A-Z0-9 ]{1,64}-----|\z)";
const AUTHORIZATION: &str = r#"(?i)(?P<before>\b(?:proxy-)?authorization\\?["']?\s{0,8}[:=]\s{0,8}(?:\[\s{0,2}\\?["']|\\?["'])?)(?P<secret>[^\r\n"'\\]+)"#;
const COOKIE: &str = r#"(?i)(?P<before>\b(?:set-)?cookie2?\\?["']?\s{0,8}[:=]\s{0,8}(?:\[\s{0,2}\\?["']|\\?["'])?)(?P<secret>[^\r\n"'\\]+)"#;
const JWT: &str = r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*){0,3}";
const TOKEN: &str =
    r"(?i)(?P<before>\b(?:bearer|basic|digest|negotiate|apikey)[ \t]{1,8})(?P<secret>[A-Za-z0-9._~+/=-]{6,})";
const AWS: &str = r"\b(?:AKIA|ASIA|AROA|AIDA|ANPA|ANVA|AGPA|AIPA|ABIA|ACCA)[A-Z0-9]{16}\b";
const VENDOR: &str = concat!(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}",
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}",
    r"|(?:sk|pk|rk)[_-](?:live|test|proj)[_-][A-Za-z0-9_-]{10,}|sk-[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}",
    r"|hvs\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
    r"|https://hooks\.slack\.com/[A-Za-z0-9/_-]+",
);
const USER_INFO: &str = r#"(?i)(?P<before>\b[a-z][a-z0-9+.-]{0,30}://)(?P<secret>[^\s/?#"'<>]+|[^\s/"'<>@]+:[^\s"'<>]+)(?P<after>@)"#;
const PAIR: &str = concat!(
    r#"(?i)(?P<before>[A-Za-z0-9_.-]{0,64}(?:passw(?:or)?d|passphrase|\bpwd\b|secret|token|api[_-]?key|apikey"#,
    r#"|(?:access|account|private|shared|signing|encryption|master)[_-]?(?:access[_-]?)?key|credentials?"#,
    r#"|session[_-]?id|signature)[A-Za-z0-9_-]{0,32}\\?["']?\s{0,8}(?:[:=]|=>)\s{0,8})"#,
    r#"(?P<secret>\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s"'&;,)}<>]+)"#,
);
/// What follows `--password` and the like after a blank, and `pass=`.
const FLAG: &str = concat!(
    r"(?i)(?P<before>\B--?[a-z0-9-]{0,32}(?:passw(?:or)?d|passphrase|secret|token|api-?key|credentials?)[a-z0-9-]{0,16}[ \t]{1,4}",
    r#"|\bpass(?:wort)?=)(?P<secret>"[^"]*"|'[^']*'|[^\s"'&;,)}<>-][^\s"'&;,)}<>]*)"#,
);
const CARD: &str = r"\b[0-9](?:[ -]?[0-9]){12,18}\b";
const EMAIL: &str = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}";

impl Rule {
    pub(super) const ALL: [Self; 12] = [
        Self::Pem,
        Self::Authorization,
        Self::Cookie,
        Self::Jwt,
        Self::Token,
        Self::Aws,
        Self::Vendor,
        Self::UserInfo,
        Self::Pair,
        Self::Flag,
        Self::Card,
        Self::Email,
    ];

    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::Pem => PEM,
            Self::Authorization => AUTHORIZATION,
            Self::Cookie => COOKIE,
            Self::Jwt => JWT,
            Self::Token => TOKEN,
            Self::Aws => AWS,
            Self::Vendor => VENDOR,
            Self::UserInfo => USER_INFO,
            Self::Pair => PAIR,
            Self::Flag => FLAG,
            Self::Card => CARD,
            Self::Email => EMAIL,
        }
    }

    pub(super) const fn class(self) -> Class {
        match self {
            Self::Pem => Class::Pem,
            Self::Authorization => Class::Authorization,
            Self::Cookie => Class::Cookie,
            Self::Jwt => Class::Jwt,
            Self::Token => Class::Token,
            Self::Aws | Self::Vendor => Class::Key,
            Self::UserInfo => Class::UserInfo,
            Self::Pair | Self::Flag => Class::Pair,
            Self::Card => Class::Card,
            Self::Email => Class::Email,
        }
    }

    /// Whether what was found is one, beyond its form.
    pub(super) fn is_secret(self, found: &str) -> bool {
        match self {
            // Not "basic checks" or "bearer token".
            Self::Token => found.bytes().skip(1).any(|byte| !byte.is_ascii_lowercase()),
            Self::Card => numbers::passes_luhn(found),
            Self::Pem
            | Self::Authorization
            | Self::Cookie
            | Self::Jwt
            | Self::Aws
            | Self::Vendor
            | Self::UserInfo
            | Self::Pair
            | Self::Flag
            | Self::Email => true,
        }
    }
}
