//! Which failing records are offered to be shown in the evidence of decisions.

use super::NS_PER_S;
use super::count::Services;
use super::record::Gathered;
use crate::evidence::Samples;
use crate::evidence::samples::Sampled;

/// Records of one request that are offered.
const OFFERED_MAX: usize = 64;

/// Offers records of services whose rollouts run, that say something. `now` is in seconds.
pub(super) fn offer(gathered: &Gathered<'_>, services: &Services<'_>, samples: &Samples, now: u64) {
    let all = gathered.groups.iter().flat_map(|group| {
        let records = group.records.iter().chain(&group.unnamed);
        records.map(|record| (record, &group.resource))
    });
    for (record, resource) in all.take(OFFERED_MAX) {
        let Some(shown) = services.shown(record, resource) else { continue };
        let said = record.body.as_deref().into_iter().chain(record.attributes.exception.as_deref());
        let text = said.filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; ");
        if text.is_empty() {
            continue;
        }
        let told = [record.time_ns, record.observed_ns].into_iter().find(|ns| *ns > 0);
        let sampled = Sampled {
            service: shown.service,
            component: shown.component,
            arm: shown.arm,
            block: shown.block,
            second: told.map_or(now, |ns| ns / NS_PER_S),
            severity: record.severity,
            text: &text,
        };
        samples.offer(&sampled, now);
    }
}
