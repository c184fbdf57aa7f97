//! What control charts show.

use serin_proto::admin::v1 as api;
use serin_rollout::UnixMillis;

use super::timestamp;
use crate::snapshot::Chart;

pub(super) fn chart(chart: &Chart) -> api::ControlChart {
    let data = &chart.data;
    let second = |second: u64| timestamp(UnixMillis(second.saturating_mul(1_000)));
    api::ControlChart {
        arm: data.arm.name().to_owned(),
        signal: data.signal.name().to_owned(),
        at: Some(second(data.at)),
        value: data.value,
        usual: data.usual,
        lower_limit: data.lower_limit,
        upper_limit: data.upper_limit,
        ewma: data.ewma,
        ewma_lower_limit: data.ewma_lower_limit,
        ewma_upper_limit: data.ewma_upper_limit,
        broken: data.broken.iter().map(|broken| broken.name().to_owned()).collect(),
        since: data.since.map(second),
        text: chart.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serin_analysis::{LatencyHistogram, Outcomes, UserMasks};
    use serin_proto::assignment::{BASELINE, CANARY};
    use serin_rollout::{Creation, Plan, RolloutId, Salt, Trial};

    use super::*;
    use crate::fleet::nodes::Spread;
    use crate::fleet::report;
    use crate::rollouts::Tracked;

    const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components: [{name: checkout, matches: [{path: {prefix: /checkout}}]}]
steps: [{weight: 20%, bake: 2h}]
charts: {rules: western_electric}
";
    const BEGIN: u64 = 1_700_000_000;
    const NORMAL_MINUTES: u64 = 30;

    fn arm(name: &str, requests: u64, us: u64) -> report::Arm {
        let mut latency = LatencyHistogram::new();
        (0..requests).for_each(|request| latency.record(us + us * request / requests / 2));
        report::Arm {
            name: name.to_owned(),
            started: requests,
            outcomes: Outcomes { ok: requests, ..Outcomes::default() },
            latency: Some(latency),
            open: 0,
            hosts: Vec::new(),
            users: UserMasks::default(),
            blocks: Vec::new(),
        }
    }

    #[test]
    fn charts_of_both_arms_are_told_once_something_is_usual_and_say_when_it_is_no_more() {
        let creation = Creation {
            id: RolloutId("rollout".to_owned()),
            salt: Salt(0),
            actor: "test".to_owned(),
            paused: false,
        };
        let plan = Plan::parse(PLAN).unwrap();
        let begun = Trial::begin(plan.clone(), creation, UnixMillis(BEGIN * 1_000)).unwrap();
        let mut tracked = Tracked::new(plan, begun.state().clone(), 1, None).unwrap();
        let mut told = Vec::new();
        for second in BEGIN..BEGIN + (NORMAL_MINUTES + 5) * 60 {
            // Every few minutes a little slower than before, and after the normal ones much slower on both arms.
            let minute = (second - BEGIN) / 60;
            let us = if minute < NORMAL_MINUTES { 20_000 + 400 * (minute % 5) } else { 30_000 };
            let arms = vec![arm(BASELINE, 40, us), arm(CANARY, 10, us)];
            let (service, component) = ("shop".to_owned(), "checkout".to_owned());
            tracked.merge(1, &report::Stratum { service, component, second, arms }, 16);
            let now = UnixMillis((second + 1) * 1_000);
            tracked.progress(1, second + 1, now);
            tracked.judge(now).unwrap();
            if (second + 1 - BEGIN).is_multiple_of(300) {
                told.push(super::super::rollout(&tracked.snapshot(Spread::default(), now)));
            }
        }
        let charts = |minutes: usize| &told[minutes / 5 - 1].components[0].charts;
        assert!(charts(15).is_empty());
        let name = |chart: &api::ControlChart| (chart.arm.clone(), chart.signal.clone());
        let names: Vec<_> = charts(30).iter().map(name).collect();
        let of = |arm: &str, signal: &str| (arm.to_owned(), signal.to_owned());
        let all = ["baseline", "canary"].map(|arm| [of(arm, "error_rate"), of(arm, "latency")]);
        assert_eq!(names, all.concat());
        for chart in charts(30) {
            assert!(chart.broken.is_empty() && chart.since.is_none(), "{chart:?}");
        }
        for chart in charts(35) {
            let at = chart.at.unwrap().seconds - BEGIN as i64;
            assert_eq!(at, 35 * 60 - 1, "{chart:?}");
            let is_slow = chart.signal == "latency";
            assert_eq!(!chart.broken.is_empty(), is_slow, "{chart:?}");
            if is_slow {
                let since = chart.since.unwrap().seconds - BEGIN as i64;
                assert!((30 * 60..33 * 60).contains(&since), "{chart:?}");
                assert_eq!((chart.broken[0].as_str(), chart.broken.len() > 1), ("ewma", true), "{chart:?}");
                assert!(chart.lower_limit < chart.usual && chart.usual < chart.upper_limit, "{chart:?}");
                assert!(chart.usual < chart.value && chart.ewma_upper_limit < chart.ewma, "{chart:?}");
                assert!(chart.text.contains("out of control for"), "{chart:?}");
            }
        }
        assert!(told.last().unwrap().components[0].vetoes.is_empty(), "both arms are alike");
    }
}
