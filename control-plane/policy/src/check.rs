//! The checker: what an expression means, before it is ever evaluated.
//!
//! It walks the parsed tree once and gives each node a type, the steps that it may take at the most, and the entries that it
//! may hold. CEL has no loops but those over lists and maps, and the context's have a bound, so the steps can be added up
//! beforehand: what exceeds the bound is refused, and nothing needs to be stopped while it runs.

mod call;
mod operator;

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, ListExpr, LiteralValue, SelectExpr, SourceInfo};

use crate::error::{PolicyError, PolicyRule};
use crate::schema::{ROOT, Scalar, Type, Words};
use crate::{Decision, bounds};

/// What is known of a part of an expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    of: Type,
    /// Steps of evaluating it, at most.
    steps: u64,
    /// Entries of the list or map that it gives, at most.
    entries: u64,
}

impl Checked {
    const fn one(of: Scalar, steps: u64) -> Self {
        Self { of: Type::One(of), steps, entries: 0 }
    }
}

/// What an expression reads: paths through the context.
pub(crate) type Paths = BTreeSet<Vec<String>>;

/// Checks that an expression says a decision, or, with `condition`, whether something is so.
pub(crate) fn check(expr: &IdedExpr, source: &SourceInfo, condition: bool) -> Result<Paths, PolicyError> {
    let mut checker = Checker { source, scope: Vec::new(), paths: Paths::new(), depth: 0 };
    let Checked { of, steps, .. } = checker.expression(expr)?;
    let is_right = of == Type::One(if condition { Scalar::Bool } else { Scalar::Text });
    if !is_right {
        let found = of.to_string();
        let rule =
            if condition { PolicyRule::NotACondition { found } } else { PolicyRule::NotADecision { found } };
        return Err(checker.at(expr, rule));
    }
    if !condition {
        checker.decision(expr)?;
    }
    if steps > bounds::STEPS {
        return Err(checker.at(expr, PolicyRule::TooCostly { steps, limit: bounds::STEPS }));
    }
    Ok(checker.paths)
}

/// The line and column of a place in characters.
pub(crate) fn place(source: &str, offset: usize) -> (u32, u32) {
    let (mut line, mut column) = (1, 1);
    for character in source.chars().take(offset) {
        if character == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    (line, column)
}

/// A text from a policy, shortened for a message.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

struct Checker<'a> {
    source: &'a SourceInfo,
    /// Variables of the loops around, the innermost last.
    scope: Vec<(String, Checked)>,
    paths: Paths,
    depth: usize,
}

