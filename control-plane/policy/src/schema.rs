//! The types of the context, for the checker and for people.
//!
//! A list or map holds plain values or objects, never lists: so every type is one of a few, and what a policy may cost can be
//! reckoned. A test holds this against the [`Context`](crate::Context) that is serialised.

use std::fmt;

use crate::context::{PHASES, STATES, TRIGGERS};

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    One(Scalar),
    List(Scalar),
    Map(Scalar),
}

/// The type of a value that is no list and no map.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar {
    /// Of the elements of an empty list.
    Any,
    Bool,
    Int,
    Double,
    Text,
    /// A text that is one of a few words.
    Word(&'static Words),
    Object(&'static Object),
}

/// The words that a text may be.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) of: &'static str,
    pub(crate) all: &'static [&'static str],
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    /// Whether it always has a value.
    pub(crate) always: bool,
    pub(crate) meaning: &'static str,
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(one), Self::Object(two)) => one.name == two.name,
            (Self::Any, Self::Any)
            | (Self::Bool, Self::Bool)
            | (Self::Int, Self::Int)
            | (Self::Double, Self::Double)
            | (Self::Text | Self::Word(_), Self::Text | Self::Word(_)) => true,
            (
                Self::Any
                | Self::Bool
                | Self::Int
                | Self::Double
                | Self::Text
                | Self::Word(_)
                | Self::Object(_),
                _,
            ) => false,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "anything",
            Self::Bool => "a condition",
            Self::Int => "a whole number",
            Self::Double => "a decimal number",
            Self::Text => "a text",
            Self::Word(words) => words.of,
            Self::Object(object) => object.name,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(formatter),
            Self::List(of) => write!(formatter, "a list of {of}"),
            Self::Map(of) => write!(formatter, "a map of {of}"),
        }
    }
}

const fn field(name: &'static str, of: Type, always: bool, meaning: &'static str) -> Field {
    Field { name, of, always, meaning }
}

const BOOL: Type = Type::One(Scalar::Bool);
const INT: Type = Type::One(Scalar::Int);
const DOUBLE: Type = Type::One(Scalar::Double);
const TEXT: Type = Type::One(Scalar::Text);

static VERDICTS: Words = Words { of: "a verdict", all: &["regressed", "healthy", "inconclusive"] };
static SIGNAL: Words = Words { of: "a signal", all: &["error_rate", "latency", "share"] };
static PHASE: Words = Words { of: "a phase", all: &PHASES };
static STATE: Words = Words { of: "the state of a check", all: &STATES };
static TRIGGER: Words = Words { of: "the state of a trigger", all: &TRIGGERS };

static ARM: Object = Object {
    name: "a version",
    fields: &[
        field("requests", INT, false, "requests that started"),
        field("errors", INT, false, "requests that ended as one of the plan's failures"),
        field("requests_per_second", DOUBLE, false, "requests a second"),
        field("error_rate", DOUBLE, false, "part of the requests that failed"),
        field("success_rate", DOUBLE, false, "part of the requests that did not"),
        field("client_error_rate", DOUBLE, false, "part of the requests that were refused as wrong"),
        field("latency_p99_ms", DOUBLE, false, "99th percentile of latency in milliseconds"),
    ],
};

static SIGNALS: Object = Object {
    name: "the signals",
    fields: &[
        field("canary", Type::One(Scalar::Object(&ARM)), true, "the canary over the last minute"),
        field("baseline", Type::One(Scalar::Object(&ARM)), true, "the baseline over the last minute"),
        field("error_ratio", DOUBLE, false, "error rate of the canary, in times the baseline's"),
        field("latency_ratio", DOUBLE, false, "99th percentile of the canary, in times the baseline's"),
        field(
            "throughput_ratio",
            DOUBLE,
            false,
            "requests of the canary, in times what its weight lets expect",
        ),
        field("data_age_s", INT, false, "age of the newest evidence in seconds"),
    ],
};

