//! Sets how many replicas there shall be.

use serde_json::Value;

use super::Edit;
use super::fault::Rule;

/// `scale` is the part of a Deployment that says how many there shall be. A server leaves 0 out.
pub(super) fn edit(scale: &Value, replicas: u32) -> Result<Edit, Rule> {
    let found = scale.pointer("/spec/replicas").map_or(Some(0), Value::as_u64);
    if found == Some(u64::from(replicas)) {
        return Ok(Edit::Already(format!("{replicas} replicas")));
    }
    let mut wanted = scale.clone();
    let spec = wanted.get_mut("spec").and_then(Value::as_object_mut).ok_or(Rule::Missing("spec"))?;
    spec.insert("replicas".to_owned(), replicas.into());
    let before = found.map_or_else(|| "an unknown number of".to_owned(), |found| found.to_string());
    Ok(Edit::Write(wanted, format!("scaled from {before} to {replicas} replicas")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replicas_that_are_left_out_are_none_and_all_else_stays_as_it_is() {
        let scale = |spec: Value| json!({"kind": "Scale", "metadata": {"resourceVersion": "7"}, "spec": spec, "x": [1]});
        assert_eq!(edit(&scale(json!({})), 0), Ok(Edit::Already("0 replicas".to_owned())));
        assert_eq!(edit(&scale(json!({"replicas": 3})), 3), Ok(Edit::Already("3 replicas".to_owned())));
        let wanted = scale(json!({"replicas": 0}));
        let words = "scaled from 3 to 0 replicas".to_owned();
        assert_eq!(edit(&scale(json!({"replicas": 3})), 0), Ok(Edit::Write(wanted, words)));
        let wanted = scale(json!({"replicas": 2}));
        let words = "scaled from 0 to 2 replicas".to_owned();
        assert_eq!(edit(&scale(json!({})), 2), Ok(Edit::Write(wanted, words)));
        assert_eq!(edit(&json!({}), 2), Err(Rule::Missing("spec")));
    }
}
