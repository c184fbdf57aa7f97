//! Policies with what is expected of them: `policies.txt`.
//!
//! A line is a policy, `[hold] …` a condition with what follows from it, `\n` a new line. Below it stands what is said of it:
//! `!` why it is refused, or `=` what it answers in four situations, where `?` is a policy that comes to no conclusion.
//! Whether what it asks for is done, `serin-rollout` tests with the same file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use serin_policy::{
    Arm, ComponentFacts, Context, Decision, LimitFacts, Outcome, Policy, ReasonFacts, Signals, StepFacts,
    TimeFacts, Values, bounds,
};

const TABLE: &str = include_str!("policies.txt");

fn arm(requests: i64, errors: i64, p99_ms: f64) -> Arm {
    let rate = errors as f64 / requests as f64;
    Arm {
        requests: Some(requests),
        errors: Some(errors),
        requests_per_second: Some(requests as f64 / 60.0),
        error_rate: Some(rate),
        success_rate: Some(1.0 - rate),
        client_error_rate: Some(0.05),
        latency_p99_ms: Some(p99_ms),
    }
}

/// Tuesday, 24 November 2026, 10:30, at the first of two steps.
fn healthy() -> Context {
    let reason = |component: &str, signal| ReasonFacts {
        component: component.to_owned(),
        signal,
        verdict: "healthy",
        text: format!("{signal} is within the margin"),
    };
    let component = ComponentFacts { verdict: "healthy", requests: 300, risk: 1.0, returned: false };
    Context {
        service: "shop".to_owned(),
        signals: Signals {
            canary: arm(1_000, 1, 120.0),
            baseline: arm(9_000, 9, 110.0),
            error_ratio: Some(1.0),
            latency_ratio: Some(1.09),
            throughput_ratio: Some(1.0),
            data_age_s: Some(2),
        },
        verdict: "healthy",
        vetoed: false,
        reasons: vec![reason("", "error_rate"), reason("", "latency"), reason("checkout", "error_rate")],
        components: BTreeMap::from([
            ("checkout".to_owned(), component.clone()),
            ("search".to_owned(), component),
        ]),
        risk: 2.0,
        limits: LimitFacts {
            error_rate: 0.01,
            success_rate: 0.95,
            latency_p99_ms: 1_000.0,
            exceeded: false,
            baseline_exceeded: false,
        },
        weight: 0.1,
        step: StepFacts { number: 1, count: 2, elapsed_s: 90, bake_s: 300 },
        phase: "progressing",
        time: TimeFacts {
            hour: 10,
            minute: 30,
            weekday: 2,
            day: 24,
            month: 11,
            year: 2026,
            date: "2026-11-24".to_owned(),
            zone: "Europe/Amsterdam".to_owned(),
        },
        windows: Vec::new(),
        health: BTreeMap::from([("database".to_owned(), "healthy".to_owned())]),
        quota: BTreeMap::from([("cpu".to_owned(), 0.4)]),
        triggers: BTreeMap::from([("memory".to_owned(), "quiet".to_owned())]),
    }
}

fn regressed() -> Context {
    let mut context = healthy();
    context.signals.canary = arm(1_000, 50, 400.0);
    context.signals.error_ratio = Some(50.0);
    context.signals.latency_ratio = Some(400.0 / 110.0);
    context.verdict = "regressed";
    context.risk = 80.0;
    context.limits.exceeded = true;
    for reason in &mut context.reasons {
        reason.verdict = "regressed";
    }
    for component in context.components.values_mut() {
        (component.verdict, component.risk) = ("regressed", 80.0);
    }
    context.health.insert("database".to_owned(), "unhealthy".to_owned());
    context.quota.insert("cpu".to_owned(), 0.9);
    context.triggers.insert("memory".to_owned(), "fired".to_owned());
    context
}

/// No report arrives, and nothing outside is asked.
fn missing() -> Context {
    Context {
        signals: Signals::default(),
        verdict: "inconclusive",
        reasons: Vec::new(),
        components: BTreeMap::new(),
        health: BTreeMap::new(),
        quota: BTreeMap::new(),
        triggers: BTreeMap::new(),
        risk: 0.0,
        ..healthy()
    }
}

