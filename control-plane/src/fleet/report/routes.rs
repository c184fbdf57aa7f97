//! What routes say about themselves, after every bound was checked.

use serin_proto::assignment::Granularity;
use serin_proto::fleet::v1 as wire;

use super::{ReportError, text};

/// Routes of one batch.
pub(super) const ROUTES_MAX: usize = 64;
/// Other components that one can depend on.
const DEPENDENCIES_MAX: usize = 16;
/// Faults that are told of one route.
const FAULTS_MAX: usize = 8;

/// What a route says, and which component its requests belong to.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RouteTags {
    /// Name of Envoy's route. Empty: it has none.
    pub route: String,
    /// Service of its requests.
    pub service: String,
    /// Component that they belong to.
    pub component: String,
    /// The tags. `None`: it carries none any more.
    pub tags: Option<Tags>,
    /// What of its metadata could not be taken.
    pub malformed: Vec<String>,
}

/// Tags in the metadata of a route.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tags {
    /// Name of the component.
    pub component: Option<String>,
    /// What a rollback of it undoes.
    pub granularity: Option<Granularity>,
    /// What it needs: a component of its service, or `SERVICE/COMPONENT`.
    pub depends_on: Vec<String>,
    /// Its share of the error budget.
    pub business_weight: Option<TagWeight>,
    /// Who answers for it.
    pub owner: Option<String>,
}

/// A business weight, 0.001 to 1000, to the thousandth.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TagWeight(u32);

impl TagWeight {
    /// `None` outside 0.001 to 1000.
    #[must_use]
    pub fn new(weight: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a million, and not negative"
        )]
        (0.001..=1_000.0).contains(&weight).then(|| Self((weight * 1_000.0).round() as u32))
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

impl TryFrom<wire::RouteTags> for RouteTags {
    type Error = ReportError;

    fn try_from(wire: wire::RouteTags) -> Result<Self, ReportError> {
        if wire.malformed.len() > FAULTS_MAX {
            return Err(ReportError::new("malformed", "exceeds 8 entries"));
        }
        let malformed = wire.malformed.into_iter().map(|fault| text("malformed", fault, 1..=256));
        Ok(Self {
            route: text("route", wire.route, 0..=256)?,
            service: text("service", wire.service, 1..=128)?,
            component: text("component", wire.component, 1..=128)?,
            tags: wire.tags.map(Tags::try_from).transpose()?,
            malformed: malformed.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<wire::Tags> for Tags {
    type Error = ReportError;

    fn try_from(wire: wire::Tags) -> Result<Self, ReportError> {
        if wire.depends_on.len() > DEPENDENCIES_MAX {
            return Err(ReportError::new("tags.depends_on", "exceeds 16 entries"));
        }
        let granularity = match wire::Granularity::try_from(wire.granularity) {
            Ok(wire::Granularity::Unspecified) => None,
            Ok(wire::Granularity::Coarse) => Some(Granularity::Coarse),
            Ok(wire::Granularity::Medium) => Some(Granularity::Medium),
            Ok(wire::Granularity::Fine) => Some(Granularity::Fine),
            Err(_) => return Err(ReportError::new("tags.granularity", "is none that is known")),
        };
        let business_weight = (wire.business_weight.to_bits() != 0).then(|| {
            TagWeight::new(wire.business_weight)
                .ok_or_else(|| ReportError::new("tags.business_weight", "must be 0.001 to 1000"))
        });
        let depends_on = wire.depends_on.into_iter().map(|name| text("tags.depends_on", name, 1..=129));
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Self {
            component: said(text("tags.component", wire.component, 0..=64)?),
            granularity,
            depends_on: depends_on.collect::<Result<_, _>>()?,
            business_weight: business_weight.transpose()?,
            owner: said(text("tags.owner", wire.owner, 0..=128)?),
        })
    }
}
