use std::collections::BTreeMap;

use serin_proto::fleet::v1 as wire;

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn series(recorder: &mut Recorder, number: usize) -> SeriesId {
    recorder.series("shop", &format!("component-{number}"), "canary")
}

const PHONE: Cohort = Cohort { device: Device::Phone, country: Country::Unknown };
const DESKTOP: Cohort = Cohort { device: Device::Desktop, ..PHONE };

/// A phone in the country of this number.
fn abroad(country: usize) -> Cohort {
    let letter = |number: usize| b'A' + u8::try_from(number % 26).unwrap();
    Cohort { country: Country::Of([letter(country / 26), letter(country)]), ..PHONE }
}

fn view(load_ms: u32) -> Beacon<'static> {
    Beacon { path: b"/", load_ms: Some(load_ms), ..Beacon::default() }
}

#[test]
fn views_of_one_key_are_added_up() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    let key = (7, series(&mut recorder, 1), PHONE);
    let busy = Beacon {
        path: b"/",
        age_ms: None,
        load_ms: Some(1_000),
        largest_paint_ms: None,
        layout_shift_milli: 251,
        interaction_ms: 501,
        clicks: 5,
        rage_clicks: 2,
        errors: 9,
        features: 1,
        conversions: 1,
        abandoned: false,
    };
    let left = Beacon {
        path: b"/",
        layout_shift_milli: 250,
        interaction_ms: 500,
        clicks: 1,
        abandoned: true,
        ..Beacon::default()
    };
    for beacon in [busy, left, busy] {
        assert!(behaviour.count(key, "shop", &beacon));
    }
    let told = behaviour.drain(&recorder);
    let load_hdr = told[0].load_hdr.clone();
    let expected = wire::BehaviourCounts {
        service: "shop".to_owned(),
        component: "component-1".to_owned(),
        arm: "canary".to_owned(),
        second: 7,
        device: wire::Device::Phone.into(),
        views: 3,
        load_hdr: load_hdr.clone(),
        largest_paint_hdr: Vec::new(),
        with_error: 2,
        with_rage_click: 2,
        converted: 2,
        abandoned: 1,
        used_feature: 2,
        slow_interaction: 2,
        unstable_layout: 2,
        clicks: 11,
        country: String::new(),
    };
    assert_eq!(told, [expected]);
    let mut reader = hdrhistogram::serialization::Deserializer::new();
    let loads: hdrhistogram::Histogram<u64> = reader.deserialize(&mut &load_hdr[..]).unwrap();
    assert_eq!((loads.len(), loads.count_at(1_000_000)), (2, 2));
    assert!(behaviour.is_empty() && behaviour.drain(&recorder).is_empty());
}

#[test]
fn keys_are_told_apart_and_in_order() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    let (first, second) = (series(&mut recorder, 1), series(&mut recorder, 2));
    for key in [(9, second, DESKTOP), (8, first, PHONE), (8, first, DESKTOP), (9, second, DESKTOP)] {
        behaviour.count(key, "shop", &view(1));
    }
    let told = behaviour.drain(&recorder);
    let keys: Vec<_> =
        told.iter().map(|one| (one.second, one.component.as_str(), one.device, one.views)).collect();
    assert_eq!(keys, [(8, "component-1", 1, 1), (8, "component-1", 2, 1), (9, "component-2", 1, 2)]);
}

#[test]
fn the_bound_of_entries_is_exact_and_those_that_are_there_go_on_counting() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    for number in 0..MAX_ENTRIES {
        assert!(behaviour.count((1, series(&mut recorder, number), PHONE), "shop", &view(1)));
    }
    assert!(!behaviour.count((1, series(&mut recorder, MAX_ENTRIES), PHONE), "shop", &view(1)));
    assert!(behaviour.count((1, series(&mut recorder, 0), PHONE), "shop", &view(1)));
    assert_eq!(behaviour.drain(&recorder).len(), MAX_ENTRIES);
}

#[test]
fn the_bound_of_cells_is_exact_and_drained_cells_are_free_again() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    // Each histogram has fewer than 4,096 cells, and each of these times a cell of its own.
    let times: Vec<u32> =
        (0..25).flat_map(|doubling| (128..256).map(move |step| step << (doubling / 2))).collect();
    for round in 0..2 {
        let mut counted = 0;
        'full: for number in 0.. {
            let key = (round, series(&mut recorder, number), DESKTOP);
            for time in &times {
                let beacon = Beacon { largest_paint_ms: Some(*time), ..view(*time) };
                if !behaviour.count(key, "shop", &beacon) {
                    break 'full;
                }
                counted += 1;
            }
        }
        assert!(behaviour.cells <= MAX_CELLS && behaviour.cells + 2 > MAX_CELLS);
        let views: u64 = behaviour.drain(&recorder).iter().map(|one| one.views).sum();
        assert_eq!(views, counted);
    }
}

/// Views by country.
fn by_country(told: &[wire::BehaviourCounts]) -> BTreeMap<&str, u64> {
    let mut views = BTreeMap::new();
    told.iter().for_each(|one| *views.entry(one.country.as_str()).or_default() += one.views);
    views
}

#[test]
fn countries_of_each_service_are_told_apart_up_to_a_bound_that_is_exact_and_the_rest_is_other() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    let (orders, carts) = (series(&mut recorder, 1), recorder.series("carts", "all", "canary"));
    for (series, service) in [(orders, "shop"), (carts, "carts")] {
        for second in [1, 2] {
            for country in 0..MAX_COUNTRIES + 2 {
                assert!(behaviour.count((second, series, abroad(country)), service, &view(1)));
            }
            assert!(behaviour.count((second, series, PHONE), service, &view(1)));
        }
    }
    let told = behaviour.drain(&recorder);
    for service in ["shop", "carts"] {
        let own: Vec<_> = told.iter().filter(|one| one.service == service).cloned().collect();
        let views = by_country(&own);
        assert_eq!(views.len(), MAX_COUNTRIES + 2);
        assert_eq!((views["AA"], views["BF"], views["other"], views[""]), (2, 2, 4, 2));
        assert!(!views.contains_key("BG"));
    }
    behaviour.count((1, orders, abroad(700)), "shop", &view(1));
    assert_eq!(by_country(&behaviour.drain(&recorder)).len(), 1, "a new batch has all its room");
}

#[test]
fn countries_never_cost_a_view_its_entry() {
    let (mut behaviour, mut recorder) = (Behaviour::default(), Recorder::default());
    for number in 0..ENTRIES_BY_COUNTRY {
        assert!(behaviour.count((1, series(&mut recorder, number), abroad(1)), "shop", &view(1)));
    }
    for country in [1, 2] {
        for number in 0..ENTRIES_BY_COUNTRY {
            assert!(behaviour.count((1, series(&mut recorder, number), abroad(country)), "shop", &view(1)));
        }
    }
    let told = behaviour.drain(&recorder);
    let half = ENTRIES_BY_COUNTRY as u64;
    assert_eq!(by_country(&told), BTreeMap::from([("AB", 2 * half), ("other", half)]));
    assert_eq!(told.len(), MAX_ENTRIES);
}
