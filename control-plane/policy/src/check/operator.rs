//! Operators: what they join, and what comes of it.

use cel::IdedExpr;
use cel::common::ast::{Expr, operators};

use super::{Checked, Checker, join, short, text, words};
use crate::error::{PolicyError, PolicyRule};
use crate::schema::{Scalar, Type};

/// How an operator is written.
pub(super) fn sign(function: &str) -> String {
    function.trim_matches('_').trim_start_matches('@').to_owned()
}

impl Checker<'_> {
    pub(super) fn mixed<T>(
        &self,
        expr: &IdedExpr,
        function: &str,
        (left, right): (Type, Type),
    ) -> Result<T, PolicyError> {
        let (left, right) = (left.to_string(), right.to_string());
        Err(self.at(expr, PolicyRule::Mixed { of: sign(function), left, right }))
    }

    pub(super) fn wants(
        &self,
        expr: &IdedExpr,
        function: &str,
        expected: &'static str,
        found: Type,
    ) -> PolicyError {
        self.at(expr, PolicyRule::Type { of: sign(function), expected, found: found.to_string() })
    }

    pub(super) fn conditional(
        &mut self,
        expr: &IdedExpr,
        [condition, yes, no]: [&IdedExpr; 3],
    ) -> Result<Checked, PolicyError> {
        let asked = self.condition(condition, "? :")?;
        let (left, right) = (self.expression(yes)?, self.expression(no)?);
        let joined = match (left.of, right.of) {
            (Type::One(one), Type::One(two)) => join(one, two).map(Type::One),
            (Type::List(one), Type::List(two)) => join(one, two).map(Type::List),
            (Type::One(_) | Type::List(_) | Type::Map(_), _) => None,
        };
        let Some(of) = joined else {
            return self.mixed(expr, "? :", (left.of, right.of));
        };
        let steps = 1 + asked.steps + left.steps.max(right.steps);
        Ok(Checked { of, steps, entries: left.entries.max(right.entries) })
    }

    pub(super) fn condition(&mut self, expr: &IdedExpr, function: &str) -> Result<Checked, PolicyError> {
        let checked = self.expression(expr)?;
        if checked.of == Type::One(Scalar::Bool) {
            Ok(checked)
        } else {
            Err(self.wants(expr, function, "a condition", checked.of))
        }
    }

    pub(super) fn binary(
        &mut self,
        expr: &IdedExpr,
        function: &str,
        [left, right]: [&IdedExpr; 2],
    ) -> Result<Checked, PolicyError> {
        if let operators::LOGICAL_AND | operators::LOGICAL_OR = function {
            let steps = self.condition(left, function)?.steps + self.condition(right, function)?.steps;
            return Ok(Checked::one(Scalar::Bool, 1 + steps));
        }
        let (one, two) = (self.expression(left)?, self.expression(right)?);
        let steps = 1 + one.steps.saturating_add(two.steps);
        let pair = (one.of, two.of);
        match function {
            operators::EQUALS | operators::NOT_EQUALS => {
                self.word((left, one.of), right)?;
                self.word((right, two.of), left)?;
                if are_equal(pair) {
                    Ok(Checked::one(Scalar::Bool, steps))
                } else {
                    self.mixed(expr, function, pair)
                }
            }
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                if are_ordered(pair) {
                    Ok(Checked::one(Scalar::Bool, steps))
                } else {
                    self.mixed(expr, function, pair)
                }
            }
            operators::IN => {
                self.word((left, one.of), right)?;
                let is_so = match pair {
                    (Type::One(key), Type::Map(_)) => key == Scalar::Text,
                    (Type::One(one), Type::List(two)) => !is_object(one) && join(one, two).is_some(),
                    (Type::One(_) | Type::List(_) | Type::Map(_), _) => false,
                };
                let steps = steps + two.entries;
                if is_so { Ok(Checked::one(Scalar::Bool, steps)) } else { self.mixed(expr, function, pair) }
            }
            operators::INDEX => self.index(expr, (one, two), steps),
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO => self.arithmetic(expr, function, (left, pair), steps),
            _ => self.unsupported(expr, &format!("{:?}", sign(&short(function)))),
        }
    }

    /// Numbers of one kind; lists only where a loop builds one.
    fn arithmetic(
        &self,
        expr: &IdedExpr,
        function: &str,
        (left, pair): (&IdedExpr, (Type, Type)),
        steps: u64,
    ) -> Result<Checked, PolicyError> {
        match pair {
            (Type::One(Scalar::Int), Type::One(Scalar::Int)) => Ok(Checked::one(Scalar::Int, steps)),
            (Type::One(Scalar::Double), Type::One(Scalar::Double)) if function != operators::MODULO => {
                Ok(Checked::one(Scalar::Double, steps))
            }
            (Type::List(one), Type::List(two)) if is_accumulator(left) => match join(one, two) {
                Some(of) => Ok(Checked { of: Type::List(of), ..self.longer(steps, left) }),
                None => self.mixed(expr, function, pair),
            },
            (Type::One(_) | Type::List(_) | Type::Map(_), _) => self.mixed(expr, function, pair),
        }
    }

    /// A list that a loop builds.
    fn longer(&self, steps: u64, accumulator: &IdedExpr) -> Checked {
        let entries = match &accumulator.expr {
            Expr::Ident(name) => self.bound(name).map_or(0, |bound| bound.entries),
            Expr::Literal(_)
            | Expr::Select(_)
            | Expr::Call(_)
            | Expr::List(_)
            | Expr::Comprehension(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => 0,
        };
        Checked { of: Type::List(Scalar::Any), steps, entries }
    }

    fn index(
        &self,
        expr: &IdedExpr,
        (of, key): (Checked, Checked),
        steps: u64,
    ) -> Result<Checked, PolicyError> {
        match (of.of, key.of) {
            (Type::Map(of), Type::One(Scalar::Text | Scalar::Word(_)))
            | (Type::List(of), Type::One(Scalar::Int)) => Ok(Checked::one(of, steps)),
            (Type::Map(_), found) => Err(self.wants(expr, "[ ]", "a text as the key of a map", found)),
            (Type::List(_), found) => {
                Err(self.wants(expr, "[ ]", "a whole number as the place in a list", found))
            }
            (found @ Type::One(_), _) => Err(self.wants(expr, "[ ]", "a list or a map", found)),
        }
    }

    /// A value that is one of a few words is compared with one of these.
    fn word(&self, (_, of): (&IdedExpr, Type), with: &IdedExpr) -> Result<(), PolicyError> {
        let Some(words) = words(of) else { return Ok(()) };
        let elements: Vec<&IdedExpr> = match &with.expr {
            Expr::List(list) => list.elements.iter().collect(),
            Expr::Literal(_)
            | Expr::Ident(_)
            | Expr::Select(_)
            | Expr::Call(_)
            | Expr::Comprehension(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => vec![with],
        };
        for element in elements {
            if let Some(word) = text(element).filter(|word| !words.all.contains(word)) {
                let (name, known) = (short(word), words.all.join(", "));
                return Err(self.at(element, PolicyRule::UnknownWord { of: words.of, name, known }));
            }
        }
        Ok(())
    }
}

/// The list that a loop builds: no name that can be written.
fn is_accumulator(expr: &IdedExpr) -> bool {
    matches!(&expr.expr, Expr::Ident(name) if name.starts_with('@'))
}

fn is_number(of: Type) -> bool {
    matches!(of, Type::One(Scalar::Int | Scalar::Double))
}

fn is_object(of: Scalar) -> bool {
    matches!(of, Scalar::Object(_))
}

fn are_equal((one, two): (Type, Type)) -> bool {
    match (one, two) {
        (Type::One(left), Type::One(right)) => {
            is_number(one) && is_number(two) || (left == right && !is_object(left))
        }
        (Type::One(_) | Type::List(_) | Type::Map(_), _) => false,
    }
}

fn are_ordered((one, two): (Type, Type)) -> bool {
    let is_text = |of| of == Type::One(Scalar::Text);
    is_number(one) && is_number(two) || is_text(one) && is_text(two)
}
