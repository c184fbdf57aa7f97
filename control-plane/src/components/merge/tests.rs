use serin_proto::assignment::Salt;
use serin_rollout::{Creation, Plan, RolloutId, UnixMillis, create_with};

use super::*;
use crate::fleet::nodes::Spread;
use crate::fleet::report::RouteTags;

/// When the rollout of the plan began.
const BEGAN: UnixMillis = UnixMillis(1_000);

fn snapshot(components: &str) -> Arc<Snapshot> {
    begun(components, &[])
}

/// The same, of a rollout that took what `routes` said when it began.
fn begun(components: &str, routes: &[Told]) -> Arc<Snapshot> {
    let yaml = format!("service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n{components}");
    let (plan, not_taken) = crate::components::taking(&Plan::parse(&yaml).unwrap(), routes, &[]);
    let creation =
        Creation { id: RolloutId("r1".to_owned()), salt: Salt(7), actor: "a".to_owned(), paused: false };
    let state = create_with(&plan, not_taken, creation, BEGAN).state;
    let seen = snapshot::Seen {
        judgement: None,
        windows: None,
        spread: Spread::default(),
        now: UnixMillis(0),
        results: &[],
    };
    Arc::new(snapshot::build(&plan, &state, 1, String::new(), &seen))
}

/// A plan that gives all tags of `cart` and leaves those of `pay` open.
pub(in crate::components) fn planned() -> Arc<Snapshot> {
    snapshot(
        "- {name: cart, matches: [{path: {prefix: /cart}}], granularity: coarse, business_weight: 3, owner: team-a, \
         depends_on: [pay]}\n- {name: pay, matches: [{path: {prefix: /pay}}]}\n",
    )
}

pub(in crate::components) fn tags(component: &str) -> Tags {
    Tags { component: Some(component.to_owned()).filter(|name| !name.is_empty()), ..Tags::default() }
}

pub(in crate::components) fn told(route: &str, matched: &str, tags: Tags, nodes: &[&str]) -> Told {
    let said = RouteTags {
        route: route.to_owned(),
        service: "shop".to_owned(),
        component: matched.to_owned(),
        tags: Some(tags),
        malformed: Vec::new(),
    };
    let named = nodes.iter().map(|name| (*name).to_owned()).collect();
    Told { said: Arc::new(said), named, nodes: u32::try_from(nodes.len()).unwrap(), at: UnixMillis(2_000) }
}

pub(in crate::components) fn find(components: &[Component], name: &str) -> Component {
    components.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name}: {components:?}")).clone()
}

#[test]
fn a_plan_alone_gives_its_tags_and_defaults() {
    let components = merge(&[planned()], &[]);
    assert_eq!(components.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["cart", "pay"]);
    let cart = find(&components, "cart");
    assert_eq!(cart.rollout.as_deref(), Some("r1"));
    assert_eq!(cart.granularity, Tag { value: Granularity::Coarse, source: Source::Plan });
    assert_eq!(cart.business_weight, Tag { value: 3.0, source: Source::Plan });
    assert_eq!(cart.depends_on, Tag { value: vec!["pay".to_owned()], source: Source::Plan });
    assert_eq!(cart.owner, Tag { value: Some("team-a".to_owned()), source: Source::Plan });
    let pay = find(&components, "pay");
    assert_eq!(pay.granularity, Tag { value: Granularity::Medium, source: Source::Default });
    assert_eq!(pay.business_weight, Tag { value: 1.0, source: Source::Default });
    assert_eq!((pay.depends_on.source, pay.owner.source), (Source::Default, Source::Default));
    assert!(cart.contradictions.is_empty() && pay.contradictions.is_empty());
}

#[test]
fn what_does_not_agree_is_said_with_who_says_it_and_what_holds() {
    let fine = |component: &str| Tags { granularity: Some(Granularity::Fine), ..tags(component) };
    let medium = |component: &str| Tags { granularity: Some(Granularity::Medium), ..tags(component) };
    let plan = || vec![planned()];
    for (case, rollouts, told, component, words) in [
        (
            "a plan that gives the tag",
            plan(),
            vec![told("r", "cart", fine("cart"), &["e1", "e2"])],
            "cart",
            "granularity: route r on e1, e2 says fine, the plan of rollout r1 says coarse: the plan holds",
        ),
        (
            "a plan that leaves the tag open",
            plan(),
            vec![told("r", "pay", fine("pay"), &["e1"])],
            "pay",
            "granularity: route r on e1 says fine, the plan of rollout r1 leaves it open: the default, medium, holds",
        ),
        (
            "routes of a component that no plan has",
            plan(),
            vec![told("r", "new", fine(""), &["e1"]), told("s", "new", medium(""), &["e1", "e2"])],
            "new",
            "granularity: route s on e1, e2 says medium, route r on e1 says fine: what most Envoys say is shown",
        ),
        (
            "Envoys that say different things of one route",
            plan(),
            vec![told("r", "new", fine(""), &["e1"]), told("r", "new", medium(""), &["e2"])],
            "new",
            "granularity: route r on e1 says fine, route r on e2 says medium: what most Envoys say is shown",
        ),
        (
            "a route that names another component than the plan matches",
            plan(),
            vec![told("r", "cart", tags("basket"), &["e1"])],
            "cart",
            "component: route r on e1 says basket, the plan of rollout r1 matches its requests as cart: the plan holds",
        ),
        (
            "a route that no match covers",
            plan(),
            vec![told("r", "unmatched", tags("basket"), &["e1"])],
            "basket",
            "component: route r on e1 says basket, but no match of the plan of rollout r1 covers its requests: they count \
             as unmatched",
        ),
        (
            "a route that no match covers and that names none",
            plan(),
            vec![told("", "unmatched", tags(""), &["e1"])],
            "unmatched",
            "component: an unnamed route on e1 names none, but no match of the plan of rollout r1 covers its requests: they \
             count as unmatched",
        ),
    ] {
        for reversed in [false, true] {
            let mut told = told.clone();
            if reversed {
                told.reverse();
            }
            assert_eq!(find(&merge(&rollouts, &told), component).contradictions, [words], "{case}");
        }
    }
}

