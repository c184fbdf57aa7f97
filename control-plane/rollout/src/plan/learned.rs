//! What finished rollouts taught, which a rollout begins with and keeps.
//!
//! Weights and margins are settled before the first request, so the error budget holds for them as they are. Each is bounded: no
//! experience turns a source off, or lets a margin grow until a gross fault passes.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_analysis::risk::{BySource, SourceWeights};
use serin_analysis::streams::{Confidences, Kind, Margins, Point, PointsError};
use serin_proto::assignment::Weight;

use super::blocks::is_name;
use super::check::Findings;
use super::error::PlanRule;
use super::quantity::Proportion;

/// By what factor a weight may differ from its default.
const WEIGHT_FACTOR: f64 = 1.5;

/// As it is written. `serin learn plan` writes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanLearned")]
pub(super) struct RawLearned {
    /// Which version of what was learned this is, for people: letters, digits, '.', '_', '-', at most 64.
    version: Option<String>,
    /// The parts of the sources, where `logs` and `behaviour` give none.
    weights: RawWeights,
    /// What margins leave, as a factor of the default.
    rooms: RawRooms,
    /// How often findings proved right, which is their confidence in the risk. It undoes nothing.
    confidences: RawConfidences,
}

/// The parts of the sources of evidence, brought to a sum of one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanLearnedWeights")]
struct RawWeights {
    /// Of the requests, 26.6667% to 60%. Default: 40%.
    metrics: Option<Proportion>,
    /// Of what people do, 20% to 45%. Default: 30%.
    behaviour: Option<Proportion>,
    /// Of logs, 20% to 45%. Default: 30%.
    logs: Option<Proportion>,
}

/// Factors of what margins leave by default.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanLearnedRooms")]
struct RawRooms {
    /// Of lines of logs, 0.5 to 5.
    log_template: Option<f64>,
    /// Of page views in which a script fails, 0.5 to 2.
    script_error: Option<f64>,
    /// Of page views with rage clicks, 0.5 to 2.
    rage_click: Option<f64>,
    /// Of page views that are left before they are loaded, 0.5 to 2.
    abandonment: Option<f64>,
    /// Of page views that load slowly, 0.5 to 2.
    slow_load: Option<f64>,
    /// Of the conversions that may be missing, 0.5 to 2.
    conversion: Option<f64>,
}

/// Pairs of a difference, relative to what the default margin leaves, and the part of versions that were harmful from it on, 0 to 1. The
/// first difference is 0, differences rise to 1000 at most, and parts do not fall. At most 8 pairs.
type RawPoints = Vec<(f64, f64)>;

/// How often findings proved right, by kind. Of a kind that is absent nothing is known.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanLearnedConfidences")]
struct RawConfidences {
    /// Of lines of logs: at most 8 pairs of a difference, relative to what the default margin leaves, and the part that proved right from
    /// it on. The first difference is 0, they rise to at most 1000, and the parts, 0 to 1, do not fall.
    log_template: Option<RawPoints>,
    /// Of page views in which a script fails.
    script_error: Option<RawPoints>,
    /// Of page views with rage clicks.
    rage_click: Option<RawPoints>,
    /// Of page views that are left before they are loaded.
    abandonment: Option<RawPoints>,
    /// Of page views that load slowly.
    slow_load: Option<RawPoints>,
    /// Of conversions that are missing.
    conversion: Option<RawPoints>,
}

/// What a rollout begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Of what was learned. Empty: not told.
    pub version: String,
    /// The parts of the sources where the plan gives none.
    pub weights: BySource<Weight>,
    /// The margins of what logs and users tell.
    pub margins: Margins,
    /// How much findings of logs and users are believed in the risk.
    pub confidences: Confidences,
}

fn ppm(share: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares are from 0 to 1")]
    let ppm = (share * 1e6).round() as u32;
    ppm
}

/// `None`: nothing was learned.
pub(super) fn check(raw: Option<&RawLearned>, findings: &mut Findings) -> Option<Learned> {
    let RawLearned { version, weights, rooms, confidences } = raw?;
    if let Some(version) = version.as_ref().filter(|version| !is_name(version)) {
        let found = version.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("learned.version", PlanRule::Form { found, expected });
    }
    let defaults = SourceWeights::default().0;
    let mut weight = |name: &str, given: Option<&Proportion>, default: f64| {
        let range = (ppm(default / WEIGHT_FACTOR), ppm(default * WEIGHT_FACTOR));
        findings.weight(&format!("learned.weights.{name}"), given, ppm(default), range)
    };
    let weights = BySource {
        metrics: weight("metrics", weights.metrics.as_ref(), defaults.metrics),
        behaviour: weight("behaviour", weights.behaviour.as_ref(), defaults.behaviour),
        logs: weight("logs", weights.logs.as_ref(), defaults.logs),
    };
    let mut margins = Margins::default();
    for kind in Kind::ALL {
        if let Some(room) = rooms.of(kind) {
            let (least, most) = kind.rooms().into_inner();
            findings.range(&format!("learned.rooms.{}", kind.name()), room, least, most);
            margins = margins.with_room(kind, room);
        }
    }
    let confidences = confidences.check(findings);
    Some(Learned { version: version.clone().unwrap_or_default(), weights, margins, confidences })
}

