//! What a VM was told of page views, after every bound was checked.

use serin_analysis::{Country, Device, PageViews};
use serin_proto::fleet::v1 as wire;

use super::{ReportError, count, latency, second, text};

/// Entries of one batch.
pub(super) const BEHAVIOUR_MAX: usize = 2_048;

/// Page views of one (service, component, second of arrival, arm, device, country) of a VM.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Service.
    pub service: String,
    /// Component that the pages belong to.
    pub component: String,
    /// Name of the arm.
    pub arm: String,
    /// Second in which the beacons arrived.
    pub second: u64,
    /// What the pages were shown on.
    pub device: Device,
    /// Where the visitors were.
    pub country: Country,
    /// What they came to.
    pub views: PageViews,
}

impl TryFrom<wire::BehaviourCounts> for Behaviour {
    type Error = ReportError;

    fn try_from(wire: wire::BehaviourCounts) -> Result<Self, ReportError> {
        let device = match wire::Device::try_from(wire.device) {
            Ok(wire::Device::Desktop) => Device::Desktop,
            Ok(wire::Device::Phone) => Device::Phone,
            Ok(wire::Device::Unspecified) | Err(_) => {
                return Err(ReportError::new("device", "is none that is known"));
            }
        };
        let country = Country::parse(&wire.country);
        let country = country.map_err(|error| ReportError::new("country", error.to_string()))?;
        let views = views(&wire)?;
        Ok(Self {
            service: text("service", wire.service, 1..=128)?,
            component: text("component", wire.component, 1..=128)?,
            arm: text("arm", wire.arm, 1..=64)?,
            second: second("second", wire.second)?,
            device,
            country,
            views,
        })
    }
}

fn views(wire: &wire::BehaviourCounts) -> Result<PageViews, ReportError> {
    let views = count("views", wire.views)?;
    let of_them = |field: &str, value: u64| {
        if value <= views { Ok(value) } else { Err(ReportError::new(field, "exceeds views")) }
    };
    let times = |field: &str, bytes: &[u8]| {
        latency(bytes).map_err(|error| ReportError::new(field, error.rule)).and_then(|times| match times {
            Some(times) if times.count() > views => Err(ReportError::new(field, "holds more than views")),
            times => Ok(times),
        })
    };
    Ok(PageViews {
        views,
        with_error: of_them("with_error", wire.with_error)?,
        with_rage_click: of_them("with_rage_click", wire.with_rage_click)?,
        converted: of_them("converted", wire.converted)?,
        abandoned: of_them("abandoned", wire.abandoned)?,
        used_feature: of_them("used_feature", wire.used_feature)?,
        slow_interaction: of_them("slow_interaction", wire.slow_interaction)?,
        unstable_layout: of_them("unstable_layout", wire.unstable_layout)?,
        clicks: count("clicks", wire.clicks)?,
        load: times("load_hdr", &wire.load_hdr)?,
        largest_paint: times("largest_paint_hdr", &wire.largest_paint_hdr)?,
    })
}

#[cfg(test)]
mod tests;
