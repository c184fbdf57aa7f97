//! Rules about a service: arms, weights, identity and routing rules.

use super::text::{self, join};
use super::{AssignmentError, Checked, Rule, bounds, component};
use crate::assignment::types::{
    Anonymous, ArmIndex, Condition, HeaderValue, Identity, IssuedCookie, KeySource, RoutingRule, Salt,
    Service, Share, Train, Weight,
};
use crate::assignment::{BASELINE, raw};

pub(super) fn check(field: &str, raw: raw::Service) -> Checked<Service> {
    text::name(&join(field, "name"), &raw.name)?;
    if let Some(rollout) = &raw.rollout {
        text::name(&join(field, "rollout"), rollout)?;
    }
    let hosts = text::hosts(&join(field, "hosts"), &raw.hosts)?;
    let salt = salt(&join(field, "salt"), &raw.salt)?;
    let (arms, split) = split(&join(field, "split"), raw.split)?;
    let identity = identity(&join(field, "identity"), raw.identity)?;
    let rules = rules(&join(field, "rules"), raw.rules, &arms)?;
    let components = component::check_all(&join(field, "components"), raw.components, &arms)?;
    let train = train(field, raw.train, raw.train_key)?;
    Ok(Service {
        name: raw.name,
        hosts,
        rollout: raw.rollout,
        salt,
        arms,
        split,
        identity,
        rules,
        components,
        train,
        behaviour: raw.behaviour,
    })
}

fn train(field: &str, id: Option<String>, key: Option<String>) -> Checked<Option<Train>> {
    let (id_field, key_field) = (join(field, "train"), join(field, "train_key"));
    let (id, key) = match (id, key) {
        (None, None) => return Ok(None),
        (Some(id), Some(key)) => (id, key),
        (None, Some(_)) => return Err(AssignmentError::new(id_field, Rule::Empty)),
        (Some(_), None) => return Err(AssignmentError::new(key_field, Rule::Empty)),
    };
    text::printable(&id_field, &id)?;
    Ok(Some(Train { key: salt(&key_field, &key)?, id }))
}

fn salt(field: &str, value: &str) -> Checked<Salt> {
    let digits = value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u128::from_str_radix(value, 16) {
        Ok(salt) if digits => Ok(Salt(salt)),
        Ok(_) | Err(_) => Err(text::form(field, value, "32 hexadecimal digits")),
    }
}

fn split(field: &str, raw: Vec<raw::Share>) -> Checked<(Vec<String>, Vec<Share>)> {
    text::at_most(field, raw.len(), bounds::ARMS - 1)?;
    let mut arms = vec![BASELINE.to_owned()];
    let mut shares = Vec::with_capacity(raw.len());
    let mut total = 0_u64;
    for (index, share) in raw.into_iter().enumerate() {
        let arm_field = format!("{field}[{index}].arm");
        text::name(&arm_field, &share.arm)?;
        let weight = text::weight(&format!("{field}[{index}].weight_ppm"), share.weight_ppm)?;
        total += u64::from(weight.ppm());
        let mut arm = ArmIndex::BASELINE;
        // The baseline may have several parts: those that stopped arms left.
        if share.arm != BASELINE {
            if arms.contains(&share.arm) {
                return Err(AssignmentError::new(arm_field, Rule::Duplicate { name: share.arm }));
            }
            arm = ArmIndex(u8::try_from(arms.len()).unwrap_or(u8::MAX));
            arms.push(share.arm);
        }
        shares.push(Share { arm, weight });
    }
    if total > u64::from(Weight::FULL.ppm()) {
        return Err(AssignmentError::new(field, Rule::Overweight { total }));
    }
    Ok((arms, shares))
}

pub(super) fn arm(field: &str, name: &str, arms: &[String]) -> Checked<ArmIndex> {
    arms.iter()
        .position(|arm| arm == name)
        .and_then(|index| u8::try_from(index).ok())
        .map(ArmIndex)
        .ok_or_else(|| {
            AssignmentError::new(field, Rule::UnknownArm { name: name.chars().take(64).collect() })
        })
}