impl RawConfidences {
    const fn of(&self, kind: Kind) -> Option<&RawPoints> {
        match kind {
            Kind::LogTemplate => self.log_template.as_ref(),
            Kind::ScriptError => self.script_error.as_ref(),
            Kind::RageClick => self.rage_click.as_ref(),
            Kind::Abandonment => self.abandonment.as_ref(),
            Kind::SlowLoad => self.slow_load.as_ref(),
            Kind::Conversion => self.conversion.as_ref(),
            Kind::UsedFeature | Kind::SlowInteraction | Kind::UnstableLayout | Kind::Profile => None,
        }
    }

    fn check(&self, findings: &mut Findings) -> Confidences {
        let mut confidences = Confidences::default();
        for kind in Kind::ALL {
            let Some(points) = self.of(kind) else { continue };
            let points =
                points.iter().map(|(from, confidence)| Point { from: *from, confidence: *confidence });
            match confidences.clone().with(kind, points.collect()) {
                Ok(with) => confidences = with,
                Err(error) => {
                    let place = match error {
                        PointsError::None | PointsError::TooMany => String::new(),
                        PointsError::Begin => "[0][0]".to_owned(),
                        PointsError::From { at } => format!("[{at}][0]"),
                        PointsError::Confidence { at } | PointsError::Falling { at } => format!("[{at}][1]"),
                    };
                    let field = format!("learned.confidences.{}{place}", kind.name());
                    findings.add(&field, PlanRule::Points(error));
                }
            }
        }
        confidences
    }
}

impl RawRooms {
    const fn of(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::LogTemplate => self.log_template,
            Kind::ScriptError => self.script_error,
            Kind::RageClick => self.rage_click,
            Kind::Abandonment => self.abandonment,
            Kind::SlowLoad => self.slow_load,
            Kind::Conversion => self.conversion,
            Kind::UsedFeature | Kind::SlowInteraction | Kind::UnstableLayout | Kind::Profile => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Plan;
    use serin_analysis::streams::{Confidences, Kind, Margins};

    const PLAN: &str = "service: shop\nbaseline: v1\ncanary: v2\nbehaviour: {}\n";

    #[test]
    fn what_was_learned_fills_in_where_the_plan_is_silent() {
        let learned = "learned: {version: t-1, weights: {metrics: 44%, behaviour: 25%, logs: 31%}, rooms: {slow_load: 1.5}}\n";
        let plan = Plan::parse(&format!("{PLAN}logs: {{}}\n{learned}")).unwrap();
        let part =
            |plan: &Plan| (plan.behaviour().unwrap().weight.ppm(), plan.logs().map(|logs| logs.weight.ppm()));
        assert_eq!(part(&plan), (250_000, Some(310_000)));
        let found = plan.learned().unwrap();
        assert_eq!((found.version.as_str(), found.weights.metrics.ppm()), ("t-1", 440_000));
        assert_eq!(found.margins, Margins::default().with_room(Kind::SlowLoad, 1.5));
        assert_eq!(found.confidences, Confidences::default());
        let points = "learned: {confidences: {slow_load: [[0, 0.2], [2, 0.95]], conversion: [[0, 1]]}}\n";
        let believed =
            Plan::parse(&format!("{PLAN}{points}")).unwrap().learned().unwrap().confidences.clone();
        let said = |kind, effect| believed.of(kind, effect);
        assert_eq!((said(Kind::SlowLoad, 1.0), said(Kind::SlowLoad, 2.0)), (Some(0.2), Some(0.95)));
        assert_eq!((said(Kind::Conversion, 3.0), said(Kind::RageClick, 3.0)), (Some(1.0), None));
        let given = Plan::parse(&format!("{PLAN}logs: {{weight: 20%}}\n{learned}")).unwrap();
        assert_eq!(part(&given), (250_000, Some(200_000)), "the plan goes first");
        assert_eq!(Plan::parse(PLAN).unwrap().learned(), None);
    }

    #[test]
    fn what_nothing_may_teach_is_refused_with_its_field() {
        for (yaml, field) in [
            ("weights: {logs: 5%}", "learned.weights.logs"),
            ("weights: {metrics: 70%}", "learned.weights.metrics"),
            ("rooms: {conversion: 3}", "learned.rooms.conversion"),
            ("rooms: {slow_load: .nan}", "learned.rooms.slow_load"),
            ("rooms: {slowness: 1}", "slowness"),
            ("version: 'a b'", "learned.version"),
            ("confidences: {slow_load: []}", "learned.confidences.slow_load: must not be empty"),
            ("confidences: {slow_load: [[1, 0.5]]}", "learned.confidences.slow_load[0][0]: must begin at 0"),
            (
                "confidences: {slow_load: [[0, 0.5], [0, 0.6]]}",
                "learned.confidences.slow_load[1][0]: must be above",
            ),
            (
                "confidences: {slow_load: [[0, 0.5], [1001, 0.6]]}",
                "learned.confidences.slow_load[1][0]: must be",
            ),
            (
                "confidences: {rage_click: [[0, 1.01]]}",
                "learned.confidences.rage_click[0][1]: must be between 0 and 1",
            ),
            (
                "confidences: {rage_click: [[0, .nan]]}",
                "learned.confidences.rage_click[0][1]: must be between",
            ),
            (
                "confidences: {rage_click: [[0, 0.5], [1, 0.4]]}",
                "learned.confidences.rage_click[1][1]: must not be",
            ),
            ("confidences: {rage_click: [[0, 0.5, 1]]}", "learned.confidences.rage_click"),
            ("confidences: {metrics: [[0, 0.5]]}", "metrics"),
        ] {
            let errors = Plan::parse(&format!("{PLAN}learned: {{{yaml}}}\n")).unwrap_err().to_string();
            assert!(errors.contains(field), "{yaml}: {errors}");
        }
    }
}