#[test]
fn what_agrees_is_no_contradiction_and_every_route_is_shown() {
    let agreeing = Tags {
        granularity: Some(Granularity::Coarse),
        business_weight: TagWeight::new(3.0),
        depends_on: vec!["pay".to_owned()],
        owner: Some("team-a".to_owned()),
        ..tags("cart")
    };
    let told = [told("r", "cart", agreeing.clone(), &["e1"]), told("s", "cart", agreeing, &["e1", "e2"])];
    let cart = find(&merge(&[planned()], &told), "cart");
    assert_eq!(cart.contradictions, Vec::<String>::new());
    let routes: Vec<_> = cart.routes.iter().map(|one| (one.route.as_str(), one.nodes)).collect();
    assert_eq!(routes, [("r", 1), ("s", 2)]);
}

#[test]
fn a_component_that_only_routes_name_has_what_they_say() {
    let said = Tags {
        granularity: Some(Granularity::Fine),
        business_weight: TagWeight::new(2.5),
        depends_on: vec!["z".to_owned(), "other/a".to_owned()],
        owner: Some("team-b".to_owned()),
        ..tags("basket")
    };
    let components = merge(&[], &[told("r", "unmatched", said, &["e1"])]);
    let basket = find(&components, "basket");
    let source = Source::RouteMetadata { routes: vec!["r".to_owned()] };
    assert_eq!((basket.rollout, basket.service.as_str()), (None, "shop"));
    assert_eq!(basket.granularity, Tag { value: Granularity::Fine, source: source.clone() });
    assert_eq!(basket.business_weight, Tag { value: 2.5, source: source.clone() });
    let depends_on = vec!["other/a".to_owned(), "z".to_owned()];
    assert_eq!(basket.depends_on, Tag { value: depends_on, source: source.clone() });
    assert_eq!(basket.owner, Tag { value: Some("team-b".to_owned()), source });
}

#[test]
fn what_a_rollout_took_is_in_force_from_its_routes_and_a_later_change_is_a_contradiction() {
    let pay = "- {name: pay, matches: [{path: {prefix: /pay}}]}\n- {name: cart, matches: [{path: {prefix: /cart}}]}\n";
    let said = Tags {
        granularity: Some(Granularity::Coarse),
        business_weight: TagWeight::new(2.5),
        depends_on: vec!["cart".to_owned(), "gone".to_owned()],
        owner: Some("team-b".to_owned()),
        ..tags("pay")
    };
    let before = [told("r", "pay", said, &["e1"])];
    let rollout = [begun(pay, &before)];
    let after =
        Tags { granularity: Some(Granularity::Medium), owner: Some("team-c".to_owned()), ..tags("pay") };
    let after = [told("r", "pay", after, &["e1"])];
    let source = Source::RouteMetadata { routes: vec!["r".to_owned()] };
    for told in [&before[..], &after[..], &[]] {
        let pay = find(&merge(&rollout, told), "pay");
        assert_eq!(pay.granularity, Tag { value: Granularity::Coarse, source: source.clone() });
        assert_eq!(pay.business_weight, Tag { value: 2.5, source: source.clone() });
        assert_eq!(pay.depends_on, Tag { value: vec!["cart".to_owned()], source: source.clone() });
        assert_eq!(pay.owner, Tag { value: Some("team-b".to_owned()), source: source.clone() });
    }
    let omitted = "depends_on: gone by route r is not taken: there is no component \"gone\" in this plan";
    assert_eq!(find(&merge(&rollout, &[]), "pay").contradictions, [omitted]);
    assert_eq!(
        find(&merge(&rollout, &after), "pay").contradictions,
        [
            "granularity: route r on e1 says medium, the plan of rollout r1 leaves it open and coarse was taken when it \
             began: that holds",
            "owner: route r on e1 says team-c, the plan of rollout r1 leaves it open and team-b was taken when it began: \
             that holds",
            omitted,
        ]
    );
}

#[test]
fn an_owner_that_the_plan_does_not_name_is_the_routes() {
    let said = Tags { owner: Some("team-b".to_owned()), ..tags("pay") };
    let pay = find(&merge(&[planned()], &[told("r", "pay", said, &["e1"])]), "pay");
    assert_eq!(pay.owner.value.as_deref(), Some("team-b"));
    assert!(pay.contradictions.is_empty());
}

#[test]
fn metadata_that_could_not_be_taken_is_said_in_words() {
    let mut one = told("r", "pay", tags("pay"), &["e1"]);
    Arc::make_mut(&mut one.said).malformed = vec!["weight: must be a number".to_owned()];
    one.nodes = 12;
    let pay = find(&merge(&[planned()], &[one]), "pay");
    assert_eq!(pay.contradictions, ["route r on e1 and 11 more: not taken: weight: must be a number"]);
}

#[test]
fn a_route_that_was_told_under_an_earlier_plan_says_nothing_of_what_this_one_covers() {
    let before = |matched| Told { at: UnixMillis(999), ..told("r", matched, tags("basket"), &["e1"]) };
    assert_eq!(merge(&[planned()], &[before("unmatched"), before("gone")]).len(), 2);
    assert_eq!(find(&merge(&[planned()], &[before("cart")]), "cart").routes.len(), 1);
}
