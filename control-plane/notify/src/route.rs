//! Which targets are told what. The first route that matches wins, unless it says `continue`.

use std::collections::BTreeSet;
use std::fmt;

use serin_rollout::Severity;

use crate::News;

/// A pattern in which `*` stands for any text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob(String);

/// One route. What is absent matches everything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Route {
    /// At least this urgent.
    pub severity: Option<Severity>,
    /// One of the owners.
    pub owner: Option<Glob>,
    /// The service.
    pub service: Option<Glob>,
    /// One of these kinds of events. Empty: all.
    pub kinds: BTreeSet<String>,
    /// Names of the targets. Empty: nobody is told.
    pub to: BTreeSet<String>,
    /// Later routes are asked too.
    pub goes_on: bool,
}

/// All routes, in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Routes(pub Vec<Route>);

impl Glob {
    /// A pattern.
    #[must_use]
    pub fn new(pattern: String) -> Self {
        Self(pattern)
    }

    /// Whether all of `text` is as the pattern says. Takes at most the product of both lengths.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        let mut rest = rest;
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Route {
    fn matches(&self, news: &News) -> bool {
        self.severity.is_none_or(|least| news.severity >= least)
            && self.service.as_ref().is_none_or(|glob| glob.matches(&news.service))
            && (self.kinds.is_empty() || self.kinds.contains(&news.kind))
            && self.owner.as_ref().is_none_or(|glob| news.owners.iter().any(|owner| glob.matches(owner)))
    }
}

impl Routes {
    /// The targets that are told.
    #[must_use]
    pub fn targets(&self, news: &News) -> BTreeSet<String> {
        let mut targets = BTreeSet::new();
        for route in self.0.iter().filter(|route| route.matches(news)) {
            targets.extend(route.to.iter().cloned());
            if !route.goes_on {
                break;
            }
        }
        targets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::news::sample::news;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern.to_owned())
    }

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_is_special() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("payments@*", "payments@shop.example", true),
            ("payments@*", "team-payments@shop.example", false),
            ("*@shop.example", "payments@shop.example", true),
            ("*@shop.example", "payments@shop.example.org", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("**", "x", true),
            ("a.c", "abc", false),
            ("é*", "ecole", false),
            ("é*", "été", true),
        ] {
            assert_eq!(glob(pattern).matches(text), matches, "{pattern} on {text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_agrees_with_a_search_of_all_ways(pattern in "[ab*]{0,6}", text in "[ab]{0,7}") {
            fn slowly(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|at| slowly(rest, &text[at..])),
                    Some((letter, rest)) => text.first() == Some(letter) && slowly(rest, &text[1..]),
                }
            }
            prop_assert_eq!(glob(&pattern).matches(&text), slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }

    fn to(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_route_that_matches_wins_unless_it_goes_on() {
        let routes = Routes(vec![
            Route { kinds: to(&["paused"]), ..Route::default() },
            Route { severity: Some(Severity::Critical), to: to(&["oncall", "ops"]), ..Route::default() },
            Route { owner: Some(glob("payments@*")), to: to(&["mail"]), goes_on: true, ..Route::default() },
            Route { service: Some(glob("shop*")), to: to(&["ops"]), ..Route::default() },
        ]);
        let owned = |owner: &str| [owner.to_owned()].into();
        let info = news(1, "shop");
        assert_eq!(routes.targets(&info), to(&["ops"]));
        assert_eq!(
            routes.targets(&News { severity: Severity::Critical, ..info.clone() }),
            to(&["oncall", "ops"])
        );
        assert_eq!(
            routes.targets(&News { owners: owned("payments@x"), ..info.clone() }),
            to(&["mail", "ops"])
        );
        let other = News { service: "search".to_owned(), ..info.clone() };
        assert_eq!(routes.targets(&News { owners: owned("payments@x"), ..other.clone() }), to(&["mail"]));
        assert_eq!(routes.targets(&other), to(&[]));
        let silenced = News { kind: "paused".to_owned(), severity: Severity::Critical, ..info };
        assert_eq!(routes.targets(&silenced), to(&[]));
    }
}
