//! A span is placed in the component in which the filter counts its request, or in none.
#![cfg(feature = "fleet")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

use serin_control_plane::calls::component_of;
use serin_filter_core::request::{METHOD, PATH, RequestView};
use serin_filter_core::router::Router;
use serin_proto::assignment::{Assignment, UNMATCHED, parse, raw};
use serin_rollout::{Creation, Plan, RolloutId, Salt, UnixMillis, create};

const SEED: u64 = 20_261_129;

/// Numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn path(&mut self) -> String {
        (0..=self.below(3)).map(|_| format!("/{}", self.one_of(&["a", "b", "c", ""]))).collect()
    }

    /// A match. `told`: it asks only for what spans tell.
    fn matching(&mut self, told: bool) -> String {
        let segment = |numbers: &mut Self| format!("/{}", numbers.one_of(&["a", "b", "c", "{x}", "{y}"]));
        let mut parts = Vec::new();
        match self.below(8) {
            0..2 => parts.push(format!("path: {{exact: \"{}\"}}", self.path())),
            2..5 => parts.push(format!("path: {{prefix: \"{}\"}}", self.path())),
            5..7 => {
                let rest: String = (0..self.below(3)).map(|_| segment(self)).collect();
                parts.push(format!("path: {{template: \"{rest}/{{z}}\"}}"));
            }
            _ => parts.push("methods: [PUT]".to_owned()),
        }
        if self.below(3) == 0 && !parts[0].starts_with("methods") {
            parts.push(format!("methods: [{}]", self.one_of(&["GET", "POST"])));
        }
        if !told && self.below(3) == 0 {
            parts.push("headers: [{name: x-mobile, present: true}]".to_owned());
        }
        format!("{{{}}}", parts.join(", "))
    }
}

/// The service of a plan with random matches, if they are no two alike.
fn service(numbers: &mut Numbers, told: bool) -> Option<raw::Service> {
    let components = (0..=numbers.below(5)).map(|at| {
        let matches = (0..=numbers.below(2)).map(|_| numbers.matching(told)).collect::<Vec<_>>().join(", ");
        format!("- {{name: c{at}, matches: [{matches}]}}\n")
    });
    let components: String = components.collect();
    let yaml = format!("service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n{components}");
    let plan = Plan::parse(&yaml).ok()?;
    let creation =
        Creation { id: RolloutId("r".to_owned()), salt: Salt(1), actor: "a".to_owned(), paused: false };
    Some(plan.service_assignment(&create(&plan, creation, UnixMillis(0)).state))
}

struct Request {
    method: &'static str,
    path: String,
    mobile: bool,
}

impl RequestView for Request {
    fn header(&self, name: &str) -> Option<&[u8]> {
        match name {
            METHOD => Some(self.method.as_bytes()),
            PATH => Some(self.path.as_bytes()),
            "x-mobile" if self.mobile => Some(b"1"),
            _ => None,
        }
    }

    fn route_name(&self) -> Option<&[u8]> {
        None
    }
}

fn assignment(service: &raw::Service) -> Assignment {
    let services = vec![service.clone()];
    let raw = raw::Assignment {
        version: serin_proto::assignment::FORMAT_VERSION,
        generation: 1,
        report: None,
        services,
    };
    parse(serde_json::to_string(&raw).unwrap().as_bytes()).unwrap()
}

#[test]
fn a_span_is_placed_where_the_filter_counts_its_request_or_nowhere() {
    let mut numbers = Numbers(SEED);
    let (mut placed, mut unplaced) = (0, 0);
    for round in 0..2_000 {
        let told = round % 2 == 0;
        let Some(service) = service(&mut numbers, told) else { continue };
        let router = Router::new(&assignment(&service));
        for _ in 0..20 {
            let method = ["GET", "POST", "PUT"][numbers.below(3)];
            let request = Request { method, path: numbers.path(), mobile: numbers.below(2) == 0 };
            let counted = router.component_name(router.locate(&request).unwrap()).to_owned();
            let found = component_of(&service, None, Some(&request.path), Some(request.method));
            let case = format!("seed {SEED}, round {round}: {method} {} of {service:?}", request.path);
            match found {
                Some(component) => {
                    assert_eq!(component, counted, "{case}");
                    placed += 1;
                }
                // Where matches ask only for what spans tell, each request of a component is placed.
                None => {
                    assert!(!told || counted == UNMATCHED, "{case}: the filter counts it as {counted}");
                    unplaced += 1;
                }
            }
        }
    }
    assert!(placed > 2_000 && unplaced > 2_000, "{placed} placed, {unplaced} not");
}
