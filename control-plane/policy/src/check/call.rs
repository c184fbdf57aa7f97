//! Calls: operators, and the few functions that policies have.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, operators};

use super::{Checked, Checker, short};
use crate::error::{PolicyError, PolicyRule};
use crate::schema::{Scalar, Type};

/// What can be called.
const FUNCTIONS: &str =
    "all, contains, double, endsWith, exists, exists_one, filter, has, int, map, size, startsWith";

impl Checker<'_> {
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Result<Checked, PolicyError> {
        let CallExpr { func_name, target, args } = call;
        let function = func_name.as_str();
        match (function, target.as_deref(), args.as_slice()) {
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                self.conditional(expr, [condition, yes, no])
            }
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, None, [one]) => {
                let checked = self.condition(one, function)?;
                Ok(Checked::one(Scalar::Bool, 1 + checked.steps))
            }
            (operators::NEGATE, None, [one]) => self.negated(one),
            ("size", None, [one]) | ("size", Some(one), []) => self.size(expr, one),
            ("int" | "double", None, [one]) => self.number(expr, function, one),
            ("startsWith" | "endsWith" | "contains", Some(one), [two]) => {
                let (one, two) = (self.text(one, function)?, self.text(two, function)?);
                Ok(Checked::one(Scalar::Bool, 4 + one + two))
            }
            (function, None, [left, right]) if is_operator(function) => {
                self.binary(expr, function, [left, right])
            }
            (function, ..) if is_operator(function) => {
                self.unsupported(expr, &format!("{:?}", super::operator::sign(function)))
            }
            (
                "size" | "int" | "double" | "startsWith" | "endsWith" | "contains" | "all" | "exists"
                | "exists_one" | "filter" | "map" | "has",
                ..,
            ) => self.unsupported(expr, &format!("{function} with these arguments")),
            (function, ..) => {
                let (name, known) = (short(function), FUNCTIONS.to_owned());
                Err(self.at(expr, PolicyRule::Unknown { what: "function", name, known }))
            }
        }
    }

    fn negated(&mut self, one: &IdedExpr) -> Result<Checked, PolicyError> {
        let checked = self.expression(one)?;
        match checked.of {
            Type::One(of @ (Scalar::Int | Scalar::Double)) => Ok(Checked::one(of, 1 + checked.steps)),
            of @ (Type::One(_) | Type::List(_) | Type::Map(_)) => Err(self.wants(one, "-", "a number", of)),
        }
    }

    fn size(&mut self, expr: &IdedExpr, one: &IdedExpr) -> Result<Checked, PolicyError> {
        let checked = self.expression(one)?;
        match checked.of {
            Type::List(_) | Type::Map(_) | Type::One(Scalar::Text | Scalar::Word(_)) => {
                Ok(Checked::one(Scalar::Int, 4 + checked.steps))
            }
            of @ Type::One(_) => Err(self.wants(expr, "size", "a list, a map or a text", of)),
        }
    }

    fn number(&mut self, expr: &IdedExpr, function: &str, one: &IdedExpr) -> Result<Checked, PolicyError> {
        let checked = self.expression(one)?;
        let becomes = if function == "int" { Scalar::Int } else { Scalar::Double };
        match checked.of {
            Type::One(Scalar::Int | Scalar::Double) => Ok(Checked::one(becomes, 1 + checked.steps)),
            of @ (Type::One(_) | Type::List(_) | Type::Map(_)) => {
                Err(self.wants(expr, function, "a number", of))
            }
        }
    }

    /// The steps of a text.
    fn text(&mut self, expr: &IdedExpr, function: &str) -> Result<u64, PolicyError> {
        let checked = self.expression(expr)?;
        if checked.of == Type::One(Scalar::Text) {
            Ok(checked.steps)
        } else {
            Err(self.wants(expr, function, "a text", checked.of))
        }
    }
}

fn is_operator(function: &str) -> bool {
    function.contains('_') && !function.starts_with(|character: char| character.is_ascii_alphabetic())
        || function == operators::IN
}
