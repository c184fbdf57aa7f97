//! Blocks of code: which failed, and which version a request carries.

use super::*;
use crate::baggage::Baggage;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_failed_response_is_counted_by_the_blocks_that_it_names() {
    let mut filter = configured();
    let mut fine = assignment(2, "a", 0);
    fine["services"][0]["components"][0]["blocks"] = json!([{"name": "tax"}, {"name": "price"}]);
    filter.configure(fine.to_string().as_bytes(), SECOND).unwrap();
    let named = [
        (500, Some("tax")),
        (503, Some("price, tax,tax")),
        (500, Some("forged,,tax")),
        (200, Some("tax")),
        (404, Some("tax")),
        (500, None),
    ];
    for (context, (status, blocks)) in (0..).zip(named) {
        start(&mut filter, context, SECOND, &Fake::get("/a").with("x-user", "ann"));
        filter.finished(context, SECOND, &Answered { blocks, ..answered(status) });
    }
    let (_, request) = report(&mut filter, &mut SECOND.clone());
    let batch = request.batch.unwrap();
    let told: Vec<_> =
        batch.strata[0].arms[0].blocks.iter().map(|one| (one.block.as_str(), one.errors)).collect();
    assert_eq!(told, [("price", 1), ("tax", 3)]);
    assert_eq!(batch.gaps.unwrap().unknown_blocks, 2);
}

#[test]
fn a_request_to_the_canary_carries_the_versions_of_restored_blocks() {
    let mut filter = configured();
    let mut fine = assignment(2, "a", 0);
    fine["services"][0]["components"][0]["blocks"] =
        json!([{"name": "tax", "restored": "v6"}, {"name": "price"}]);
    filter.configure(fine.to_string().as_bytes(), SECOND).unwrap();
    let mut baggage = |path: &str, user: &str| {
        let route =
            filter.route(&Fake::get(path).with("x-user", user).with("baggage", "a=1,serin.block.tax=v9"));
        route.map(|route| (route.arm.is_some(), route.baggage)).unwrap()
    };
    let replaced = |value: &str| Baggage::Replace { value: value.to_owned(), dropped: 0 };
    let mut seen: Vec<_> = (0..20).map(|user| baggage("/a", &user.to_string())).collect();
    seen.sort_by_key(|(canary, _)| *canary);
    seen.dedup();
    assert_eq!(seen, [(false, replaced("a=1")), (true, replaced("serin.block.tax=v6,a=1"))]);
    // No component, no blocks: nothing is read or changed.
    assert_eq!(baggage("/b", "ann").1, Baggage::Keep);
}
