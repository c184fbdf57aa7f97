//! Whether a request that changes something comes from one of our own pages.
//!
//! Browsers say where a request comes from, in `Sec-Fetch-Site` on safe connections and in `Origin` else. A foreign page cannot
//! lie about that, and its request carries no cookie of ours either. Programs say nothing, and need a token in a header instead,
//! which no foreign page can send. Where everyone may act there is neither: there a name, which its owner could make lead to our
//! address, is not taken for us.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// A request from a page of somebody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(in crate::http) enum Foreign {
    #[error("the request comes from a page of another site")]
    Site,
    #[error("the browser does not say which page the request comes from")]
    Unsaid,
    #[error(
        "this server asks nobody who they are, so it takes acts only at an IP address or at localhost: open the dashboard there, or \
         give listeners.admin.tokens"
    )]
    Name,
}

/// `authority` is the one of the request's own target, which HTTP/2 sends in place of `Host`.
pub(super) fn check(
    headers: &HeaderMap,
    authority: Option<&str>,
    has_cookie: bool,
    asks_name: bool,
) -> Result<(), Foreign> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text("host").or(authority).unwrap_or_default();
    if asks_name && !is_address(host) {
        return Err(Foreign::Name);
    }
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), _) => Ok(()),
        (Some(_), _) => Err(Foreign::Site),
        (None, Some(origin)) => {
            let of = origin.split_once("://").map(|(_, of)| of);
            if of.is_some_and(|of| of.eq_ignore_ascii_case(host)) { Ok(()) } else { Err(Foreign::Site) }
        }
        (None, None) if has_cookie => Err(Foreign::Unsaid),
        (None, None) => Ok(()),
    }
}

fn is_address(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &str)], has_cookie: bool, asks_name: bool) -> Result<(), Foreign> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        check(&headers.collect(), None, has_cookie, asks_name)
    }

    #[test]
    fn only_our_own_pages_and_programs_may_change_something() {
        let host = ("host", "serin.example:7442");
        assert_eq!(checked(&[host, ("origin", "https://serin.example:7442")], true, false), Ok(()));
        assert_eq!(
            checked(&[host, ("sec-fetch-site", "same-origin"), ("origin", "null")], true, false),
            Ok(())
        );
        assert_eq!(checked(&[host], false, false), Ok(()));
        assert_eq!(checked(&[host], true, false), Err(Foreign::Unsaid));
        for origin in
            ["https://evil.example", "null", "", "https://serin.example", "https://serin.example:7442.evil"]
        {
            assert_eq!(checked(&[host, ("origin", origin)], true, false), Err(Foreign::Site), "{origin}");
        }
        for site in ["cross-site", "same-site", "none", ""] {
            let headers = [host, ("sec-fetch-site", site), ("origin", "https://serin.example:7442")];
            assert_eq!(checked(&headers, true, false), Err(Foreign::Site), "{site}");
        }
    }

    #[test]
    fn where_everyone_may_act_a_name_is_not_taken_for_us() {
        for host in
            ["127.0.0.1:7442", "[::1]:7442", "10.1.2.3", "localhost:7442", "LOCALHOST", "serin.localhost:1"]
        {
            assert_eq!(checked(&[("host", host)], false, true), Ok(()), "{host}");
        }
        for host in ["evil.example:7442", "127.0.0.1.evil.example", "localhost.evil.example", ""] {
            let found = checked(&[("host", host), ("sec-fetch-site", "same-origin")], false, true);
            assert_eq!(found, Err(Foreign::Name), "{host}");
        }
    }
}
