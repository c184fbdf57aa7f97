//! The screen, drawn into memory: pictures of it that are kept beside these tests, and what holds of all of them.
//! `SERIN_PUBLISH=1` writes the pictures anew.

mod samples;

use std::path::Path;
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serin_proto::admin::v1 as proto;

use super::update::update;
use super::*;
use samples::{component, experiment, hostile, progressing, rolling_back, told};

/// Seconds of the epoch at which every test begins.
const BEGAN: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(BEGAN + seconds)
}

fn opened() -> Model {
    Model::new("shop".to_owned(), "http://127.0.0.1:7441".to_owned(), false, at(0))
}

/// A screen that has seen some seconds of a rollout.
fn seen(rollout: &proto::Rollout) -> Model {
    let mut model = opened();
    for second in 0..20 {
        let mut rollout = rollout.clone();
        for component in &mut rollout.components {
            component.arms[1].errors = component.arms[1].errors * second / 19;
        }
        update(&mut model, Message::Snapshot(Box::new(rollout.into())), at(second));
    }
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    keys.iter().filter_map(|key| update(model, Message::Key(*key), at(20))).collect()
}

fn type_in(model: &mut Model, text: &str) -> Vec<Effect> {
    press(model, &text.chars().map(Key::Character).collect::<Vec<_>>())
}

fn drawn(model: &Model, width: u16, height: u16, now: SystemTime) -> Buffer {
    let mut terminal = ratatui::Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::view(model, frame, now)).unwrap();
    terminal.backend().buffer().clone()
}