static REASON: Object = Object {
    name: "a reason",
    fields: &[
        field("component", TEXT, true, "the component, empty for the version"),
        field("signal", Type::One(Scalar::Word(&SIGNAL)), true, "the signal"),
        field("verdict", Type::One(Scalar::Word(&VERDICTS)), true, "what it says alone"),
        field("text", TEXT, true, "in words"),
    ],
};

static COMPONENT: Object = Object {
    name: "a component",
    fields: &[
        field("verdict", Type::One(Scalar::Word(&VERDICTS)), true, "what the evidence says about it"),
        field("requests", INT, true, "requests of both versions over the last minute"),
        field("risk", DOUBLE, true, "its risk, 0 to 100"),
        field("returned", BOOL, true, "whether it is on the baseline"),
    ],
};

static LIMITS: Object = Object {
    name: "the limits",
    fields: &[
        field("error_rate", DOUBLE, true, "highest error rate"),
        field("success_rate", DOUBLE, true, "lowest success rate"),
        field("latency_p99_ms", DOUBLE, true, "highest 99th percentile of latency in milliseconds"),
        field("exceeded", BOOL, true, "whether the canary exceeds one of the plan's limits, beyond chance"),
        field("baseline_exceeded", BOOL, true, "whether the baseline does"),
    ],
};

static STEP: Object = Object {
    name: "a step",
    fields: &[
        field("number", INT, true, "the step, from 1"),
        field("count", INT, true, "how many there are"),
        field("elapsed_s", INT, true, "how long it is evaluated, in seconds"),
        field("bake_s", INT, true, "how long it is to be evaluated at least, in seconds"),
    ],
};

static TIME: Object = Object {
    name: "a time",
    fields: &[
        field("hour", INT, true, "0 to 23"),
        field("minute", INT, true, "0 to 59"),
        field("weekday", INT, true, "1 for Monday to 7 for Sunday"),
        field("day", INT, true, "day of the month"),
        field("month", INT, true, "1 to 12"),
        field("year", INT, true, "the year"),
        field("date", TEXT, true, "as 2026-12-24"),
        field("zone", TEXT, true, "name of the zone: that of the plan's calendar, else UTC"),
    ],
};

pub(crate) static ROOT: Object = Object {
    name: "the context",
    fields: &[
        field("service", TEXT, true, "name of the service"),
        field("signals", Type::One(Scalar::Object(&SIGNALS)), true, "what was measured"),
        field(
            "verdict",
            Type::One(Scalar::Word(&VERDICTS)),
            true,
            "what the evidence says; inconclusive without any that is fresh",
        ),
        field("vetoed", BOOL, true, "whether something speaks against acting on the verdict"),
        field("reasons", Type::List(Scalar::Object(&REASON)), true, "what the verdicts rest on"),
        field("components", Type::Map(Scalar::Object(&COMPONENT)), true, "the components by name"),
        field("risk", DOUBLE, true, "risk of the version, 0 to 100"),
        field("limits", Type::One(Scalar::Object(&LIMITS)), true, "the plan's limits at this time"),
        field("weight", DOUBLE, true, "the canary's weight, 0 to 1"),
        field("step", Type::One(Scalar::Object(&STEP)), true, "the step of the plan"),
        field("phase", Type::One(Scalar::Word(&PHASE)), true, "where the rollout stands"),
        field("time", Type::One(Scalar::Object(&TIME)), true, "the time"),
        field("windows", Type::List(Scalar::Text), true, "windows of the plan's calendar that are open"),
        field("health", Type::Map(Scalar::Word(&STATE)), true, "health checks by name"),
        field("quota", Type::Map(Scalar::Double), true, "quotas by name, each with the part that is used"),
        field("triggers", Type::Map(Scalar::Word(&TRIGGER)), true, "triggers by name"),
    ],
};

impl Object {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn known(&self) -> String {
        self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
    }
}

/// A name of the context, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Described {
    /// As expressions write it; `[]` stands for an entry.
    pub name: String,
    /// Its type in words, with the words that it may be.
    pub of: String,
    /// Whether it always has a value.
    pub always: bool,
    /// What it is.
    pub meaning: &'static str,
}

