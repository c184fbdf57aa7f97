//! The policies that a plan can name without writing them. Each is an expression that a user could have written.

/// A policy that has a name of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BuiltIn {
    /// Its name in plans.
    pub name: &'static str,
    /// What it does, in words.
    pub meaning: &'static str,
    /// Its expression.
    pub expression: &'static str,
}

/// All of them.
pub const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn {
        name: "performance",
        meaning: "rolls back where the evidence is against the canary, or it alone exceeds a limit",
        expression: r#"verdict == "regressed" && !vetoed || limits.exceeded && !limits.baseline_exceeded
  ? "rollback"
  : "continue""#,
    },
    BuiltIn {
        name: "health",
        meaning: "rolls back where a health check fails, holds where one cannot tell",
        expression: r#"health.exists(check, health[check] == "unhealthy")
  ? "rollback"
  : health.exists(check, health[check] in ["shared", "unknown"]) ? "hold" : "continue""#,
    },
    BuiltIn {
        name: "composite",
        meaning: "what performance and health say together; a trigger that fired, or a risk of 50 or more, holds",
        expression: r#"verdict == "regressed" && !vetoed
  || limits.exceeded && !limits.baseline_exceeded
  || health.exists(check, health[check] == "unhealthy")
  ? "rollback"
  : health.exists(check, health[check] in ["shared", "unknown"])
    || triggers.exists(trigger, triggers[trigger] == "fired")
    || risk >= 50.0
  ? "hold"
  : "continue""#,
    },
];

impl BuiltIn {
    /// One by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN.into_iter().find(|one| one.name == name)
    }
}
