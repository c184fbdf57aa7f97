//! Simulated deployments as text.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Deployment;
use crate::table::FACTS;

/// As comma-separated values with a header. `truth` adds the true probability, which no model learns from.
#[must_use]
pub fn csv(deployments: &[Deployment], truth: bool) -> String {
    let mut text = String::from("at,service");
    for fact in FACTS {
        text.push(',');
        text.push_str(fact.name);
    }
    text.push_str(if truth { ",rolled_back,true_probability\n" } else { ",rolled_back\n" });
    for one in deployments {
        let _ = write!(text, "{},{}", one.at, one.service);
        for value in one.facts {
            text.push(',');
            if !value.is_nan() {
                let _ = write!(text, "{value}");
            }
        }
        let _ = write!(text, ",{}", u8::from(one.rolled_back));
        if truth {
            let _ = write!(text, ",{}", one.probability);
        }
        text.push('\n');
    }
    text
}

/// As JSON Lines; a missing fact is left out.
#[must_use]
pub fn json_lines(deployments: &[Deployment], truth: bool) -> String {
    let mut text = String::new();
    for one in deployments {
        let mut object = Map::new();
        object.insert("at".to_owned(), json!(one.at));
        object.insert("service".to_owned(), json!(one.service));
        for (fact, value) in FACTS.iter().zip(one.facts).filter(|(_, value)| !value.is_nan()) {
            object.insert(fact.name.to_owned(), json!(value));
        }
        object.insert("rolled_back".to_owned(), json!(one.rolled_back));
        if truth {
            object.insert("true_probability".to_owned(), json!(one.probability));
        }
        text.push_str(&Value::Object(object).to_string());
        text.push('\n');
    }
    text
}
