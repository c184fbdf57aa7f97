//! What holds for every page.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serin_dashboard::{Frame, Viewer, changes, component, document, rollout};
use serin_proto::admin::v1 as api;

use super::preview::pages;
use super::sample::{self, NOW_MS};

/// Elements without an end.
const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];

/// Checks that tags are balanced, attributes quoted, and identifiers unique; gives the tags in their order.
fn check(name: &str, html: &str) -> Vec<String> {
    let (mut open, mut all, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').unwrap_or_else(|| panic!("{name}: a tag has no end"));
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with("!DOCTYPE") {
            continue;
        }
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed), "{name}: what is closed was not open");
            continue;
        }
        let kind = tag.split([' ', '/']).next().unwrap().to_owned();
        if let Some(id) = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            assert!(ids.insert(id.to_owned()), "{name}: {id} is there twice");
            assert!(
                id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}: {id}"
            );
        }
        assert!(!tag.contains(" style=") && !tag.contains(" onclick="), "{name}: {tag}");
        all.push(kind.clone());
        if !VOID.contains(&kind.as_str()) && !tag.ends_with('/') {
            open.push(kind);
        }
    }
    assert_eq!(open, Vec::<String>::new(), "{name}");
    all
}

fn whole(page: &serin_dashboard::Rendered) -> String {
    let viewer = Viewer::Person("lena <b>".to_owned());
    document(page, Frame { viewer: &viewer, path: "/rollouts/x?y=\"z\"", now_ms: NOW_MS })
}

#[test]
fn every_page_is_well_formed_has_one_heading_and_headings_in_order() {
    for (name, page) in pages() {
        let tags = check(name, &whole(&page));
        let levels: Vec<u8> = tags
            .iter()
            .filter(|tag| tag.len() == 2 && tag.starts_with('h') && *tag != "hr")
            .map(|tag| tag.as_bytes()[1] - b'0')
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
        assert_eq!(tags.iter().filter(|tag| *tag == "main").count(), 1, "{name}");
        for part in &page.parts {
            assert!(page.main.contains(&format!("id=\"{}\"", part.id)), "{name}: {} has no element", part.id);
        }
    }
}

/// What is between the tags: attributes hand text back as it was given.
fn shown(html: &str) -> String {
    html.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text).collect()
}

/// Names, texts and versions of others, everywhere.
fn hostile(text: &str) -> api::Rollout {
    let mut rollout = sample::returned();
    for field in [
        &mut rollout.id,
        &mut rollout.service,
        &mut rollout.baseline_version,
        &mut rollout.canary_version,
        &mut rollout.summary,
    ] {
        *field = text.to_owned();
    }
    for one in &mut rollout.components {
        (one.name, one.rolled_back_because, one.owner) = (text.to_owned(), text.to_owned(), text.to_owned());
        one.reasons[0].text = text.to_owned();
        one.depends_on = vec![text.to_owned()];
    }
    rollout.outside[0].name = text.to_owned();
    rollout.hooks[0].said = text.to_owned();
    rollout
}

