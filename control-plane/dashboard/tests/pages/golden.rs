//! What the important states say, word by word.

use serin_dashboard::confirm::{self, Action, ConfirmPage};
use serin_dashboard::radius::Scope;
use serin_dashboard::{Rendered, rollout};
use serin_proto::admin::v1 as api;

use super::sample::{self, NOW_MS};

/// The words of a piece of HTML, with a line for each element that breaks lines.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        let (tag, rest) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        if ["p", "li", "div", "h2", "dt", "dd", "td", "tr", "ol", "ul", "dl"].contains(&name)
            && !text.ends_with('\n')
        {
            text.push('\n');
        }
        text.push_str(rest);
    }
    text.trim().to_owned()
}

fn part(page: &Rendered, id: &str) -> String {
    words(&page.parts.iter().find(|part| part.id == id).unwrap().html)
}

fn page(rollout: &api::Rollout) -> Rendered {
    let recent = sample::recent(rollout);
    rollout::page(&rollout::RolloutPage {
        rollout,
        recent: &recent,
        events: &[],
        decisions: &[],
        may_act: true,
        now_ms: NOW_MS,
    })
}

#[test]
fn a_rollback_under_way_says_what_returned_why_and_how_far_it_is() {
    let page = page(&sample::returned());
    assert_eq!(
        part(&page, "rollback"),
        "Rollback of cart and checkout ▸ under way\nDecided at 01:02:58.\nEvery proxy obeys\n✓ done after 420 ms\n8 of 8 VMs obey\n\
         Nothing goes there\nNow: until no request goes to what was returned\nHooks have ended\nThe baseline is well"
    );
    assert_eq!(
        part(&page, "c0-v"),
        "↩ on the baseline\ncart regressed: timeouts 6.8 % of 900 canary requests"
    );
    assert_eq!(
        part(&page, "steps"),
        "Steps\nStep 2 of 4. The next is possible in 2 min 50 s, at 01:06:00, if the evidence allows it.\n\
         5 %\n✓ done · 5 min\n10 %\nnow · 5 min\n25 %\nto come · 5 min\n50 %\nto come · 5 min\n100 %\nto come · promoted"
    );
}

#[test]
fn silence_is_told_with_its_length_and_what_it_means() {
    let mut rollout = sample::rollout("shop-1", "shop", api::Phase::Progressing, api::Verdict::Inconclusive);
    rollout.data_age_s = Some(40);
    assert_eq!(
        part(&page(&rollout), "silence"),
        "No data for 40 s: holding. Missing data never promotes, and alone never rolls back. Look whether the Envoys report and whether \
         requests arrive."
    );
    rollout.data_age_s = Some(3);
    assert_eq!(part(&page(&rollout), "silence"), "");
}

/// What is between the heading of the consequence and its end.
fn consequence(action: Action, scope: Scope<'_>, verdict: api::Verdict) -> String {
    let (rollout, known) =
        (sample::rollout("shop-1", "shop", api::Phase::Progressing, verdict), sample::known());
    let page = confirm::page(&ConfirmPage {
        rollout: &rollout,
        known: &known,
        action,
        scope,
        refusal: None,
        reason: "",
        weight_percent: "",
        now_ms: NOW_MS,
    });
    words(
        page.main.split("id=\"consequence\">").nth(1).unwrap().split("<p class=\"why\">Now").next().unwrap(),
    )
}

#[test]
fn who_is_about_to_act_reads_what_follows_in_words_and_numbers() {
    assert_eq!(
        consequence(Action::Rollback, Scope::Component("cart"), api::Verdict::Regressed),
        "Returns cart and checkout to v1.8.2.\n6.67 % of the requests of the last minute (1,800) move to v1.8.2.\n\
         checkout goes too: it cannot work without cart.\n\
         In other services, where their rollouts still send requests to a canary: mail/receipts.\nsearch and unmatched keep v1.9.0."
    );
    assert_eq!(
        consequence(Action::Promote, Scope::Version, api::Verdict::Inconclusive),
        "Sends 100 % of the requests to v1.9.0 although the verdict is inconclusive.\nIt has 10 % now.\n\
         The verdict is … inconclusive, the risk 12."
    );
    assert!(
        consequence(Action::Promote, Scope::Version, api::Verdict::Regressed)
            .contains("Evidence speaks against this version.")
    );
}
