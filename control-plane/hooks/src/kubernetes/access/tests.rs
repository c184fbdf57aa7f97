use std::fs;

use super::*;

const CLUSTER: &str = "clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]";
const CONTEXT: &str =
    "contexts: [{name: a, context: {cluster: c, user: u, namespace: shop}}]\ncurrent-context: a";

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("config");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn an_access_file_is_read_as_kubectl_does_with_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    fs::write(folder.path().join("ca.crt"), &chain).unwrap();
    let (chain, key) = (STANDARD.encode(chain), STANDARD.encode(key));
    let path = written(
        folder.path(),
        &format!(
            "apiVersion: v1\nkind: Config\npreferences: {{}}\ncurrent-context: b\n\
             clusters:\n- name: c\n  cluster: {{server: 'https://10.0.0.1:6443', certificate-authority: ca.crt}}\n\
             contexts:\n- {{name: a, context: {{cluster: c, user: u}}}}\n- {{name: b, context: {{cluster: c, user: v}}}}\n\
             users:\n- {{name: u, user: {{client-certificate-data: {chain}, client-key-data: {key}}}}}\n\
             - {{name: v, user: {{token: secret, tokenFile: token}}}}\n",
        ),
    );
    let current = Access::file(&path, None).unwrap();
    assert_eq!((current.url.host(), current.url.port()), ("10.0.0.1", 6443));
    assert!(current.roots.is_some() && current.identity.is_none());
    let token = folder.path().join("token");
    assert_eq!(format!("{:?}", current.token), format!("Some(File({token:?}))"));
    let named = Access::file(&path, Some("a")).unwrap();
    assert!(named.identity.is_some() && named.token.is_none());
}

#[test]
fn what_an_access_file_lacks_or_must_not_have_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |text: &str, context: Option<&str>| {
        Access::file(&written(folder.path(), text), context).unwrap_err().to_string()
    };
    let with =
        |user: &str| refusal(&format!("{CLUSTER}\n{CONTEXT}\nusers: [{{name: u, user: {{{user}}}}}]"), None);
    let cluster = |more: &str| {
        let cluster = format!("clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1', {more}}}}}]");
        refusal(&format!("{cluster}\n{CONTEXT}\nusers: [{{name: u, user: {{}}}}]"), None)
    };
    let program = "is not supported: no program is started; give tokenFile, token or a certificate";
    assert_eq!(with("exec: {command: aws, args: [eks]}"), format!("user.exec {program}"));
    assert_eq!(with("auth-provider: {name: oidc}"), format!("user.auth-provider {program}"));
    assert!(with("username: a, password: b").starts_with("user.username is not supported: "));
    assert!(with("as: admin").starts_with("user.as is not supported: "));
    assert_eq!(with("client-certificate-data: aGE="), "user.client-key is missing");
    assert!(with("client-certificate-data: '?', client-key: k").starts_with("user.client-certificate: "));
    assert!(with("client-certificate: nowhere").contains("nowhere: No such file"));
    assert!(cluster("insecure-skip-tls-verify: true").starts_with("cluster.insecure-skip-tls-verify is not"));
    assert!(cluster("proxy-url: 'http://p'").starts_with("cluster.proxy-url is not supported"));
    assert!(cluster("tls-server-name: a").starts_with("cluster.tls-server-name is not supported"));
    assert!(cluster("certificate-authority-data: aGE=").starts_with("cluster.certificate-authority: "));
    assert_eq!(refusal("{}", None), "current-context is missing");
    assert_eq!(refusal(CONTEXT, Some("b")), "has no context \"b\"");
    assert_eq!(refusal(CONTEXT, None), "has no cluster \"c\"");
    assert_eq!(refusal(&format!("{CLUSTER}\n{CONTEXT}"), None), "has no user \"u\"");
    assert!(refusal("clusters: 1", None).contains("config: "));
    let nowhere = Access::file(&folder.path().join("absent"), None).unwrap_err().to_string();
    assert!(nowhere.contains("absent: No such file"), "{nowhere}");
}

#[test]
fn a_pod_reaches_its_cluster_by_its_service_account() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["kubernetes".to_owned()]).unwrap();
    let account = |host: Option<&str>| ServiceAccount {
        folder: folder.path().to_owned(),
        host: host.map(str::to_owned),
        port: Some("443".to_owned()),
    };
    let refusal = |host| Access::pod(&account(host)).unwrap_err().to_string();
    assert_eq!(refusal(None), "KUBERNETES_SERVICE_HOST is missing");
    assert!(refusal(Some("10.96.0.1")).contains("ca.crt: No such file"));
    fs::write(folder.path().join("ca.crt"), own.cert.pem()).unwrap();
    assert!(refusal(Some("10.96.0.1")).contains("token: No such file"));
    fs::write(folder.path().join("token"), "t").unwrap();
    for (host, shown) in [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")] {
        let access = Access::pod(&account(Some(host))).unwrap();
        assert_eq!(access.url.to_string(), shown);
        assert!(access.roots.is_some() && matches!(access.token, Some(Token::File(_))));
    }
}