#[test]
fn hostile_text_stays_text_visible_and_bounded_on_every_page() {
    let long = "x".repeat(10_240);
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "\u{202e}evil\u{0}\u{7}",
        &long,
        "🦀'\"&<>",
        "",
    ] {
        show_everywhere(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_text_stays_text_on_every_page(text in any::<String>()) {
        show_everywhere(&text);
    }
}

fn show_everywhere(text: &str) {
    {
        let rollout = hostile(text);
        let (known, events, decisions, recent) =
            (sample::known(), sample::events(), sample::decisions(), sample::recent(&rollout));
        let decision = api::Decision {
            id: text.to_owned(),
            text: text.to_owned(),
            names: vec![text.to_owned()],
            actor: text.to_owned(),
            ..decisions[0].clone()
        };
        let node = api::Node {
            node: text.to_owned(),
            last_rejection: text.to_owned(),
            ..sample::nodes()[3].clone()
        };
        use serin_dashboard::*;
        let now_ms = NOW_MS;
        let pages = [
            fleet::page(&fleet::Fleet {
                rollouts: &[rollout.clone()],
                nodes: &[node.clone()],
                generation: 1,
                now_ms,
            }),
            rollout::page(&rollout::RolloutPage {
                rollout: &rollout,
                recent: &recent,
                events: &events,
                decisions: &[decision.clone()],
                may_act: true,
                now_ms,
            }),
            component::page(&component::ComponentPage {
                rollout: &rollout,
                detail: &sample::detail(Some(rollout.components[0].clone())),
                may_act: true,
                now_ms,
            }),
            graph::page(&graph::GraphPage { rollout: &rollout, known: &known, may_act: true, now_ms }),
            confirm::page(&confirm::ConfirmPage {
                rollout: &rollout,
                known: &known,
                action: confirm::Action::Rollback,
                scope: radius::Scope::Component(text),
                refusal: Some(text),
                reason: text,
                weight_percent: text,
                now_ms,
            }),
            decision::page(&decision::DecisionPage {
                decision: &decision,
                bundle: Some(&sample::bundle()),
                may_act: true,
                refusal: Some(text),
                now_ms,
            }),
            decisions::page(&decisions::DecisionsPage {
                decisions: &[decision.clone()],
                service: text,
                rollout_id: text,
                has_more: true,
                now_ms,
            }),
            nodes::page(&nodes::NodesPage { nodes: &[node], generation: 1, now_ms }),
            history::page(&history::HistoryPage {
                decisions: &[api::Decision { service: text.to_owned(), ..decision }],
                now_ms,
            }),
            sign_in::page(Some(text), text),
            problem::page(404, text, text),
        ];
        for page in &pages {
            let html = whole(page);
            check(&page.title, &html);
            let shown = shown(&html);
            assert!(!html.contains("<script>") && !html.contains("<img"), "{}", page.title);
            assert!(!shown.contains(['\u{202e}', '\0', '\u{7}']), "{}: {shown}", page.title);
            assert!(html.len() < 600_000, "{}: {}", page.title, html.len());
        }
    }
}

/// A rollout of a hundred components whose numbers all changed.
fn hundred(second: u64) -> serin_dashboard::Rendered {
    let mut rollout = sample::rollout("shop-1", "shop", api::Phase::Progressing, api::Verdict::Healthy);
    rollout.components = (0..100)
        .map(|index| sample::component(&format!("component-{index}"), api::Verdict::Healthy, &[]))
        .collect();
    for (index, one) in (0_u64..).zip(&mut rollout.components) {
        one.arms = vec![
            sample::arm("baseline", 8_000 + second * 7 + index, 4 + second, 31_000 + second * 100),
            sample::arm("canary", 900 + second * 3 + index, 1 + second, 33_000 + second * 130),
        ];
    }
    let mut recent = sample::recent(&rollout);
    for slots in recent.values_mut() {
        slots.iter_mut().for_each(|slot| slot.from_second += second);
    }
    rollout::page(&rollout::RolloutPage {
        rollout: &rollout,
        recent: &recent,
        events: &[],
        decisions: &[],
        may_act: true,
        now_ms: NOW_MS + second * 1_000,
    })
}

#[test]
fn a_hundred_components_that_all_change_cost_less_than_a_hundred_kilobytes_a_second() {
    let sizes: Vec<usize> =
        (0..20).map(|second| changes(&hundred(second), &hundred(second + 1)).unwrap().len()).collect();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    println!("bytes a second: {sizes:?}, mean {mean}");
    assert!(mean < 60_000, "{sizes:?}");
}

#[test]
fn what_appears_in_a_rollout_is_told_by_its_parts_alone() {
    let (before, after) = (
        sample::rollout("shop-1a2b3c4d", "shop", api::Phase::Progressing, api::Verdict::Healthy),
        sample::returned(),
    );
    let page = |rollout: &api::Rollout| {
        rollout::page(&rollout::RolloutPage {
            rollout,
            recent: &sample::recent(rollout),
            events: &[],
            decisions: &[],
            may_act: true,
            now_ms: NOW_MS,
        })
    };
    let told = changes(&page(&before), &page(&after)).unwrap();
    assert!(
        told.contains("\"parts\"") && told.contains("Rollback of") && !told.contains("\"main\""),
        "{told}"
    );
}

#[test]
fn numbers_that_are_none_and_numbers_without_measure_are_shown() {
    let mut rollout = sample::returned();
    let many = u64::from(u32::MAX);
    (rollout.step, rollout.weight_ppm, rollout.risk) = (u32::MAX, u32::MAX, f64::NAN);
    rollout.arms = vec![sample::arm("baseline", many, many, many), sample::arm("canary", many, 0, 0)];
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1.0] {
        let mut one = sample::component("cart", api::Verdict::Regressed, &[]);
        let trend = one.trend.as_mut().unwrap();
        (trend.limit, trend.probability) = (number, number);
        trend.now = Some(api::EffectSize { estimate: number, low: number, high: number });
        (one.reasons[0].log_evidence, one.reasons[0].log_threshold, one.business_weight) =
            (number, number, number);
        let mut detail = sample::detail(Some(one));
        detail.paths[0].log_threshold = number;
        detail.paths[0].points[3].log_evidence = number;
        detail.control[0].minutes[5].value = number;
        detail.latencies[0].buckets[0] = api::LatencyBucket { from_us: 0, to_us: 0, requests: many };
        detail.slots[0].seconds = 0;
        let page = component::page(&component::ComponentPage {
            rollout: &rollout,
            detail: &detail,
            may_act: true,
            now_ms: 0,
        });
        let html = whole(&page);
        check("numbers", &html);
        assert!(!html.contains("NaN") && !html.contains("inf "), "{number}");
    }
    check(
        "rollout",
        &whole(&rollout::page(&rollout::RolloutPage {
            rollout: &rollout,
            recent: &sample::recent(&rollout),
            events: &[],
            decisions: &[],
            may_act: true,
            now_ms: u64::MAX,
        })),
    );
}