/// Everything that expressions can name, in a fixed order.
#[must_use]
pub fn described() -> Vec<Described> {
    let mut found = Vec::new();
    describe(&ROOT, "", &mut found);
    found
}

fn describe(object: &'static Object, before: &str, found: &mut Vec<Described>) {
    for Field { name, of, always, meaning } in object.fields {
        let name = format!("{before}{name}");
        let (scalar, entry) = match of {
            Type::One(scalar) => (scalar, name.clone()),
            Type::List(scalar) | Type::Map(scalar) => (scalar, format!("{name}[]")),
        };
        let words = match scalar {
            Scalar::Word(words) => format!(": {}", words.all.join(", ")),
            Scalar::Any | Scalar::Bool | Scalar::Int | Scalar::Double | Scalar::Text | Scalar::Object(_) => {
                String::new()
            }
        };
        found.push(Described { name, of: format!("{of}{words}"), always: *always, meaning });
        if let Scalar::Object(object) = scalar {
            describe(object, &format!("{entry}."), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::{Arm, ComponentFacts, Context, ReasonFacts, Signals};

    /// A context in which everything has a value.
    fn full() -> Context {
        let arm = Arm {
            requests: Some(1),
            errors: Some(1),
            requests_per_second: Some(0.5),
            error_rate: Some(0.5),
            success_rate: Some(0.5),
            client_error_rate: Some(0.5),
            latency_p99_ms: Some(0.5),
        };
        Context {
            signals: Signals {
                canary: arm.clone(),
                baseline: arm,
                error_ratio: Some(0.5),
                latency_ratio: Some(0.5),
                throughput_ratio: Some(0.5),
                data_age_s: Some(1),
            },
            reasons: vec![ReasonFacts::default()],
            components: BTreeMap::from([("a".to_owned(), ComponentFacts::default())]),
            windows: vec!["freeze".to_owned()],
            health: BTreeMap::from([("db".to_owned(), "healthy".to_owned())]),
            quota: BTreeMap::from([("cpu".to_owned(), 0.5)]),
            triggers: BTreeMap::from([("memory".to_owned(), "quiet".to_owned())]),
            ..Context::default()
        }
    }

    fn agrees(of: Scalar, value: &Value, at: &str) {
        let is_so = match of {
            Scalar::Any => false,
            Scalar::Bool => value.is_boolean(),
            Scalar::Int => value.is_i64(),
            Scalar::Double => value.is_f64(),
            Scalar::Text | Scalar::Word(_) => value.is_string(),
            Scalar::Object(object) => {
                let fields = value.as_object().unwrap();
                for name in fields.keys() {
                    assert!(object.field(name).is_some(), "{at} has {name}, and its schema does not");
                }
                for field in object.fields {
                    check(field.of, &value[field.name], &format!("{at}.{}", field.name));
                }
                true
            }
        };
        assert!(is_so, "{at} is {value}, and its schema says {of}");
    }

    fn check(of: Type, value: &Value, at: &str) {
        match of {
            Type::One(scalar) => agrees(scalar, value, at),
            Type::List(scalar) => {
                value.as_array().unwrap().iter().for_each(|entry| agrees(scalar, entry, at));
            }
            Type::Map(scalar) => {
                value.as_object().unwrap().values().for_each(|entry| agrees(scalar, entry, at));
            }
        }
    }

    #[test]
    fn the_schema_says_what_the_context_is() {
        agrees(Scalar::Object(&ROOT), &serde_json::to_value(full()).unwrap(), "context");
        let bare = serde_json::to_value(Context::default()).unwrap();
        for Described { name, always, .. } in described() {
            let path = format!("/{}", name.replace('.', "/"));
            if !name.contains("[]") {
                assert_eq!(bare.pointer(&path).is_some(), always, "{name}");
            }
        }
    }

    #[test]
    fn every_name_is_described_once() {
        let names: Vec<String> = described().into_iter().map(|one| one.name).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
        for name in ["signals.canary.error_rate", "reasons[].signal", "components[].returned", "time.weekday"]
        {
            assert!(names.iter().any(|one| one == name), "{name}");
        }
    }
}
