//! All pages with sample data: as files to look at, where `SERIN_PREVIEW` names a folder.

use std::fs;
use std::path::Path;

use serin_dashboard::assets::ASSETS;
use serin_dashboard::confirm::{Action, ConfirmPage};
use serin_dashboard::radius::Scope;
use serin_dashboard::*;
use serin_proto::admin::v1 as api;

use super::sample::{self, NOW_MS};

/// All pages by name.
pub(crate) fn pages() -> Vec<(&'static str, Rendered)> {
    let now_ms = NOW_MS;
    let (returned, bad) = (
        sample::returned(),
        sample::rollout("shop-1a2b3c4d", "shop", api::Phase::Progressing, api::Verdict::Regressed),
    );
    let mut silent =
        sample::rollout("shop-1a2b3c4d", "shop", api::Phase::Progressing, api::Verdict::Inconclusive);
    (silent.data_age_s, silent.summary) = (Some(40), "Holding at 10 %: no data for 40 s".to_owned());
    let done = sample::rollout("pay-7", "payments", api::Phase::Promoted, api::Verdict::Healthy);
    let list = [
        returned.clone(),
        sample::rollout("search-2", "search-api", api::Phase::Paused, api::Verdict::Regressed),
        sample::experiment(),
        done.clone(),
        sample::rollout("pay-6", "payments", api::Phase::RolledBack, api::Verdict::Regressed),
    ];
    let (nodes, known, decisions, events, bundle) =
        (sample::nodes(), sample::known(), sample::decisions(), sample::events(), sample::bundle());
    let recent = sample::recent(&returned);
    let rollout = |rollout: &api::Rollout| {
        rollout::page(&rollout::RolloutPage {
            rollout,
            recent: &recent,
            events: &events,
            decisions: &decisions[..3],
            may_act: true,
            now_ms,
        })
    };
    let confirm = |action: Action, scope: Scope<'_>, refusal: Option<&str>| {
        confirm::page(&ConfirmPage {
            rollout: &bad,
            known: &known,
            action,
            scope,
            refusal,
            reason: "",
            weight_percent: "",
            now_ms,
        })
    };
    let component = |one: Option<api::Component>| {
        component::page(&component::ComponentPage {
            rollout: &bad,
            detail: &sample::detail(one),
            may_act: true,
            now_ms,
        })
    };
    let side = |rollout| compare::Side { rollout, decisions: &decisions[..2] };
    vec![
        ("fleet", fleet::page(&fleet::Fleet { rollouts: &list, nodes: &nodes, generation: 41, now_ms })),
        ("fleet-empty", fleet::page(&fleet::Fleet { rollouts: &[], nodes: &[], generation: 0, now_ms })),
        ("rollout", rollout(&returned)),
        ("rollout-bad", rollout(&bad)),
        ("rollout-silent", rollout(&silent)),
        ("rollout-done", rollout(&done)),
        ("experiment", rollout(&sample::experiment())),
        ("component", component(Some(bad.components[0].clone()))),
        ("version", component(None)),
        (
            "component-empty",
            component::page(&component::ComponentPage {
                rollout: &bad,
                detail: &api::GetComponentResponse {
                    component: Some(bad.components[2].clone()),
                    ..Default::default()
                },
                may_act: false,
                now_ms,
            }),
        ),
        (
            "graph",
            graph::page(&graph::GraphPage { rollout: &returned, known: &known, may_act: true, now_ms }),
        ),
        ("confirm-rollback", confirm(Action::Rollback, Scope::Component("cart"), None)),
        (
            "confirm-version",
            confirm(
                Action::Rollback,
                Scope::Version,
                Some("it is not possible while it is rolling back; possible: rollback"),
            ),
        ),
        ("confirm-promote", confirm(Action::Promote, Scope::Version, None)),
        ("confirm-weight", confirm(Action::Weight, Scope::Version, None)),
        (
            "decisions",
            decisions::page(&decisions::DecisionsPage {
                decisions: &decisions,
                service: "shop",
                rollout_id: "",
                has_more: true,
                now_ms,
            }),
        ),
        (
            "decision",
            decision::page(&decision::DecisionPage {
                decision: &decisions[0],
                bundle: Some(&bundle),
                may_act: true,
                refusal: None,
                now_ms,
            }),
        ),
        (
            "decision-bare",
            decision::page(&decision::DecisionPage {
                decision: &decisions[3],
                bundle: None,
                may_act: false,
                refusal: None,
                now_ms,
            }),
        ),
        (
            "compare",
            compare::page(&compare::ComparePage {
                left: Some(side(&bad)),
                right: Some(side(&done)),
                rollouts: &list,
                now_ms,
            }),
        ),
        ("history", history::page(&history::HistoryPage { decisions: &decisions, now_ms })),
        ("history-empty", history::page(&history::HistoryPage { decisions: &[], now_ms })),
        ("nodes", nodes::page(&nodes::NodesPage { nodes: &nodes, generation: 41, now_ms })),
        ("sign-in", sign_in::page(Some("This token is not known."), "/rollouts/shop")),
        (
            "problem",
            problem::page(
                404,
                "There is no rollout shop-77.",
                "It may have a newer name: look among all rollouts.",
            ),
        ),
    ]
}

/// A page as a file that loads nothing.
fn file(page: &Rendered) -> String {
    let viewer = Viewer::Person("lena".to_owned());
    let mut text = document(page, Frame { viewer: &viewer, path: "/rollouts/shop", now_ms: NOW_MS });
    let style = ASSETS.iter().find(|asset| asset.name == "serin.css").unwrap();
    text = text.replace("</head>", &format!("<style>{}</style></head>", style.content));
    text
}

#[test]
fn every_page_can_be_looked_at() {
    let folder = std::env::var("SERIN_PREVIEW").ok();
    for (name, page) in pages() {
        let text = file(&page);
        assert!(text.contains("<h1>"), "{name}");
        if let Some(folder) = &folder {
            fs::write(Path::new(folder).join(format!("{name}.html")), text).unwrap();
        }
    }
}
