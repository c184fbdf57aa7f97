use super::*;

const HOUR_MS: u64 = 3_600_000;

fn spot(service: &str, component: &str) -> Arc<Spot> {
    Arc::new(Spot { service: service.to_owned(), component: component.to_owned() })
}

fn call(to: &Arc<Spot>, arm: Option<Arm>) -> Call<Arc<Spot>> {
    Call { from: spot("shop", "cart"), to: Arc::clone(to), arm }
}

#[test]
fn an_edge_counts_its_calls_by_the_callers_arm_and_ages_out() {
    let (mut book, pay, items) = (Book::default(), spot("shop", "pay"), spot("stock", "items"));
    book.note(call(&pay, Some(Arm::Canary)), UnixMillis(0));
    book.note(call(&items, Some(Arm::Canary)), UnixMillis(HOUR_MS));
    book.note(call(&items, Some(Arm::Baseline)), UnixMillis(2 * HOUR_MS));
    book.note(call(&items, None), UnixMillis(3 * HOUR_MS));
    let seen = |book: &Book, at| -> Vec<(String, u64, u64, u64, bool)> {
        let seen = book.observed(UnixMillis(at)).into_iter();
        seen.map(|one| (one.needed.clone(), one.calls, one.baseline, one.canary, one.is_canary_only()))
            .collect()
    };
    let items = ("stock/items".to_owned(), 3, 1, 1, false);
    assert_eq!(seen(&book, 3 * HOUR_MS), [("pay".to_owned(), 1, 0, 1, true), items.clone()]);
    assert_eq!(seen(&book, 24 * HOUR_MS), [items]);
    assert_eq!(seen(&book, 27 * HOUR_MS), []);
    book.forget(UnixMillis(24 * HOUR_MS));
    assert_eq!(book.edges.len(), 1);
}

#[test]
fn a_rollout_that_begins_counts_the_arms_of_its_service_anew() {
    let (mut book, pay) = (Book::default(), spot("shop", "pay"));
    book.note(call(&pay, Some(Arm::Canary)), UnixMillis(0));
    book.begin("stock");
    assert!(book.observed(UnixMillis(0))[0].is_canary_only());
    book.begin("shop");
    book.note(call(&pay, Some(Arm::Canary)), UnixMillis(0));
    let [one] = &book.observed(UnixMillis(0))[..] else { panic!("one edge") };
    assert_eq!((one.calls, one.baseline, one.canary, one.is_canary_only()), (2, 0, 1, false));
}

#[test]
fn edges_have_a_bound_beyond_which_new_ones_wait_for_room() {
    let mut book = Book::default();
    for at in 0..EDGES_MAX {
        book.note(call(&spot("shop", &format!("c{at}")), None), UnixMillis(0));
    }
    let (known, new) = (spot("shop", "c0"), spot("shop", "new"));
    book.note(call(&new, None), UnixMillis(1));
    book.note(call(&known, None), UnixMillis(HOUR_MS));
    assert_eq!((book.edges.len(), book.not_kept()), (EDGES_MAX, 1));
    book.note(call(&new, None), UnixMillis(24 * HOUR_MS));
    assert_eq!((book.edges.len(), book.not_kept()), (2, 1));
}
