//! Sets the weights of a route's destinations in a VirtualService of Istio or an HTTPRoute of the Gateway API.
//!
//! Only weights change. Destinations that are not named keep theirs, and so do routes that do not lead to all that are named:
//! beside a weighted route there usually are some that lead to one version alone.

use serde_json::Value;
use serin_rollout::plan::{RouteKind, RoutePatch, Share};

use super::Edit;
use super::fault::Rule;

pub(super) fn edit(object: &Value, patch: &RoutePatch) -> Result<Edit, Rule> {
    let (all, field, inner) = match patch.kind {
        RouteKind::VirtualService => ("/spec/http", "spec.http", "route"),
        RouteKind::HttpRoute => ("/spec/rules", "spec.rules", "backendRefs"),
    };
    let mut wanted = object.clone();
    let routes = wanted.pointer_mut(all).and_then(Value::as_array_mut).ok_or(Rule::Missing(field))?;
    let (mut found, mut changed) = (0_usize, Vec::new());
    for (index, route) in routes.iter_mut().enumerate() {
        let name = route.get("name").and_then(Value::as_str).map(str::to_owned);
        if patch.route.is_some() && name != patch.route {
            continue;
        }
        let shown = name.unwrap_or_else(|| format!("{field}[{index}]"));
        let Some(destinations) = route.get_mut(inner).and_then(Value::as_array_mut) else { continue };
        let Some(places) = places(destinations, patch, &shown)? else { continue };
        found += 1;
        for (share, place) in patch.weights.iter().zip(places) {
            changed.extend(destinations.get_mut(place).and_then(|one| set(one, share, &shown)));
        }
    }
    if found == 0 {
        return Err(nowhere(patch));
    }
    if changed.is_empty() {
        let weights = patch.weights.iter().map(|share| format!("{share} = {}", share.weight));
        return Ok(Edit::Already(weights.collect::<Vec<_>>().join(", ")));
    }
    Ok(Edit::Write(wanted, changed.join(", ")))
}

/// Where each share is among the destinations. `None`: one of them is not there.
fn places(destinations: &[Value], patch: &RoutePatch, route: &str) -> Result<Option<Vec<usize>>, Rule> {
    let mut places = Vec::with_capacity(patch.weights.len());
    for share in &patch.weights {
        let leads = |(_, destination): &(usize, &Value)| leads(destination, patch.kind, share);
        let mut there = destinations.iter().enumerate().filter(leads).map(|(place, _)| place);
        let Some(place) = there.next() else { return Ok(None) };
        if there.next().is_some() {
            return Err(Rule::Ambiguous { route: route.to_owned(), to: share.to_string() });
        }
        places.push(place);
    }
    Ok(Some(places))
}

fn leads(destination: &Value, kind: RouteKind, share: &Share) -> bool {
    let at = |pointer| destination.pointer(pointer).and_then(Value::as_str);
    match kind {
        RouteKind::VirtualService => {
            at("/destination/host") == Some(&share.to) && at("/destination/subset") == share.subset.as_deref()
        }
        RouteKind::HttpRoute => at("/name") == Some(&share.to),
    }
}

/// What changed, in words.
fn set(destination: &mut Value, share: &Share, route: &str) -> Option<String> {
    let before = destination.get("weight").cloned();
    if before.as_ref().and_then(Value::as_u64) == Some(u64::from(share.weight)) {
        return None;
    }
    destination.as_object_mut()?.insert("weight".to_owned(), share.weight.into());
    let before = before.map_or_else(|| "none".to_owned(), |before| before.to_string());
    Some(format!("{route}: {share} from {before} to {}", share.weight))
}

fn nowhere(patch: &RoutePatch) -> Rule {
    let all = patch.weights.iter().map(Share::to_string).collect::<Vec<_>>().join(" and ");
    match &patch.route {
        None => Rule::NoRoute(all),
        Some(name) => Rule::NoNamedRoute { name: name.clone(), destinations: all },
    }
}

#[cfg(test)]
mod tests;