fn identity(field: &str, raw: raw::Identity) -> Checked<Identity> {
    let user = sources(&join(field, "user"), raw.user)?;
    let session = sources(&join(field, "session"), raw.session)?;
    let anonymous = match raw.anonymous {
        raw::Anonymous::Random => Anonymous::Random,
        raw::Anonymous::Baseline => Anonymous::Baseline,
        raw::Anonymous::IssueCookie(cookie) => {
            let field = join(field, "anonymous.issue_cookie");
            let name = text::cookie_name(&join(&field, "name"), &cookie.name)?;
            text::in_range(&join(&field, "max_age_s"), cookie.max_age_s.into(), 1, 34_560_000)?;
            if !session.contains(&KeySource::Cookie(name.clone())) {
                return Err(AssignmentError::new(join(&field, "name"), Rule::CookieNotRead { name }));
            }
            Anonymous::IssueCookie(IssuedCookie { name, max_age_s: cookie.max_age_s })
        }
    };
    Ok(Identity { user, session, anonymous })
}

fn sources(field: &str, raw: Vec<raw::KeySource>) -> Checked<Vec<KeySource>> {
    text::at_most(field, raw.len(), bounds::MATCHES)?;
    raw.into_iter()
        .enumerate()
        .map(|(index, source)| match source {
            raw::KeySource::Header(name) => {
                text::header_name(&format!("{field}[{index}].header"), &name).map(KeySource::Header)
            }
            raw::KeySource::Cookie(name) => {
                text::cookie_name(&format!("{field}[{index}].cookie"), &name).map(KeySource::Cookie)
            }
        })
        .collect()
}

fn rules(field: &str, raw: Vec<raw::RoutingRule>, arms: &[String]) -> Checked<Vec<RoutingRule>> {
    text::at_most(field, raw.len(), bounds::RULES)?;
    let rules = raw
        .into_iter()
        .enumerate()
        .map(|(index, rule)| {
            let field = format!("{field}[{index}]");
            let share = match rule.share_ppm {
                Some(ppm) => text::weight(&join(&field, "share_ppm"), ppm)?,
                None => Weight::FULL,
            };
            let arm = arm(&join(&field, "arm"), &rule.arm, arms)?;
            Ok(RoutingRule { when: condition(&join(&field, "when"), rule.when)?, arm, share })
        })
        .collect::<Checked<Vec<_>>>()?;
    Ok([0, 1, 2]
        .into_iter()
        .flat_map(|class| rules.iter().filter(move |rule| class_of(rule) == class))
        .cloned()
        .collect())
}

/// Rules of a lower class come first, each class in the order given.
fn class_of(rule: &RoutingRule) -> u8 {
    match rule.when {
        Condition::Header(..) | Condition::Cookie(..) => 0,
        Condition::Users(..) | Condition::Attribute(..) => 1,
        Condition::Geo(..) => 2,
    }
}

fn condition(field: &str, raw: raw::Condition) -> Checked<Condition> {
    let header = |field: &str, raw: &raw::HeaderMatch| -> Checked<(String, HeaderValue)> {
        Ok((text::header_name(&join(field, "name"), &raw.name)?, text::header_value(field, raw)?))
    };
    match raw {
        raw::Condition::Header(raw) => {
            let (name, value) = header(&join(field, "header"), &raw)?;
            Ok(Condition::Header(name, value))
        }
        raw::Condition::Attribute(raw) => {
            let (name, value) = header(&join(field, "attribute"), &raw)?;
            Ok(Condition::Attribute(name, value))
        }
        raw::Condition::Cookie(raw) => {
            let field = join(field, "cookie");
            let name = text::cookie_name(&join(&field, "name"), &raw.name)?;
            Ok(Condition::Cookie(name, text::header_value(&field, &raw)?))
        }
        raw::Condition::Users(users) => {
            let field = join(field, "users");
            list(&field, &users)?;
            Ok(Condition::Users(text::sorted(users.into_iter().map(Ok))?))
        }
        raw::Condition::Geo(geo) => {
            let field = join(field, "geo");
            let header = text::header_name(&join(&field, "header"), &geo.header)?;
            list(&join(&field, "values"), &geo.values)?;
            let places = geo.values.iter().map(|value| Ok(value.to_ascii_uppercase()));
            Ok(Condition::Geo(header, text::sorted(places)?))
        }
    }
}

fn list(field: &str, values: &[String]) -> Checked<()> {
    text::at_most(field, values.len(), bounds::LIST)?;
    if values.is_empty() {
        return Err(AssignmentError::new(field, Rule::Empty));
    }
    values
        .iter()
        .enumerate()
        .try_for_each(|(index, value)| text::printable(&format!("{field}[{index}]"), value))
}
