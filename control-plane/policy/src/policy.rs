//! One policy: from its text to what it says.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::parser::{ParseErrors, Parser};
use cel::{Context as Scope, Env, IdedExpr, Value};
use serde_json::Value as Json;

use crate::check::{self, Paths, place, short};
use crate::decision::{Answer, Decision, Outcome};
use crate::error::{PolicyError, PolicyRule};
use crate::{Context, bounds};

/// The functions of CEL; what of them a policy may use, the checker says.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));
/// Bytes of a value that an answer tells.
const VALUE_BYTES: usize = 200;

/// A policy that was checked. Equal are those that say the same.
#[derive(Clone)]
pub struct Policy {
    name: String,
    expression: String,
    then: Option<Decision>,
    program: Arc<Program>,
}

struct Program {
    expr: IdedExpr,
    paths: Paths,
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        let Self { name, expression, then, program: _ } = other;
        (&self.name, &self.expression, &self.then) == (name, expression, then)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expression, then, program: _ } = self;
        let mut shown = formatter.debug_struct("Policy");
        shown.field("name", name).field("expression", expression).field("then", then).finish_non_exhaustive()
    }
}

impl Policy {
    /// Checks an expression. Without `then` it says a decision; with it, it is a condition: where it holds, `then` follows, and
    /// else the rollout goes on.
    ///
    /// # Errors
    /// The first rule that it breaks, with its place in the expression.
    pub fn new(name: &str, expression: &str, then: Option<Decision>) -> Result<Self, PolicyError> {
        let at_start = |rule| PolicyError { line: 1, column: 1, rule };
        if expression.trim().is_empty() {
            return Err(at_start(PolicyRule::Empty));
        }
        if expression.len() > bounds::EXPRESSION_BYTES {
            return Err(at_start(PolicyRule::TooLong { limit: bounds::EXPRESSION_BYTES }));
        }
        nesting(expression)?;
        let (expr, source) = parse(expression)?;
        let paths = check::check(&expr, &source, then.is_some())?;
        let program = Arc::new(Program { expr, paths });
        Ok(Self { name: name.to_owned(), expression: expression.to_owned(), then, program })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// What follows where its condition holds. `None`: the expression says it.
    #[must_use]
    pub const fn then(&self) -> Option<Decision> {
        self.then
    }

    /// The values that it reads, as it names them.
    pub fn reads(&self) -> impl Iterator<Item = String> {
        self.program.paths.iter().map(|path| path.join("."))
    }

    /// What follows.
    #[must_use]
    pub fn ask(&self, values: &Values) -> Answer {
        let outcome = match self.evaluate(values) {
            Ok(Value::Bool(holds)) => match self.then.filter(|_| holds) {
                Some(then) => Outcome::Decided(then),
                None => Outcome::Decided(Decision::Continue),
            },
            Ok(Value::String(word)) => match Decision::from_name(&word) {
                Some(decision) => Outcome::Decided(decision),
                None => Outcome::Inconclusive { why: format!("it says {:?}", short(&word)) },
            },
            Ok(_) => Outcome::Inconclusive { why: "it says nothing".to_owned() },
            Err(why) => Outcome::Inconclusive { why },
        };
        let told = self.program.paths.iter().take(bounds::VALUES);
        Answer { outcome, values: told.map(|path| (path.join("."), values.told(path))).collect() }
    }

    fn evaluate(&self, values: &Values) -> Result<Value, String> {
        // An interpreter of others: should it ever panic, one policy is inconclusive, and the rollouts go on.
        let resolved = catch_unwind(AssertUnwindSafe(|| {
            let mut scope = Scope::with_env(Arc::clone(&ENVIRONMENT));
            for (name, value) in &values.roots {
                scope.add_variable_from_value(name.as_str(), value.clone());
            }
            Value::resolve(&self.program.expr, &scope)
        }));
        match resolved {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(error.to_string().chars().take(VALUE_BYTES).collect()),
            Err(_) => Err("the interpreter failed".to_owned()),
        }
    }
}

/// A context as the interpreter takes it, made once and asked by several policies.
pub struct Values {
    roots: Vec<(String, Value)>,
    json: Json,
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(formatter)
    }
}

impl Values {
    /// Of a context. Lists and maps beyond their bound are cut.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let json = serde_json::to_value(context.bounded()).unwrap_or_default();
        let fields = json.as_object().into_iter().flatten();
        let roots = fields.map(|(name, value)| (name.clone(), known(value)));
        Self { roots: roots.collect(), json }
    }

    /// A value as people read it; `-` where there is none.
    fn told(&self, path: &[String]) -> String {
        let found = path.iter().try_fold(&self.json, |at, name| at.get(name));
        match found {
            None => "-".to_owned(),
            Some(Json::String(text)) => text.chars().take(VALUE_BYTES).collect(),
            Some(other) => other.to_string().chars().take(VALUE_BYTES).collect(),
        }
    }
}

/// The interpreter's form of a value.
fn known(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(is_so) => Value::Bool(*is_so),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(all) => Value::List(Arc::new(all.iter().map(known).collect())),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), known(value)));
            Value::Map(fields.collect::<HashMap<String, Value>>().into())
        }
    }
}

/// Refuses what nests so deeply that reading it could exhaust the stack.
fn nesting(expression: &str) -> Result<(), PolicyError> {
    let mut depth = 0_usize;
    for (offset, character) in expression.chars().enumerate() {
        match character {
            '(' | '[' | '{' | '?' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > bounds::DEPTH {
            let (line, column) = place(expression, offset);
            return Err(PolicyError { line, column, rule: PolicyRule::TooDeep { limit: bounds::DEPTH } });
        }
    }
    Ok(())
}

fn parse(expression: &str) -> Result<(IdedExpr, cel::common::ast::SourceInfo), PolicyError> {
    let depth = u16::try_from(2 * bounds::DEPTH).unwrap_or(u16::MAX);
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        Parser::new().max_recursion_depth(depth).error_recovery_limit(1).parse_with_source_info(expression)
    }));
    match parsed {
        Ok(Ok(parsed)) => Ok(parsed),
        Ok(Err(ParseErrors { errors })) => {
            let first = errors.first();
            let (line, column) = first.map_or((1, 1), |error| error.pos);
            let at = |number: isize| u32::try_from(number.max(1)).unwrap_or(1);
            let message = first.map_or("cannot be read", |error| error.msg.as_str());
            let message = message.chars().take(VALUE_BYTES).collect();
            Err(PolicyError { line: at(line), column: at(column), rule: PolicyRule::Syntax { message } })
        }
        Err(_) => {
            let message = "cannot be read".to_owned();
            Err(PolicyError { line: 1, column: 1, rule: PolicyRule::Syntax { message } })
        }
    }
}
