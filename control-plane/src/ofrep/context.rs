//! What a caller says about itself, out of the body of a request.
//!
//! Three attributes of the evaluation context are read: `service`, `arm` and `version`. All else, the targeting key and
//! its user included, is neither read nor kept. Any bytes give a context or a failure.

use serde_json::Value;
use serin_proto::assignment::{BASELINE, CANARY};

use super::failure::{Failure, quoted};

/// Where a caller runs, as far as it says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// Service whose blocks are meant.
    pub service: Option<String>,
    /// Endpoint at which it runs.
    pub arm: Option<Arm>,
    /// Version of the service that it is.
    pub version: Option<String>,
}

/// An arm of a rollout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arm {
    /// The older version's endpoint.
    Baseline,
    /// The endpoint of the version on trial.
    Canary,
}

impl Context {
    /// Reads the body of an evaluation request. Providers send no `context` where the application gave none.
    ///
    /// # Errors
    /// PARSE_ERROR when it is not a JSON object, INVALID_CONTEXT when the context is not as it must be.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let document = serde_json::from_slice(body)
            .map_err(|error| Failure::parse_error(format!("body: must be a JSON object: {error}")))?;
        let Value::Object(document) = document else {
            return Err(Failure::parse_error("body: must be a JSON object".to_owned()));
        };
        let context = match document.get("context") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(context) => context.as_object(),
        };
        let context =
            context.ok_or_else(|| Failure::invalid_context("context: must be an object".to_owned()))?;
        let text = |name| text(name, context.get(name));
        let arm = text("arm")?.map(|arm| Arm::parse(&arm)).transpose()?;
        Ok(Self { service: text("service")?, arm, version: text("version")? })
    }
}

impl Arm {
    fn parse(name: &str) -> Result<Self, Failure> {
        match name {
            BASELINE => Ok(Self::Baseline),
            CANARY => Ok(Self::Canary),
            _ => {
                let rule =
                    format!("context.arm: must be \"{BASELINE}\" or \"{CANARY}\", not {}", quoted(name));
                Err(Failure::invalid_context(rule))
            }
        }
    }
}

/// A text that is there. An empty one is what an unset variable of an environment becomes: it says nothing.
fn text(name: &str, value: Option<&Value>) -> Result<Option<String>, Failure> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Failure::invalid_context(format!("context.{name}: must be a string")))
        }
    }
}
