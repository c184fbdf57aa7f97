//! Whether the objects that the tests of Kubernetes hooks patch are what the published types of Istio and the Gateway API read.
//!
//! Those tests hold that a patch changes the weights alone, wherever they are; this one holds that they are where the projects say.
//! It is run by hand, as `docs/hooks.md` says, because the types take minutes to compile.

#[cfg(test)]
#[path = "../../../control-plane/hooks/src/kubernetes/tests/objects.rs"]
#[allow(dead_code)]
mod objects;

#[cfg(test)]
mod tests {
    use gateway_api::httproutes::HttpRoute;
    use istio_api_rs::networking::v1::virtual_service::VirtualService;

    use super::objects;

    #[test]
    fn weights_of_a_virtual_service_are_where_istio_reads_them() {
        let read: VirtualService = serde_json::from_value(objects::virtual_service()).unwrap();
        let routes = read.spec.http.unwrap();
        let weights: Vec<Vec<Option<i64>>> = routes
            .iter()
            .map(|route| route.route.iter().flatten().map(|to| to.weight.map(i64::from)).collect())
            .collect();
        assert_eq!(weights, [vec![None], vec![Some(90), Some(10)], vec![None]]);
        let to = &routes[1].route.as_ref().unwrap()[1].destination;
        let destination = serde_json::to_value(to).unwrap();
        assert_eq!((&destination["host"], &destination["subset"]), (&"cart".into(), &"v2".into()));
    }

    #[test]
    fn weights_of_an_http_route_are_where_the_gateway_api_reads_them() {
        let read: HttpRoute = serde_json::from_value(objects::http_route()).unwrap();
        let rules = read.spec.rules.unwrap();
        let refs = rules[0].backend_refs.as_ref().unwrap();
        let weights: Vec<_> = refs.iter().map(|one| (one.name.as_str(), one.weight.map(i64::from))).collect();
        assert_eq!(weights, [("cart-v1", Some(9)), ("cart-v2", None), ("cart-v3", Some(1))]);
    }
}