/// What a person reads. The cell behind a wide character is left out.
fn picture(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut hidden = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if hidden == 0 {
                line.push_str(symbol);
                hidden = ratatui::text::Span::raw(symbol).width().saturating_sub(1);
            } else {
                hidden -= 1;
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn is_as_kept(name: &str, model: &Model, (width, height): (u16, u16), now: SystemTime) -> String {
    let text = picture(&drawn(model, width, height, now));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/rollout/screen/golden").join(name);
    if std::env::var_os("SERIN_PUBLISH").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "{} is old: run the test with SERIN_PUBLISH=1. It is now:\n{text}", file.display());
    text
}

#[test]
fn the_pictures_at_forty_eighty_and_a_hundred_and_sixty_columns_are_as_kept() {
    let model = seen(&progressing());
    for (name, size) in [("narrow.txt", (40, 24)), ("usual.txt", (80, 24)), ("wide.txt", (160, 30))] {
        let text = is_as_kept(name, &model, size, at(20));
        for said in
            ["shop", "v1 → v2", "progressing", "25%", "step 2 of 4", "checkout", "few users", "smoke-test"]
        {
            assert!(text.contains(said), "{name}: {said} is missing:\n{text}");
        }
        assert!(!text.contains("calm"), "a quiet reading is not shown:\n{text}");
    }
    let mut open = seen(&progressing());
    press(&mut open, &[Key::Enter]);
    let text = is_as_kept("reasons.txt", &open, (80, 30), at(20));
    assert!(text.contains("canary 18 of 300 requests failed") && text.contains("forecast"), "{text}");
    is_as_kept("rolling-back.txt", &seen(&rolling_back()), (80, 24), at(20));
    let text = is_as_kept("told.txt", &seen(&told()), (80, 24), at(20));
    assert!(text.contains("told by  logs: only the canary logs") && !text.contains("hardly"), "{text}");
    is_as_kept("experiment.txt", &seen(&experiment()), (80, 16), at(20));
    is_as_kept("few-rows.txt", &model, (80, 8), at(20));
}

#[test]
fn waiting_silence_and_the_end_have_pictures_of_their_own() {
    let text = is_as_kept("connecting.txt", &opened(), (60, 6), at(3));
    assert!(text.contains("connecting to http://127.0.0.1:7441"), "{text}");
    let text = is_as_kept("stale.txt", &seen(&progressing()), (80, 24), at(31));
    assert!(text.contains("no data for 12s: reconnecting, last state shown"), "{text}");
    let ended = proto::Rollout { phase: proto::Phase::Promoted.into(), ..progressing() };
    let mut model = seen(&ended);
    let text = is_as_kept("ended.txt", &model, (80, 24), at(25));
    assert!(text.contains("ended: promoted") && !text.contains("no data"), "{text}");
    assert_eq!(update(&mut model, Message::Tick, at(9)), None);
    assert_eq!(update(&mut model, Message::Tick, at(10)), Some(Effect::Leave), "it closes by itself");
    press(&mut model, &[Key::Down]);
    assert_eq!(update(&mut model, Message::Tick, at(99)), None, "a key keeps it");
}

#[test]
fn every_act_tells_what_it_does_and_acts_on_a_reason_alone() {
    for (key, name, order) in [
        ('p', "dialog-pause.txt", Order::Pause),
        ('P', "dialog-promote.txt", Order::Promote),
        (
            'b',
            "dialog-roll-back.txt",
            Order::RollBack { component: "checkout".to_owned(), arm: String::new() },
        ),
    ] {
        let mut model = seen(&progressing());
        press(&mut model, &[Key::Character(key)]);
        is_as_kept(name, &model, (80, 24), at(20));
        assert_eq!(press(&mut model, &[Key::Enter]), [], "{name}: no reason, no act");
        assert!(model.dialog.as_ref().unwrap().problem.is_some());
        assert_eq!(type_in(&mut model, "errors q p\u{7}"), [], "keys are text in a dialog");
        let act = Act { id: "shop-7".to_owned(), order, reason: "errors q p".to_owned() };
        assert_eq!(press(&mut model, &[Key::Enter]), [Effect::Act(act)]);
        assert!(model.dialog.is_none() && model.acting.is_some());
        assert_eq!(press(&mut model, &[Key::Character('p')]), [], "one at a time");
        assert!(model.dialog.is_none());
    }
}

#[test]
fn a_weight_is_typed_checked_and_explained_before_the_reason() {
    let mut model = seen(&progressing());
    press(&mut model, &[Key::Character('w')]);
    type_in(&mut model, "120");
    assert_eq!(press(&mut model, &[Key::Enter]), []);
    assert!(model.dialog.as_ref().unwrap().problem.as_ref().unwrap().contains("100%"));
    press(&mut model, &[Key::Backspace, Key::Backspace, Key::Enter]);
    type_in(&mut model, "careful");
    let text = is_as_kept("dialog-weight.txt", &model, (80, 24), at(20));
    assert!(text.contains("24% of the users move from v2 back to v1"), "{text}");
    let effects = press(&mut model, &[Key::Enter]);
    assert!(
        matches!(effects.as_slice(), [Effect::Act(Act { order: Order::SetWeight { ppm: 10_000 }, .. })]),
        "{effects:?}"
    );
}

#[test]
fn a_rollback_names_who_needs_what_goes_in_this_service_and_in_others() {
    let known = |service: &str, name: &str, needs: &[&str]| proto::KnownComponent {
        service: service.to_owned(),
        name: name.to_owned(),
        rollout_id: "some".to_owned(),
        depends_on: needs.iter().map(|name| (*name).to_owned()).collect(),
        ..proto::KnownComponent::default()
    };
    let components = vec![
        known("shop", "cart", &["checkout"]),
        known("shop", "search", &["cart"]),
        known("mail", "receipts", &["shop/checkout"]),
        known("other", "cart", &["checkout"]),
    ];
    let known = proto::ListComponentsResponse { components, ..proto::ListComponentsResponse::default() };
    let mut model = seen(&progressing());
    assert_eq!(press(&mut model, &[Key::Character('b')]), [Effect::AskComponents]);
    let before = picture(&drawn(&model, 160, 40, at(20)));
    assert!(before.contains("not known yet"), "{before}");
    update(&mut model, Message::Components(known.into()), at(20));
    let text = picture(&drawn(&model, 160, 40, at(20)));
    assert!(text.contains("as the plan says: cart, mail/receipts, search."), "{text}");
    press(&mut model, &[Key::Tab]);
    let whole = picture(&drawn(&model, 160, 40, at(20)));
    assert!(whole.contains("for every component") && whole.contains("mail/receipts"), "{whole}");
    type_in(&mut model, "all");
    let effects = press(&mut model, &[Key::Enter]);
    let nothing = Order::RollBack { component: String::new(), arm: String::new() };
    assert!(
        matches!(effects.as_slice(), [Effect::Act(Act { order, .. })] if *order == nothing),
        "{effects:?}"
    );
}

#[test]
fn what_cannot_be_done_is_told_instead_of_asked() {
    let ended = proto::Rollout { phase: proto::Phase::RolledBack.into(), ..progressing() };
    for (rollout, keys) in [(ended, "prPwb"), (experiment(), "Pw"), (progressing(), "r")] {
        for key in keys.chars() {
            let mut model = seen(&rollout);
            assert_eq!(press(&mut model, &[Key::Character(key)]), [], "{key}");
            assert!(model.dialog.is_none() && model.said.is_some_and(|said| said.is_error), "{key}");
        }
    }
}

#[test]
fn nothing_that_anybody_named_reaches_the_terminal_as_more_than_text() {
    let mut model = seen(&hostile());
    for keys in [&[][..], &[Key::Enter], &[Key::Down, Key::Down], &[Key::Character('b')]] {
        press(&mut model, keys);
        for width in [1, 7, 40, 80, 160] {
            let buffer = drawn(&model, width, 40, at(20));
            for cell in buffer.content() {
                let symbol = cell.symbol();
                assert!(!symbol.contains(crate::output::is_harmful), "{symbol:?}");
                assert!(symbol.chars().count() <= 6, "{symbol:?}");
            }
        }
    }
    let text = picture(&drawn(&seen(&hostile()), 80, 40, at(20)));
    assert!(text.contains("\\u{202e}tuokcehc") && text.contains("日本語"), "{text}");
}

#[test]
fn without_colours_nothing_is_coloured_and_with_them_words_are_the_same() {
    let mut plain = seen(&rolling_back());
    let mut coloured = seen(&rolling_back());
    coloured.colour = true;
    for keys in [&[][..], &[Key::Enter], &[Key::Character('b')]] {
        press(&mut plain, keys);
        press(&mut coloured, keys);
        let (one, other) = (drawn(&plain, 80, 30, at(40)), drawn(&coloured, 80, 30, at(40)));
        assert_eq!(picture(&one), picture(&other));
        let is_coloured =
            |buffer: &Buffer| buffer.content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset);
        assert!(!is_coloured(&one) && is_coloured(&other));
    }
}

