//! Triggers, queries and health checks.

use std::fmt::{self, Write};

use serin_rollout::outside::Outside;

use super::Text;

pub(super) fn readings(page: &mut String, outside: &Outside) -> fmt::Result {
    if outside.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<table><thead><tr><th>Outside</th><th>State</th><th>Of</th><th>What</th></tr></thead><tbody>",
    );
    for one in &outside.triggers {
        row(page, ("trigger", &one.name), one.state.name(), one.component.as_deref(), &one.text)?;
    }
    for one in &outside.queries {
        let state = if one.value.is_some() { "value" } else { "nothing" };
        let value = one.value.map(|value| format!("its value is {value}"));
        let text = one.error.clone().or(value).unwrap_or_else(|| "no value comes".to_owned());
        row(page, ("query", &one.name), state, None, &text)?;
    }
    for one in &outside.health {
        row(page, ("health check", &one.check), one.state.name(), one.component.as_deref(), &one.text)?;
    }
    page.push_str("</tbody></table>");
    Ok(())
}

fn row(page: &mut String, of: (&str, &str), state: &str, component: Option<&str>, text: &str) -> fmt::Result {
    let (kind, name) = of;
    let component = component.unwrap_or("the version");
    write!(
        page,
        "<tr><td>{kind} {}</td><td>{state}</td><td>{}</td><td>{}</td></tr>",
        Text(name),
        Text(component),
        Text(text)
    )
}
