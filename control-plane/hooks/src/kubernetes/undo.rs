//! Puts the pod template of an earlier ReplicaSet back into its Deployment, as `kubectl rollout undo` does.
//!
//! "The one before" is the newest revision whose template differs from what the Deployment has, so it is found also while the
//! cluster has not yet made a ReplicaSet of the newest template. Asked again, it would lead forth again: so the Deployment is
//! marked with the rollout for which it was put back, in the same write, and is put back once for each.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Edit;
use super::fault::Rule;

/// Revision of a ReplicaSet.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Why somebody made a revision.
const CAUSE: &str = "kubernetes.io/change-cause";
/// Label that tells the pods of ReplicaSets apart; a Deployment's template has none.
const HASH: &str = "pod-template-hash";
/// Marks a Deployment with the rollout for which it was put back.
pub(super) const MARK: &str = "serin/undone-for";
/// Revisions that an error lists.
const LISTED_MAX: usize = 20;

/// The label selector of a Deployment, as a query has it.
pub(super) fn selector(deployment: &Value) -> Result<String, Rule> {
    let missing = Rule::Missing("spec.selector");
    let selector = deployment.pointer("/spec/selector").ok_or(missing.clone())?;
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<String> =
        labels.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        parts
            .push(requirement(expression).ok_or(Rule::Missing("spec.selector.matchExpressions[].operator"))?);
    }
    if parts.is_empty() { Err(missing) } else { Ok(parts.join(",")) }
}

fn requirement(expression: &Value) -> Option<String> {
    let key = expression.get("key")?.as_str()?;
    let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
    let values = values.filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    match expression.get("operator")?.as_str()? {
        "In" => Some(format!("{key} in ({values})")),
        "NotIn" => Some(format!("{key} notin ({values})")),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

/// `wanted`: the revision, else the one before.
pub(super) fn edit(
    deployment: &Value,
    sets: &[Value],
    wanted: Option<i64>,
    rollout: &str,
) -> Result<Edit, Rule> {
    if wanted.is_none() && annotation(deployment, MARK) == Some(rollout) {
        return Ok(Edit::Already("it was put back for this rollout".to_owned()));
    }
    let current = deployment.pointer("/spec/template").ok_or(Rule::Missing("spec.template"))?;
    let current = without_hash(current);
    let earlier = earlier(deployment, sets)?;
    let Earlier { revision, template, cause } = match wanted {
        Some(wanted) => named(&earlier, wanted)?,
        None => earlier.iter().find(|one| one.template != current).ok_or(Rule::NoEarlier)?,
    };
    if *template == current {
        return Ok(Edit::Already(format!("it has the template of revision {revision}")));
    }
    if deployment.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Err(Rule::Paused);
    }
    let mut wanted = deployment.clone();
    let spec = wanted.get_mut("spec").and_then(Value::as_object_mut).ok_or(Rule::Missing("spec"))?;
    spec.insert("template".to_owned(), template.clone());
    mark(&mut wanted, rollout, *cause)?;
    let mut words = format!("put back to revision {revision}");
    for image in images(template) {
        let _always_succeeds = write!(words, ", {image}");
    }
    Ok(Edit::Write(wanted, words))
}

/// An earlier template of a Deployment.
struct Earlier<'a> {
    revision: i64,
    template: Value,
    cause: Option<&'a str>,
}

/// Those that the Deployment owns, the newest first.
fn earlier<'a>(deployment: &Value, sets: &'a [Value]) -> Result<Vec<Earlier<'a>>, Rule> {
    let uid = deployment.pointer("/metadata/uid").and_then(Value::as_str);
    let uid = uid.ok_or(Rule::Missing("metadata.uid"))?;
    let owns = |set: &&Value| {
        let owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| {
            let controls = owner.get("controller").and_then(Value::as_bool) == Some(true);
            controls && owner.get("uid").and_then(Value::as_str) == Some(uid)
        })
    };
    let known = sets.iter().filter(owns).filter_map(|set| {
        let revision = annotation(set, REVISION)?.parse().ok()?;
        let template = without_hash(set.pointer("/spec/template")?);
        Some(Earlier { revision, template, cause: annotation(set, CAUSE) })
    });
    let mut known: Vec<_> = known.collect();
    known.sort_by_key(|one| std::cmp::Reverse(one.revision));
    Ok(known)
}

fn named<'a, 'b>(earlier: &'b [Earlier<'a>], wanted: i64) -> Result<&'b Earlier<'a>, Rule> {
    earlier.iter().find(|one| one.revision == wanted).ok_or_else(|| {
        let known = earlier.iter().take(LISTED_MAX).map(|one| one.revision.to_string());
        let known = known.collect::<Vec<_>>().join(", ");
        Rule::NoRevision { wanted, known: if known.is_empty() { "none".to_owned() } else { known } }
    })
}

/// Notes for whom it was put back, and the cause that goes with the template.
fn mark(deployment: &mut Value, rollout: &str, cause: Option<&str>) -> Result<(), Rule> {
    let metadata = deployment.get_mut("metadata").and_then(Value::as_object_mut);
    let metadata = metadata.ok_or(Rule::Missing("metadata"))?;
    let annotations = metadata.entry("annotations").or_insert_with(|| Map::new().into());
    if annotations.is_null() {
        *annotations = Map::new().into();
    }
    let annotations = annotations.as_object_mut().ok_or(Rule::Missing("metadata.annotations"))?;
    annotations.insert(MARK.to_owned(), rollout.into());
    match cause {
        Some(cause) => annotations.insert(CAUSE.to_owned(), cause.into()),
        None => annotations.remove(CAUSE),
    };
    Ok(())
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template
}

fn images(template: &Value) -> impl Iterator<Item = &str> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|container| container.get("image")?.as_str()).take(4)
}

#[cfg(test)]
mod tests;
