//! The plans of the stories.

use serin_e2e::sample::components;

/// The route that breaks, and its component.
pub(crate) const BROKEN: (&str, &str) = ("/checkout", "checkout");
/// A component that nothing is wrong with.
pub(crate) const SOUND: &str = "cart";

/// A rollout of the shop that judges at once and takes no step by itself.
pub(crate) fn shop(baseline: &str, canary: &str) -> String {
    let components = components(|_| String::new());
    format!(
        "service: shop\nbaseline: {baseline}\ncanary: {canary}\nidentity: {{user: [{{header: x-user-id}}]}}\n\
         warm_up: 1s\nsteps: [{{weight: 25%, bake: 1h}}, {{weight: 50%, bake: 1h}}]\ncomponents:\n{components}"
    )
}
