//! Page views, as browsers told them through the fleet.

use std::fmt::Error;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;

use super::{counter, member};
use crate::fleet::behaviour::{Cohort, Counted, TRAITS, Totals};
use crate::store::Series;

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, counted: &Counted) -> Result<(), Error> {
    let help = "Page views whose beacons were counted";
    each(encoder, counted, "page_views", help, |totals| totals.views)?;
    each(encoder, counted, "page_clicks", "Clicks of page views", |totals| totals.clicks)?;
    let help = "Page views of which something can be said: an error, a conversion, …";
    let mut family = counter(encoder, "page_views_with", help)?;
    for (series, totals) in &counted.series {
        let [service, component, arm] = labels(series);
        for (name, count) in TRAITS.into_iter().zip(totals.with) {
            member(&mut family, &[service, component, arm, ("trait", name)], &ConstCounter::new(count))?;
        }
    }
    cohorts(encoder, counted)?;
    let lost = counted.lost;
    let mut family = counter(encoder, "beacons_lost", "Beacons of page views that counted nothing")?;
    for (reason, count) in [
        ("malformed", lost.malformed),
        ("bot", lost.bot),
        ("unattributed", lost.unattributed),
        ("dropped", lost.dropped),
    ] {
        member(&mut family, &[("reason", reason)], &ConstCounter::new(count))?;
    }
    Ok(())
}

fn cohorts(encoder: &mut DescriptorEncoder<'_>, counted: &Counted) -> Result<(), Error> {
    let named: Vec<_> =
        counted.cohorts.iter().map(|(cohort, totals)| (cohort, cohort.country.to_string(), totals)).collect();
    let mut family = counter(encoder, "page_views_by_cohort", "Page views by device and country")?;
    for (cohort, country, totals) in &named {
        member(&mut family, &cohort_labels(cohort, country), &ConstCounter::new(totals.views))?;
    }
    let help = "Page views by device and country of which something can be said: an error, a conversion, …";
    let mut family = counter(encoder, "page_views_by_cohort_with", help)?;
    for (cohort, country, totals) in &named {
        let [service, arm, device, country] = cohort_labels(cohort, country);
        for (name, count) in TRAITS.into_iter().zip(totals.with) {
            let labels = [service, arm, device, country, ("trait", name)];
            member(&mut family, &labels, &ConstCounter::new(count))?;
        }
    }
    Ok(())
}

fn cohort_labels<'c>(cohort: &'c Cohort, country: &'c str) -> [(&'static str, &'c str); 4] {
    [
        ("service", &cohort.service),
        ("arm", &cohort.arm),
        ("device", cohort.device.name()),
        ("country", country),
    ]
}

fn each(
    encoder: &mut DescriptorEncoder<'_>,
    counted: &Counted,
    name: &str,
    help: &str,
    value: impl Fn(&Totals) -> u64,
) -> Result<(), Error> {
    let mut family = counter(encoder, name, help)?;
    for (series, totals) in &counted.series {
        member(&mut family, &labels(series), &ConstCounter::new(value(totals)))?;
    }
    Ok(())
}

fn labels(series: &Series) -> [(&'static str, &str); 3] {
    [("service", &series.service), ("component", &series.component), ("arm", &series.arm)]
}
