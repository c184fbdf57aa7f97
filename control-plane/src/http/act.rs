//! What people do through pages. Each act is the command that gRPC sends, by the same name, and refused in the same words.

use std::collections::BTreeMap;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serin_dashboard::confirm::{self, Action, ConfirmPage, approval_of};
use serin_dashboard::radius::Scope;
use serin_dashboard::{Rendered, decision, rollout};
use serin_proto::admin::v1 as api;
use serin_proto::assignment::Weight;
use serin_rollout::Order;
use tonic::Status;

use super::gate::Who;
use super::pages::{self, address};
use super::{Dashboard, problem, sign_in};
use crate::access::Actor;
use crate::admin;
use crate::clock;

/// The fields of a form.
pub(super) type Fields = BTreeMap<String, String>;

/// Who may post this, or why not.
fn permitted(dashboard: &Dashboard, who: &Who, request: &Request) -> Result<Actor, Box<Response>> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let refused = |code, words: &str| Box::new(problem::page(who, address(request.uri()), code, words));
    if let Err(foreign) = dashboard.gate().check_origin(request.headers(), authority, who) {
        return Err(refused(StatusCode::FORBIDDEN, &foreign.to_string()));
    }
    // The same name that the audit log noted.
    match request.extensions().get::<Actor>() {
        Some(actor) => Ok(actor.clone()),
        None if who.session.is_some() => {
            let words = "Your token lets you look, not act: sign in with a token of the admin listener.";
            Err(refused(StatusCode::FORBIDDEN, words))
        }
        None => Err(refused(StatusCode::UNAUTHORIZED, "To act, sign in with a token of the admin listener.")),
    }
}

/// A form that somebody who may act posted.
async fn posted(
    dashboard: &Dashboard,
    who: &Who,
    request: Request,
) -> Result<(Actor, Fields), Box<Response>> {
    let (actor, path) = (permitted(dashboard, who, &request)?, address(request.uri()).to_owned());
    match sign_in::read(request).await {
        Some(fields) => Ok((actor, fields)),
        None => {
            let words = "A form is needed, of at most 16 KiB.";
            Err(Box::new(problem::page(who, &path, StatusCode::BAD_REQUEST, words)))
        }
    }
}

/// `POST /rollouts/ID/ACTION`
pub(super) async fn act(
    State(dashboard): State<Dashboard>,
    Extension(who): Extension<Who>,
    Path((id, action)): Path<(String, String)>,
    request: Request,
) -> Response {
    let path = address(request.uri()).to_owned();
    let (actor, fields) = match posted(&dashboard, &who, request).await {
        Ok(posted) => posted,
        Err(refusal) => return *refusal,
    };
    let ordered = match order(&action, &fields) {
        Ok(order) => {
            let reason = field(&fields, "reason").to_owned();
            dashboard.admin().command(id.clone(), order, reason, actor).await
        }
        Err(status) => Err(status),
    };
    let refused = match ordered {
        Ok(done) => return Redirect::to(&rollout::path(&done.id)).into_response(),
        Err(refused) => refused,
    };
    let asked = Asked { fields: &fields, refusal: Some(refused.message()) };
    match page(&dashboard, &id, &action, asked) {
        Ok(page) => (problem::code(&refused), pages::shown(&who, &path, &page)).into_response(),
        Err(_there_is_no_such_page) => problem::of(&who, &path, &refused),
    }
}

/// `POST /decisions/ID/mark`
pub(super) async fn mark(
    State(dashboard): State<Dashboard>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let path = address(request.uri()).to_owned();
    let (actor, fields) = match posted(&dashboard, &who, request).await {
        Ok(posted) => posted,
        Err(refusal) => return *refusal,
    };
    let said = match field(&fields, "mark") {
        "right" => api::Mark::Right,
        "false_alarm" => api::Mark::FalseAlarm,
        _ => api::Mark::Unspecified,
    };
    let reason = field(&fields, "reason").to_owned();
    let refused = match dashboard.admin().mark(&id, said, reason, actor).await {
        Ok(marked) => return Redirect::to(&decision::path(&marked.id)).into_response(),
        Err(refused) => refused,
    };
    match pages::of_decision(&dashboard, &who, &id, Some(refused.message())).await {
        Ok(page) => (problem::code(&refused), pages::shown(&who, &path, &page)).into_response(),
        Err(_there_is_no_such_page) => problem::of(&who, &path, &refused),
    }
}

