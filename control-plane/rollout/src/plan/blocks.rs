//! Blocks of code inside a component, each switched by a flag.
//!
//! A block has the version that the canary runs and those that it ran before. A rollback of the block makes its first
//! previous version the one in force, for requests of the component on the canary and for whoever asks for the flag. Names
//! are unique in a plan, because they are the keys of flags.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_proto::assignment::{
    Granularity, Rule,
    bounds::{BLOCKS, NAME_BYTES},
};

use super::check::{Findings, version};
use super::error::PlanRule;
use super::{bounds, raw};

/// A block of a component's code.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Name, unique in the plan: the key of its flag.
    pub name: String,
    /// Version that the canary runs.
    pub current: String,
    /// Versions before that, newest first; at least one. The baseline runs the first of them.
    pub previous: Vec<String>,
    /// Values of the flag by version. A version without one is its own value.
    pub values: BTreeMap<String, FlagValue>,
}

/// What a flag says.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(untagged, expecting = "must be a text, a number, true or false")]
#[schemars(rename = "PlanFlagValue")]
pub enum FlagValue {
    /// On or off.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl Block {
    /// The version that a rollback of the block returns to.
    #[must_use]
    pub fn fallback(&self) -> &str {
        self.previous.first().unwrap_or(&self.current)
    }

    /// What the flag says for a version.
    #[must_use]
    pub fn value(&self, version: &str) -> FlagValue {
        self.values.get(version).cloned().unwrap_or_else(|| FlagValue::Text(version.to_owned()))
    }
}

/// The blocks of each component, in the order of the plan.
pub(super) fn check(components: &[raw::Component], findings: &mut Findings) -> Vec<Vec<Block>> {
    let mut names = BTreeSet::<String>::new();
    let of = |(index, component): (usize, &raw::Component)| {
        let field = format!("components[{index}].blocks");
        if component.blocks.len() > BLOCKS {
            findings.add(&field, PlanRule::TooLong { limit: BLOCKS });
        }
        if !component.blocks.is_empty() && component.granularity() != Granularity::Fine {
            findings.add(&field, PlanRule::NotFine);
        }
        if let Some(feature) = &component.feature {
            let field = format!("components[{index}].feature");
            let name = feature.chars().take(64).collect();
            if !is_name(feature) {
                let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
                findings.add(&field, PlanRule::Form { found: name, expected });
            } else if !names.insert(feature.clone()) {
                findings.add(&field, Rule::Duplicate { name }.into());
            }
        }
        let blocks = component.blocks.iter().enumerate();
        blocks
            .map(|(at, block)| {
                let field = format!("{field}[{at}]");
                // Its form is checked with what the filters are told.
                if !names.insert(block.name.clone()) {
                    let name = block.name.chars().take(64).collect();
                    findings.add(&format!("{field}.name"), Rule::Duplicate { name }.into());
                }
                checked(&field, block, findings)
            })
            .collect()
    };
    components.iter().enumerate().map(of).collect()
}

/// Whether the filters take it for the name of a block.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

fn checked(field: &str, raw: &raw::Block, findings: &mut Findings) -> Block {
    version(&format!("{field}.current"), &raw.current, findings);
    let previous_field = format!("{field}.previous");
    if raw.previous.is_empty() {
        findings.add(&previous_field, PlanRule::Empty);
    } else if raw.previous.len() > bounds::BLOCK_VERSIONS {
        findings.add(&previous_field, PlanRule::TooLong { limit: bounds::BLOCK_VERSIONS });
    }
    let mut versions = BTreeSet::from([raw.current.as_str()]);
    for (at, label) in raw.previous.iter().enumerate() {
        let field = format!("{previous_field}[{at}]");
        version(&field, label, findings);
        if !versions.insert(label) {
            findings.add(&field, Rule::Duplicate { name: label.chars().take(64).collect() }.into());
        }
    }
    for (label, value) in &raw.values {
        let field = format!("{field}.values.{label}");
        if !versions.contains(label.as_str()) {
            findings.add(&field, PlanRule::UnknownVersion { name: label.chars().take(64).collect() });
        }
        if let FlagValue::Number(number) = value
            && !number.is_finite()
        {
            findings.add(&field, PlanRule::Form { found: number.to_string(), expected: "a finite number" });
        }
    }
    Block {
        name: raw.name.clone(),
        current: raw.current.clone(),
        previous: raw.previous.clone(),
        values: raw.values.clone(),
    }
}
