//! When the tags of routes are read, and how they leave.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn the_metadata_of_a_route_is_read_only_when_asked_for_and_told_in_the_frozen_batch() {
    let mut filter = configured();
    let mut now = SECOND;
    let mut reads = |filter: &mut Filter, asked: bool, host_sample| {
        let mut assignment = assignment(2, "a", host_sample);
        assignment["report"]["route_metadata"] = json!(asked);
        filter.configure(assignment.to_string().as_bytes(), now).unwrap();
        let response = answered(200);
        for context in 0..5 {
            start(filter, context, now, &Fake::get("/a"));
            filter.finished(context, now, &response);
        }
        let (_, request) = report(filter, &mut now);
        acknowledge(filter, 1, request.seq, now);
        (response.metadata_reads.get(), request.batch.unwrap().routes)
    };
    assert_eq!(reads(&mut filter, false, 1), (0, Vec::new()));
    assert_eq!(reads(&mut filter, true, 0), (0, Vec::new()), "only with the host sample");
    let tags = wire::Tags { component: "carts".to_owned(), ..wire::Tags::default() };
    let told = wire::RouteTags {
        route: "route".to_owned(),
        service: "shop".to_owned(),
        component: "a".to_owned(),
        tags: Some(tags),
        malformed: Vec::new(),
    };
    assert_eq!(reads(&mut filter, true, 1), (1, vec![told]));
    assert_eq!(reads(&mut filter, true, 1), (0, Vec::new()), "a push of an assignment tells nothing anew");
}
