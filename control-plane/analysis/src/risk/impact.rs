//! What a harm means for the business, by where and whom it strikes. It ranks, and is part of no evidence.

use std::collections::BTreeMap;

use super::share;
use crate::behaviour::Cohort;

/// Whom a share is for: what it names must all be so.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpactRule {
    /// This component. `None`: any, and the version as a whole.
    pub component: Option<String>,
    /// What is found in page views of this cohort. `None`: anything.
    pub cohort: Option<Cohort>,
    /// What a harm means, as a part of what it would mean without the rule, 0 to 1.
    pub share: f64,
}

/// What harms mean, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impacts {
    components: BTreeMap<String, f64>,
    rules: Vec<ImpactRule>,
}

impl Impacts {
    /// Components mean what `components` says, others and the version 1; and of that the share of the first rule that fits.
    #[must_use]
    pub fn new(components: BTreeMap<String, f64>, rules: Vec<ImpactRule>) -> Self {
        Self { components, rules }
    }

    /// What a harm of `component` means, or of the version where it is empty, in page views of `cohort` or in all.
    #[must_use]
    pub fn of(&self, component: &str, cohort: Option<Cohort>) -> f64 {
        let fits = |rule: &&ImpactRule| {
            rule.component.as_ref().is_none_or(|name| name == component)
                && rule.cohort.is_none_or(|one| Some(one) == cohort)
        };
        let of_rule = self.rules.iter().find(fits).map_or(1.0, |rule| share(rule.share));
        share(self.components.get(component).copied().unwrap_or(1.0)) * of_rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Device;

    #[test]
    fn the_first_rule_that_fits_counts_beside_the_component() {
        let (phone, dutch) = (Cohort::Device(Device::Phone), Cohort::Country(*b"NL"));
        let rule = |component: Option<&str>, cohort, share| ImpactRule {
            component: component.map(str::to_owned),
            cohort,
            share,
        };
        let rules = vec![
            rule(Some("cart"), Some(phone), 0.25),
            rule(Some("cart"), None, 0.5),
            rule(None, Some(dutch), 0.125),
        ];
        let impacts = Impacts::new(BTreeMap::from([("cart".to_owned(), 0.5)]), rules);
        let cases = [
            ("cart", Some(phone), 0.125),
            ("cart", None, 0.25),
            ("cart", Some(dutch), 0.25),
            ("", Some(dutch), 0.125),
            ("", Some(phone), 1.0),
            ("", None, 1.0),
            ("help", None, 1.0),
        ];
        for (component, cohort, impact) in cases {
            assert_eq!(impacts.of(component, cohort), impact, "{component} {cohort:?}");
        }
        assert_eq!(Impacts::default().of("cart", None), 1.0);
        let broken = Impacts::new(BTreeMap::new(), vec![rule(None, None, f64::NAN)]);
        assert_eq!(broken.of("", None), 0.0);
    }
}