impl Checker<'_> {
    fn at(&self, expr: &IdedExpr, rule: PolicyRule) -> PolicyError {
        let offset = self.source.offset_for(expr.id).map_or(0, |(start, _)| start as usize);
        let (line, column) = place(&self.source.source, offset);
        PolicyError { line, column, rule }
    }

    fn unsupported<T>(&self, expr: &IdedExpr, what: &str) -> Result<T, PolicyError> {
        Err(self.at(expr, PolicyRule::Unsupported { what: what.to_owned() }))
    }

    fn expression(&mut self, expr: &IdedExpr) -> Result<Checked, PolicyError> {
        if self.depth >= bounds::DEPTH {
            return Err(self.at(expr, PolicyRule::TooDeep { limit: bounds::DEPTH }));
        }
        self.depth += 1;
        let checked = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.variable(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => self.list(expr, list),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Map(_) => self.unsupported(expr, "a map that is written out"),
            Expr::Struct(_) => self.unsupported(expr, "a structure"),
            Expr::Unspecified => self.unsupported(expr, "an empty expression"),
        };
        self.depth -= 1;
        checked
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Result<Checked, PolicyError> {
        match literal {
            LiteralValue::Boolean(_) => Ok(Checked::one(Scalar::Bool, 1)),
            LiteralValue::Int(_) => Ok(Checked::one(Scalar::Int, 1)),
            LiteralValue::Double(_) => Ok(Checked::one(Scalar::Double, 1)),
            LiteralValue::String(_) => Ok(Checked::one(Scalar::Text, 1)),
            LiteralValue::UInt(_) => self.unsupported(expr, "an unsigned number"),
            LiteralValue::Bytes(_) => self.unsupported(expr, "bytes"),
            LiteralValue::Null => self.unsupported(expr, "null (has(…) asks whether there is a value)"),
        }
    }

    fn bound(&self, name: &str) -> Option<Checked> {
        self.scope.iter().rev().find(|(bound, _)| bound == name).map(|(_, checked)| *checked)
    }

    fn variable(&mut self, expr: &IdedExpr, name: &str) -> Result<Checked, PolicyError> {
        if let Some(bound) = self.bound(name) {
            return Ok(Checked { steps: 1, ..bound });
        }
        let Some(field) = ROOT.field(name) else {
            let rule = PolicyRule::Unknown { what: "variable", name: short(name), known: ROOT.known() };
            return Err(self.at(expr, rule));
        };
        if !matches!(field.of, Type::One(Scalar::Object(_))) {
            self.paths.insert(vec![name.to_owned()]);
        }
        Ok(sized(field.of))
    }

    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Result<Checked, PolicyError> {
        let path = chain(expr).filter(|path| path.first().is_some_and(|root| self.bound(root).is_none()));
        let before = self.paths.clone();
        let operand = self.expression(&select.operand)?;
        let of = match operand.of {
            Type::One(Scalar::Object(object)) => {
                let Some(field) = object.field(&select.field) else {
                    let (name, known) = (short(&select.field), object.known());
                    return Err(self.at(expr, PolicyRule::Unknown { what: "field", name, known }));
                };
                field.of
            }
            Type::Map(of) => Type::One(of),
            Type::One(_) | Type::List(_) => {
                let (of, found) = (format!(".{}", short(&select.field)), operand.of.to_string());
                return Err(self.at(expr, PolicyRule::Type { of, expected: "something with fields", found }));
            }
        };
        // The whole way is told, and not each part of it.
        if let Some(path) = path {
            self.paths = before;
            if select.test || !matches!(of, Type::One(Scalar::Object(_))) {
                self.paths.insert(path);
            }
        }
        let checked = if select.test { Checked::one(Scalar::Bool, 1) } else { sized(of) };
        Ok(Checked { steps: checked.steps + operand.steps, ..checked })
    }

    fn list(&mut self, expr: &IdedExpr, list: &ListExpr) -> Result<Checked, PolicyError> {
        let (mut of, mut steps) = (Scalar::Any, 1);
        for element in &list.elements {
            let checked = self.expression(element)?;
            steps += checked.steps;
            let Type::One(scalar) = checked.of else {
                return self.unsupported(element, "a list within a list");
            };
            let Some(joined) = join(of, scalar) else {
                let (left, right) = (of.to_string(), scalar.to_string());
                return Err(self.at(expr, PolicyRule::Mixed { of: "a list".to_owned(), left, right }));
            };
            of = joined;
        }
        let entries = list.elements.len() as u64;
        Ok(Checked { of: Type::List(of), steps: steps + entries, entries })
    }

    /// What the macros `all`, `exists`, `exists_one`, `filter` and `map` become.
    fn comprehension(&mut self, expr: &IdedExpr, of: &ComprehensionExpr) -> Result<Checked, PolicyError> {
        let range = self.expression(&of.iter_range)?;
        let item = match range.of {
            Type::List(item) => item,
            Type::Map(_) => Scalar::Text,
            Type::One(_) => {
                let (of, found) = ("a loop".to_owned(), range.of.to_string());
                return Err(self.at(expr, PolicyRule::Type { of, expected: "a list or a map", found }));
            }
        };
        if of.iter_var2.is_some() {
            return self.unsupported(expr, "a loop over two variables");
        }
        let init = self.expression(&of.accu_init)?;
        let kept = Checked { entries: range.entries, ..init };
        self.scope.push((of.accu_var.clone(), kept));
        self.scope.push((of.iter_var.clone(), Checked::one(item, 1)));
        let checked = self.round(expr, of, kept);
        self.scope.truncate(self.scope.len().saturating_sub(2));
        let (step, round) = checked?;
        let accumulated = Checked { of: step.of, entries: range.entries, steps: 1 };
        self.scope.push((of.accu_var.clone(), accumulated));
        let result = self.expression(&of.result);
        self.scope.pop();
        let result = result?;
        let rounds = range.entries.saturating_mul(round);
        let steps = range.steps.saturating_add(rounds).saturating_add(init.steps + result.steps);
        Ok(Checked { steps, ..result })
    }

    /// One round of a loop: what it leaves, and the steps that it takes.
    fn round(
        &mut self,
        expr: &IdedExpr,
        of: &ComprehensionExpr,
        kept: Checked,
    ) -> Result<(Checked, u64), PolicyError> {
        let goes_on = self.expression(&of.loop_cond)?;
        let step = self.expression(&of.loop_step)?;
        let fits = match (kept.of, step.of) {
            (Type::One(before), Type::One(after)) => before == after,
            (Type::List(before), Type::List(after)) => join(before, after).is_some(),
            (Type::One(_) | Type::List(_) | Type::Map(_), _) => false,
        };
        if !fits {
            let (left, right) = (kept.of.to_string(), step.of.to_string());
            return Err(self.at(expr, PolicyRule::Mixed { of: "a loop".to_owned(), left, right }));
        }
        Ok((step, goes_on.steps.saturating_add(step.steps).saturating_add(1)))
    }

    /// Each end of the expression is a decision that is written out, so that it never says anything else.
    fn decision(&self, expr: &IdedExpr) -> Result<(), PolicyError> {
        if let Expr::Call(call) = &expr.expr
            && let ("_?_:_", [_, yes, no]) = (call.func_name.as_str(), call.args.as_slice())
        {
            self.decision(yes)?;
            return self.decision(no);
        }
        let found = match text(expr) {
            Some(word) if Decision::from_name(word).is_some() => return Ok(()),
            Some(word) => format!("{:?}", short(word)),
            None => "a text that is not written out".to_owned(),
        };
        Err(self.at(expr, PolicyRule::NotADecision { found }))
    }
}