/// Healthy, on Thursday, 24 December, 3:10, at the last step.
fn freeze() -> Context {
    let mut context = healthy();
    context.time = TimeFacts {
        hour: 3,
        minute: 10,
        weekday: 4,
        day: 24,
        month: 12,
        date: "2026-12-24".to_owned(),
        ..context.time
    };
    context.windows.push("freeze-of-the-year".to_owned());
    context.weight = 0.5;
    context.step.number = 2;
    context
}

fn situations() -> [(&'static str, Values); 4] {
    [
        ("healthy", Values::of(&healthy())),
        ("regressed", Values::of(&regressed())),
        ("missing", Values::of(&missing())),
        ("freeze", Values::of(&freeze())),
    ]
}

fn load(line: &str) -> Result<Policy, String> {
    let text = line.replace("\\n", "\n");
    let then = Decision::ALL.into_iter().find_map(|decision| {
        let rest = text.strip_prefix(&format!("[{decision}] "))?;
        Some((rest.to_owned(), Some(decision)))
    });
    let (expression, then) = then.unwrap_or((text, None));
    Policy::new("p", &expression, then).map_err(|error| error.to_string())
}

fn said(line: &str, situations: &[(&str, Values)]) -> String {
    let policy = match load(line) {
        Ok(policy) => policy,
        Err(error) => return format!("  ! {error}"),
    };
    let mut said = "  =".to_owned();
    for (name, values) in situations {
        let word = match policy.ask(values).outcome {
            Outcome::Decided(decision) => decision.name(),
            Outcome::Inconclusive { .. } => "?",
        };
        said.push_str(&format!(" {name} {word}"));
    }
    said
}

fn policies() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("  "))
}

#[test]
fn every_policy_of_the_table_is_refused_or_answers_as_it_says() {
    let situations = situations();
    let mut actual = String::new();
    for line in TABLE.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(actual, "{line}").unwrap();
        if !line.is_empty() && !line.starts_with('#') {
            writeln!(actual, "{}", said(line, &situations)).unwrap();
        }
    }
    assert!(policies().count() >= 200, "{} policies", policies().count());
    if std::env::var_os("SERIN_TABLE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies.txt"), &actual).unwrap();
    }
    for (line, (found, expected)) in actual.lines().zip(TABLE.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", line + 1);
    }
    assert_eq!(actual.lines().count(), TABLE.lines().count());
}

/// The bound on steps is one on time: the costliest that is taken, over the largest context, in a debug build on a busy machine.
#[test]
fn no_policy_that_is_taken_takes_long() {
    let mut largest = regressed();
    let reason = largest.reasons[0].clone();
    largest.reasons = vec![reason; 10 * bounds::ENTRIES];
    for index in 0..10 * bounds::ENTRIES {
        let name = format!("component-{index}");
        largest
            .components
            .insert(name.clone(), ComponentFacts { verdict: "healthy", ..ComponentFacts::default() });
        largest.health.insert(name.clone(), "healthy".to_owned());
        largest.triggers.insert(name, "quiet".to_owned());
    }
    let values = Values::of(&largest);
    let slowest = policies().filter_map(|line| {
        let policy = load(line).ok()?;
        let began = Instant::now();
        let _ = policy.ask(&values);
        Some((began.elapsed(), line))
    });
    let (longest, line) = slowest.max().unwrap();
    assert!(longest < Duration::from_millis(250), "{longest:?}: {line}");
}

/// On a small stack, whatever it nests.
#[test]
fn no_expression_within_the_bounds_exhausts_the_stack() {
    let repeated = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("", "1", "+1"),
        ("", "a", ".a"),
        ("true?1:", "1", ""),
        ("", "reasons", ".filter(r,true)"),
        ("", "true", "&&true"),
        ("{1:", "1", "}"),
        ("a(", "1", ")"),
        ("", "a", "[1]"),
        ("", "a", "()"),
        ("\"", "", "\""),
        ("", "1", "?"),
        ("`", "a", "`"),
    ];
    let run = move || {
        for (before, middle, after) in repeated {
            for count in [10, 39, 40, 41, 100, 500, 1_000, 2_000] {
                let text = format!("{}{middle}{}", before.repeat(count), after.repeat(count));
                if text.len() <= bounds::EXPRESSION_BYTES {
                    let _ = Policy::new("p", &text, None);
                }
            }
        }
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(run).unwrap().join().unwrap();
}
