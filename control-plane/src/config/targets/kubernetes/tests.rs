use crate::config::Config;

fn parsed(permit: &str, target: &str, insecure: bool) -> Result<Config, String> {
    let text = format!("outside: {{permit: [{permit}]}}\ntargets: {{kubernetes: {{prod: {{{target}}}}}}}\n");
    Config::parse(&text, insecure).map_err(|error| error.to_string())
}

#[test]
fn a_cluster_is_reached_by_its_address_or_by_an_access_file() {
    let folder = tempfile::tempdir().unwrap();
    let (token, file) = (folder.path().join("token"), folder.path().join("config"));
    std::fs::write(&token, "secret").unwrap();
    let access = "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]\n\
                  contexts: [{name: a, context: {cluster: c}}]\n";
    std::fs::write(&file, access).unwrap();
    let by_address = format!(
        "server: {{url: 'https://10.0.0.1:6443', token_file: {}}}, namespaces: [shop, a-1], deadline: 2s",
        token.display()
    );
    let by_file = format!("kubeconfig: {{file: {}, context: a}}, namespaces: [shop]", file.display());
    for target in [by_address, by_file] {
        let config = parsed("10.0.0.0/8", &target, false).unwrap();
        let cluster = config.targets.clusters.get("prod").unwrap();
        assert!(cluster.allows("shop") && !cluster.allows("kube-system"));
        let shown = format!("{cluster:?}");
        assert!(shown.contains("https://10.0.0.1:6443") && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn what_is_wrong_with_a_cluster_is_named_with_its_field() {
    let server = "server: {url: 'https://api.example:6443'}";
    let names = "namespaces: [shop]";
    let many = format!("namespaces: [{}]", vec!["a"; 65].join(", "));
    let one_of = "targets.kubernetes.prod: must have exactly one of kubeconfig, in_cluster and server";
    let count = "targets.kubernetes.prod.namespaces: must name 1 to 64 namespaces";
    let label = "targets.kubernetes.prod.namespaces[1]: must be a label of RFC 1123";
    let deadline = "targets.kubernetes.prod.deadline: must be a duration between 100ms and 1m, such as 10s";
    for (target, words) in [
        (names.to_owned(), one_of),
        (format!("{names}, in_cluster: true, {server}"), one_of),
        (format!("{server}, namespaces: []"), count),
        (format!("{server}, {many}"), count),
        (format!("{server}, namespaces: [shop, '*']"), label),
        (format!("{server}, namespaces: [shop, Shop]"), label),
        (format!("{server}, {names}, deadline: 0s"), deadline),
        (format!("{server}, {names}, deadline: 2m"), deadline),
        (
            format!("{names}, server: {{url: 'http://api.example'}}"),
            "targets.kubernetes.prod.server: the server must be https:// beyond this machine, or say --insecure",
        ),
        (
            format!("{names}, server: {{url: 'https://10.0.0.1'}}"),
            "targets.kubernetes.prod.server: 10.0.0.1 is private and not in outside.permit",
        ),
        (format!("{names}, server: {{url: api}}"), "targets.kubernetes.prod.server.url: must be an http"),
        (
            format!("{names}, server: {{url: 'https://a.example', ca: /nowhere}}"),
            "targets.kubernetes.prod.server.ca: /nowhere: No such file",
        ),
        (
            format!("{names}, server: {{url: 'https://a.example', token_file: /nowhere}}"),
            "targets.kubernetes.prod.server.token_file: /nowhere: No such file",
        ),
        (
            format!("{names}, kubeconfig: {{file: /nowhere}}"),
            "targets.kubernetes.prod.kubeconfig: /nowhere: No such file",
        ),
    ] {
        let refused = parsed("", &target, false).unwrap_err();
        assert!(refused.starts_with(words), "{target}: {refused}");
    }
    assert!(parsed("", &format!("{names}, server: {{url: 'http://api.example'}}"), true).is_ok());
}

#[test]
fn the_sample_of_the_page_on_hooks_is_accepted_but_for_where_it_runs() {
    let page = include_str!("../../../../../docs/hooks.md");
    let section = page.split("## Kubernetes").nth(1).unwrap();
    let sample = section.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    let here = sample.replace("in_cluster: true", "server: {url: 'https://10.96.0.1'}");
    assert_ne!(here, sample);
    let config = Config::parse(&here, false).unwrap();
    assert_eq!(config.targets.clusters.get("prod").unwrap().namespaces(), ["shop"]);
}