/// What is asked for, and why it was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) fields: &'a Fields,
    pub(super) refusal: Option<&'a str>,
}

/// The page that asks whether something is really meant.
pub(super) fn page(
    dashboard: &Dashboard,
    id: &str,
    action: &str,
    asked: Asked<'_>,
) -> Result<Rendered, Status> {
    let Asked { fields, refusal } = asked;
    let action = Action::parse(action, field(fields, "approval"));
    let action = action.ok_or_else(|| Status::not_found("There is no such page."))?;
    let (rollout, known) = (dashboard.admin().rollout(id)?, dashboard.admin().known(None).components);
    let scope = match (field(fields, "component"), field(fields, "block"), field(fields, "arm")) {
        ("", "", "") => Scope::Version,
        ("", "", arm) => Scope::Arm(arm),
        ("", block, _) => Scope::Block(block),
        (component, _, _) => Scope::Component(component),
    };
    Ok(confirm::page(&ConfirmPage {
        rollout: &rollout,
        known: &known,
        action,
        scope,
        refusal,
        reason: field(fields, "reason"),
        weight_percent: field(fields, "weight_percent"),
        now_ms: clock::now().0,
    }))
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map(|value| value.trim()).unwrap_or_default()
}

/// What an address and its form ask for.
fn order(action: &str, fields: &Fields) -> Result<Order, Status> {
    let text = |name: &str| field(fields, name).to_owned();
    Ok(match action {
        "pause" => Order::Pause,
        "resume" => Order::Resume,
        "promote" => Order::Promote,
        "hand-over" => Order::HandOver,
        "override-windows" => Order::OverrideWindows,
        "weight" => Order::SetWeight(weight(field(fields, "weight_percent"))?),
        "rollback" => Order::Rollback { scope: admin::scope(text("component"), text("block"), text("arm"))? },
        "approve" => {
            let approval = approval_of(field(fields, "approval")).unwrap_or_default();
            Order::Approve(admin::approval(approval)?)
        }
        _ => return Err(Status::not_found("There is no such action.")),
    })
}

fn weight(percent: &str) -> Result<Weight, Status> {
    let wrong = || Status::invalid_argument("weight_percent: must be a number from 0 to 100");
    let percent: f64 = percent.trim_end_matches('%').trim_end().parse().map_err(|_| wrong())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(wrong());
    }
    let ppm = (percent * 10_000.0).round() as u32;
    Weight::from_ppm(ppm).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serin_rollout::{Approval, RollbackScope};

    use super::*;

    fn ordered(action: &str, fields: &[(&str, &str)]) -> Result<Order, String> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        order(action, &fields).map_err(|status| status.message().to_owned())
    }

    #[test]
    fn forms_ask_for_what_commands_do() {
        assert_eq!(ordered("pause", &[]).unwrap(), Order::Pause);
        let weight = |percent| ordered("weight", &[("weight_percent", percent)]);
        assert_eq!(weight("12.5 %").unwrap(), Order::SetWeight(Weight::from_ppm(125_000).unwrap()));
        for wrong in ["", "-1", "100.1", "NaN", "inf", "1e9", "ten"] {
            assert!(weight(wrong).unwrap_err().starts_with("weight_percent:"), "{wrong}");
        }
        let scope = RollbackScope::Component("pay".to_owned());
        assert_eq!(
            ordered("rollback", &[("component", "pay"), ("block", "")]).unwrap(),
            Order::Rollback { scope }
        );
        assert!(
            ordered("rollback", &[("component", "pay"), ("block", "tax")]).unwrap_err().starts_with("block:")
        );
        assert_eq!(
            ordered("approve", &[("approval", "drained")]).unwrap(),
            Order::Approve(Approval::Drained)
        );
        assert!(ordered("approve", &[]).unwrap_err().starts_with("approval:"));
        assert!(ordered("delete", &[]).is_err());
    }
}
