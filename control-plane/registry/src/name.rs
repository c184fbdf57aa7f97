//! What has versions, and how both are written.

use std::fmt;
use std::str::FromStr;

use crate::bounds::{NAME_BYTES, VERSION_BYTES};

/// What kind of thing has versions.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// What a service runs; named like the service.
    Application,
    /// A route of it, as plans tag them.
    Component,
    /// A named stretch of code inside a component.
    Block,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Application, Self::Component, Self::Block];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Component => "component",
            Self::Block => "block",
        }
    }
}

/// An application, component or block, by its path: `shop`, `shop/checkout`, `shop/checkout/tax`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Subject(String);

/// The label of a version: 1 to 128 visible ASCII characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version(String);

/// What a name or label must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameRule {
    /// One name.
    #[error("must be 1 to {NAME_BYTES} letters, digits, '.', '_' or '-'")]
    Name,
    /// A path of names.
    #[error(
        "must be APPLICATION, APPLICATION/COMPONENT or APPLICATION/COMPONENT/BLOCK, each name 1 to {NAME_BYTES} letters, \
         digits, '.', '_' or '-'"
    )]
    Path,
    /// A name that counts something else.
    #[error("must not be `unmatched` or `overflow`, which count requests of no component")]
    Reserved,
    /// A version.
    #[error("must be 1 to {VERSION_BYTES} visible ASCII characters without spaces")]
    Version,
}

impl Subject {
    /// An application.
    ///
    /// # Errors
    /// When the name breaks a rule.
    pub fn application(name: &str) -> Result<Self, NameRule> {
        if is_name(name) { Ok(Self(name.to_owned())) } else { Err(NameRule::Name) }
    }

    /// What is named `name` inside: a component of an application, a block of a component.
    ///
    /// # Errors
    /// When the name breaks a rule. A block holds nothing.
    pub fn within(&self, name: &str) -> Result<Self, NameRule> {
        if !is_name(name) {
            return Err(NameRule::Name);
        }
        match self.kind() {
            Kind::Application if matches!(name, "unmatched" | "overflow") => Err(NameRule::Reserved),
            Kind::Application | Kind::Component => Ok(Self(format!("{}/{name}", self.0))),
            Kind::Block => Err(NameRule::Path),
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.bytes().filter(|byte| *byte == b'/').count() {
            0 => Kind::Application,
            1 => Kind::Component,
            _ => Kind::Block,
        }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its own name, without what it is in.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The application that it is, or belongs to.
    #[must_use]
    pub fn root(&self) -> Self {
        Self(self.0.split('/').next().unwrap_or_default().to_owned())
    }

    /// What it is in. `None`: an application.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }
}

impl FromStr for Subject {
    type Err = NameRule;

    fn from_str(path: &str) -> Result<Self, NameRule> {
        let mut names = path.split('/');
        let application = Self::application(names.next().unwrap_or_default()).map_err(|_| NameRule::Path)?;
        names.try_fold(application, |subject, name| {
            subject.within(name).map_err(|rule| if rule == NameRule::Name { NameRule::Path } else { rule })
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Version {
    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = NameRule;

    fn from_str(label: &str) -> Result<Self, NameRule> {
        let visible = label.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=VERSION_BYTES).contains(&label.len()) {
            Ok(Self(label.to_owned()))
        } else {
            Err(NameRule::Version)
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_says_what_it_names() {
        let block: Subject = "shop/checkout/tax".parse().unwrap();
        assert_eq!((block.kind(), block.name(), block.root().as_str()), (Kind::Block, "tax", "shop"));
        let component = block.parent().unwrap();
        assert_eq!((component.kind(), component.as_str()), (Kind::Component, "shop/checkout"));
        let application = component.parent().unwrap();
        assert_eq!((application.kind(), application.parent()), (Kind::Application, None));
        assert_eq!(component.within("tax"), Ok(block.clone()));
        assert_eq!(block.within("deeper"), Err(NameRule::Path));
    }

    #[test]
    fn a_name_that_breaks_a_rule_is_refused_with_it() {
        let long = "a".repeat(NAME_BYTES + 1);
        for path in ["", "/", "a/", "/a", "a//b", "a/b/c/d", "ä", "a b", &long, "a/b\n"] {
            assert_eq!(path.parse::<Subject>(), Err(NameRule::Path), "{path:?}");
        }
        assert_eq!("shop/unmatched".parse::<Subject>(), Err(NameRule::Reserved));
        assert!("overflow/x/unmatched".parse::<Subject>().is_ok(), "only components are counted so");
        for label in ["", "a b", "ä", "a\n", &"v".repeat(VERSION_BYTES + 1)] {
            assert_eq!(label.parse::<Version>(), Err(NameRule::Version), "{label:?}");
        }
        assert!("v1.2.3-rc.1+build/7".parse::<Version>().is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_a_subject_or_an_error(path in "[a-c./ ]{0,8}|.*") {
            if let Ok(subject) = path.parse::<Subject>() {
                prop_assert_eq!(subject.as_str(), path);
            }
        }
    }
}