#[test]
fn every_size_from_one_by_one_up_draws() {
    let mut models =
        vec![opened(), seen(&progressing()), seen(&rolling_back()), seen(&hostile()), seen(&experiment())];
    let many = (0..60).map(|index| component(&format!("route-{index}"), index)).collect();
    models.push(seen(&proto::Rollout { components: many, ..progressing() }));
    for model in &mut models {
        for keys in
            [&[][..], &[Key::Enter, Key::End], &[Key::Character('b')], &[Key::Escape, Key::Character('w')]]
        {
            press(model, keys);
            for width in (1..16).chain([39, 40, 80, 120, 200]) {
                for height in (1..9).chain([24, 60]) {
                    drawn(model, width, height, at(60));
                }
            }
        }
    }
}

fn any_key() -> impl Strategy<Value = Key> {
    use Key::{Backspace, Down, End, Enter, Escape, Home, PageDown, PageUp, Tab, Up};
    prop_oneof![
        4 => prop::sample::select(vec!['j', 'k', 'g', 'G', 'p', 'r', 'P', 'w', 'b', 's', ' ', '5', '%']).prop_map(Key::Character),
        3 => prop::sample::select(vec![Up, Down, PageUp, PageDown, Home, End, Enter, Escape, Tab, Backspace]),
        1 => any::<char>().prop_map(Key::Character),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_keys_and_news_fails_or_acts_without_a_reason(
        keys in prop::collection::vec((any_key(), 0_u8..8), 0..60),
        (width, height) in (1_u16..170, 1_u16..50),
    ) {
        let mut model = opened();
        let states = [progressing(), rolling_back(), experiment(), hostile()];
        for (index, (key, news)) in keys.into_iter().enumerate() {
            let now = at(index as u64);
            if let Some(state) = states.get(usize::from(news)) {
                update(&mut model, Message::Snapshot(Box::new(state.clone().into())), now);
            }
            if news == 7 {
                update(&mut model, Message::Acted(Err("refused".to_owned())), now);
            }
            let was_asked = model.dialog.is_some();
            match update(&mut model, Message::Key(key), now) {
                Some(Effect::Act(act)) => {
                    prop_assert!(was_asked && key == Key::Enter);
                    prop_assert!(!act.reason.trim().is_empty() && act.reason.len() <= 1_000);
                }
                Some(Effect::Leave) => prop_assert!(!was_asked),
                Some(Effect::AskComponents) | None => {}
            }
            drawn(&model, width, height, now);
        }
    }
}
