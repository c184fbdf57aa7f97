//! The routes of the shop.

/// The routes that are counted apart; `{id}` stands for any one segment.
pub const ROUTES: [&str; 10] = [
    "/home",
    "/search",
    "/products/{id}",
    "/cart",
    "/checkout",
    "/orders/{id}",
    "/account",
    "/login",
    "/recommendations",
    "/reviews/{id}",
];
/// A gRPC method, called as any gRPC client would.
pub const GRPC_METHOD: &str = "/sample.v1.SampleService/Call";
/// The WebSocket echo.
pub const WEBSOCKET: &str = "/echo";
/// Everything else.
pub const OTHER: &str = "other";

/// The routes as components of a plan, a line of YAML each. `more` is what stands beside a component's name and matches, for
/// example `, depends_on: [cart]`.
pub fn components(more: impl Fn(&str) -> String) -> String {
    let component = |route: &&str| {
        let path = if route.contains('{') { "template" } else { "exact" };
        let name = route.trim_start_matches('/').trim_end_matches("/{id}");
        format!("- {{name: {name}, matches: [{{path: {{{path}: \"{route}\"}}}}]{}}}\n", more(name))
    };
    ROUTES.iter().map(component).collect()
}

/// The route that `path`, without its query, belongs to.
pub(super) fn of(path: &str) -> &'static str {
    ROUTES.into_iter().chain([GRPC_METHOD, WEBSOCKET]).find(|route| matches(route, path)).unwrap_or(OTHER)
}

fn matches(route: &str, path: &str) -> bool {
    match route.strip_suffix("{id}") {
        None => route == path,
        Some(prefix) => path.strip_prefix(prefix).is_some_and(|id| !id.is_empty() && !id.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_its_route_or_to_the_rest() {
        for (path, route) in [
            ("/home", "/home"),
            ("/products/7", "/products/{id}"),
            ("/products/", OTHER),
            ("/products/7/x", OTHER),
            ("/nowhere", OTHER),
            (GRPC_METHOD, GRPC_METHOD),
        ] {
            assert_eq!(of(path), route, "{path}");
        }
    }
}