/// A value of the context.
const fn sized(of: Type) -> Checked {
    match of {
        Type::One(of) => Checked::one(of, 1),
        Type::List(_) | Type::Map(_) => {
            let entries = bounds::ENTRIES as u64;
            Checked { of, steps: 1, entries }
        }
    }
}

/// The type of both. `None`: there is none.
fn join(one: Scalar, two: Scalar) -> Option<Scalar> {
    match (one, two) {
        (Scalar::Any, other) | (other, Scalar::Any) => Some(other),
        (one, two) => (one == two).then_some(one),
    }
}

/// The text of a literal.
fn text(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::Select(_)
        | Expr::Call(_)
        | Expr::List(_)
        | Expr::Comprehension(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Unspecified => None,
    }
}

/// The names of a way through the context, the root first.
fn chain(expr: &IdedExpr) -> Option<Vec<String>> {
    let (mut names, mut at) = (Vec::new(), &expr.expr);
    loop {
        match at {
            Expr::Select(SelectExpr { operand, field, .. }) => {
                names.push(field.clone());
                at = &operand.expr;
            }
            Expr::Ident(root) => {
                names.push(root.clone());
                names.reverse();
                return Some(names);
            }
            Expr::Literal(_)
            | Expr::Call(_)
            | Expr::List(_)
            | Expr::Comprehension(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => return None,
        }
    }
}

/// The words that a value may be.
fn words(of: Type) -> Option<&'static Words> {
    match of {
        Type::One(Scalar::Word(words)) | Type::List(Scalar::Word(words)) => Some(words),
        Type::One(_) | Type::List(_) | Type::Map(_) => None,
    }
}
