//! `serin components`.

use crate::client::Client;
use crate::failure::Failure;
use crate::model::{Block, Known, KnownComponent, TagOrigin, TagSource};
use crate::output::{Output, Sheet, count};

pub(super) async fn run(client: &Client, service: String, output: Output) -> Result<(), Failure> {
    let known = client.components(service.clone()).await?;
    output.show(&known, || sheet(&known, &service))
}

fn sheet(known: &Known, service: &str) -> Sheet {
    if known.components.is_empty() && !service.is_empty() {
        return Sheet::of(&format!(
            "No plan and no route names a component of {service}. `serin components` shows those of all services."
        ));
    }
    if known.components.is_empty() {
        return Sheet::of(
            "No plan and no route names a component yet. Start a rollout whose plan has some, or tag Envoy's routes with \
             filter_metadata.serin.",
        );
    }
    let mut sheet = Sheet::default();
    let header = ["SERVICE", "COMPONENT", "GRANULARITY", "WEIGHT", "DEPENDS-ON", "OWNER", "BLOCKS", "FROM"];
    sheet.table(header, known.components.iter().map(row));
    let mut first = true;
    for component in &known.components {
        for words in &component.contradictions {
            if std::mem::take(&mut first) {
                sheet.blank();
            }
            sheet.line(&format!("{}/{}: {words}", component.service, component.name));
        }
    }
    calls(&mut sheet, known);
    if known.untold_routes != 0 || known.routes_not_kept != 0 {
        sheet.blank();
        sheet.line(&format!(
            "Not all routes are known: of {} sampled requests the route could not be told, and {} statements were not kept.",
            count(known.untold_routes),
            count(known.routes_not_kept)
        ));
    }
    if known.calls_not_kept != 0 {
        let calls = count(known.calls_not_kept);
        sheet.line(&format!("Not all calls are known: there was no room for {calls} of them."));
    }
    sheet
}

/// What the components were seen to call, a line each.
fn calls(sheet: &mut Sheet, known: &Known) {
    let mut first = true;
    for component in &known.components {
        for calls in &component.calls {
            if std::mem::take(&mut first) {
                sheet.blank();
                sheet.line("Observed calls (traces of the last 24 hours)");
            }
            let last = calls.last_seen.as_ref().map(|at| format!(" last {},", at.to_seconds()));
            let whose = if calls.canary_only { ", by the canary only" } else { "" };
            sheet.line(&format!(
                "{}/{} calls {}: {} times,{} {}{whose}",
                component.service,
                component.name,
                calls.needed,
                count(calls.calls),
                last.unwrap_or_default(),
                calls.standing.label()
            ));
        }
    }
}

fn row(component: &KnownComponent) -> [String; 8] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let blocks = component.blocks.iter().map(block).collect::<Vec<_>>();
    [
        component.service.clone(),
        component.name.clone(),
        component.granularity.label(),
        component.business_weight.to_string(),
        or_dash(component.depends_on.join(", ")),
        or_dash(component.owner.clone().unwrap_or_default()),
        or_dash(blocks.join(", ")),
        from(component),
    ]
}

/// The version in force, and the one that a rollback returns to.
fn block(block: &Block) -> String {
    let version = block.restored.as_ref().unwrap_or(&block.current);
    let before = block.previous.first().filter(|previous| *previous != version);
    let before = before.map(|previous| format!(" (before: {previous})")).unwrap_or_default();
    format!("{} {version}{before}", block.name)
}

/// Where the tags are from: one word if all are from the same place.
fn from(component: &KnownComponent) -> String {
    let tags = [
        ("granularity", &component.granularity_origin),
        ("weight", &component.business_weight_origin),
        ("depends-on", &component.depends_on_origin),
        ("owner", &component.owner_origin),
    ];
    let mut places = Vec::<(String, Vec<&str>)>::new();
    for (tag, origin) in tags {
        let place = place(component, origin);
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, tags)) => tags.push(tag),
            None => places.push((place, vec![tag])),
        }
    }
    match places.as_slice() {
        [(place, _)] => place.clone(),
        _ => {
            let places = places.iter().map(|(place, tags)| format!("{place}: {}", tags.join(", ")));
            places.collect::<Vec<_>>().join("; ")
        }
    }
}

fn place(component: &KnownComponent, origin: &TagOrigin) -> String {
    match origin.source {
        TagSource::Plan => format!("plan {}", component.rollout_id.as_deref().unwrap_or_default()),
        TagSource::RouteMetadata => {
            let name = |route: &String| if route.is_empty() { "(unnamed)".to_owned() } else { route.clone() };
            format!("route {}", origin.routes.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        TagSource::ObservedCalls | TagSource::Default | TagSource::Unknown => origin.source.label(),
    }
}

#[cfg(test)]
mod tests;
