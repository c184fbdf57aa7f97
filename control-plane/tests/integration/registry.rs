//! The registry of versions as pipelines meet it: real files, a real database, and the real binary where it is killed.

mod limits;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serin_control_plane::failpoint::Failpoint;
use serin_control_plane::{Config, start};
use serin_proto::admin::v1::{CreateRequest, RollbackRequest};
use serin_proto::registry::v1::register_release_request::Part;
use serin_proto::registry::v1::registry_service_client::RegistryServiceClient;
use serin_proto::registry::v1::*;
use serin_registry::Digest;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::crash::Process;
use crate::support::*;

type Client = RegistryServiceClient<Channel>;

async fn client(addresses: serin_control_plane::Addresses) -> Client {
    RegistryServiceClient::connect(format!("http://{}", addresses.admin)).await.unwrap()
}

fn content(text: &[u8]) -> Artifact {
    Artifact {
        kind: ArtifactKind::Source.into(),
        sha256: Digest::of(text).to_string(),
        bytes: text.len() as u64,
        path: "tax.rs".to_owned(),
        ..Artifact::default()
    }
}

fn new(subject: &str, version: &str, source: Option<&[u8]>) -> NewVersion {
    NewVersion { subject: subject.to_owned(), version: version.to_owned(), artifact: source.map(content) }
}

fn part(part: Part) -> RegisterReleaseRequest {
    RegisterReleaseRequest { part: Some(part) }
}

fn chunk(text: &[u8], data: &[u8]) -> RegisterReleaseRequest {
    part(Part::Chunk(ArtifactChunk { sha256: Digest::of(text).to_string(), data: data.to_vec() }))
}

async fn send(
    client: &mut Client,
    parts: Vec<RegisterReleaseRequest>,
) -> Result<RegisterReleaseResponse, Status> {
    answered(client, tonic::Request::new(tokio_stream::iter(parts))).await
}

async fn answered<S>(
    client: &mut Client,
    request: tonic::Request<S>,
) -> Result<RegisterReleaseResponse, Status>
where
    S: tokio_stream::Stream<Item = RegisterReleaseRequest> + Send + 'static,
{
    let mut answers = client.register_release(request).await?.into_inner();
    Ok(answers.message().await?.unwrap())
}

fn because(reason: &str) -> RollbackRequest {
    RollbackRequest { reason: reason.to_owned(), ..RollbackRequest::default() }
}

/// Sends a release and its contents, each in two pieces.
async fn register(
    client: &mut Client,
    versions: Vec<NewVersion>,
    contents: &[&[u8]],
) -> Result<RegisterReleaseResponse, Status> {
    let mut parts = vec![part(Part::Release(Release { versions }))];
    for text in contents {
        let (first, second) = text.split_at(text.len() / 2);
        parts.extend([chunk(text, first), chunk(text, second)]);
    }
    send(client, parts).await
}

const OLD: &[u8] = b"fn tax(net: u64) -> u64 {\n    net / 5\n}\n";
const NEW: &[u8] = b"fn tax(net: u64) -> u64 {\n    net / 4\n}\n";

/// The shop with one block.
fn shop(version: &str, tax: (&str, &[u8])) -> Vec<NewVersion> {
    vec![
        new("shop", version, None),
        new("shop/route-2", version, None),
        new("shop/route-2/tax", tax.0, Some(tax.1)),
    ]
}

async fn artifact(client: &mut Client, subject: &str, version: &str) -> Result<Vec<u8>, Status> {
    let request = GetArtifactRequest { subject: subject.to_owned(), version: version.to_owned() };
    let mut stream = client.get_artifact(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await? {
        bytes.extend(piece.data);
    }
    Ok(bytes)
}

async fn diff(client: &mut Client, from: &str, to: &str) -> Result<DiffBlockResponse, Status> {
    let request = DiffBlockRequest {
        block: "shop/route-2/tax".to_owned(),
        from_version: from.to_owned(),
        to_version: to.to_owned(),
    };
    client.diff_block(request).await.map(tonic::Response::into_inner)
}

async fn versions(client: &mut Client) -> Vec<String> {
    let request = ListVersionsRequest { limit: 1_000, ..ListVersionsRequest::default() };
    let answer = client.list_versions(request).await.unwrap().into_inner();
    answer.versions.into_iter().map(|one| format!("{} {}", one.subject, one.version)).collect()
}

fn objects(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("artifacts")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), metadata.len()));
            }
        }
    }
    found
}

#[tokio::test]
async fn a_release_is_registered_in_one_call_and_every_question_about_it_is_answered() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    let first = register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    assert_eq!((first.registered, first.contents_written, first.versions.len()), (3, 1, 3));
    let again = register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    assert_eq!((again.registered, again.contents_written, again.contents_repaired), (0, 0, 0));
    assert_eq!(again.versions, first.versions);
    let second = register(&mut client, shop("v2", ("t2", NEW)), &[NEW]).await.unwrap();
    assert_eq!(second.registered, 3);
    let held = register(&mut client, shop("v3", ("t3", NEW)), &[]).await.unwrap();
    assert_eq!((held.registered, held.contents_written), (3, 0), "what is held need not be sent");
    assert_eq!(objects(server.folder.path()).len(), 2);

    assert_eq!(artifact(&mut client, "shop/route-2/tax", "t3").await.unwrap(), NEW);
    let changed = diff(&mut client, "t1", "t2").await.unwrap();
    assert_eq!((changed.same, changed.lines_added, changed.lines_removed), (false, 1, 1));
    assert!(
        changed.unified.starts_with("--- shop/route-2/tax t1\n+++ shop/route-2/tax t2\n"),
        "{}",
        changed.unified
    );
    assert!(changed.unified.contains("\n-    net / 5\n+    net / 4\n"), "{}", changed.unified);
    let same = diff(&mut client, "t2", "t3").await.unwrap();
    assert_eq!((same.same, same.unified.as_str(), same.not_compared.as_str()), (true, "", ""));

    let whole = GetVersionRequest { subject: "shop".to_owned(), version: "v2".to_owned() };
    let whole = client.get_version(whole).await.unwrap().into_inner();
    let parts: Vec<_> = whole.parts.iter().map(|part| format!("{} {}", part.subject, part.version)).collect();
    assert_eq!(parts, ["shop/route-2 v2", "shop/route-2/tax t2"]);
    let newest = GetVersionRequest { subject: "shop/route-2/tax".to_owned(), version: String::new() };
    let newest = client.get_version(newest).await.unwrap().into_inner();
    assert_eq!(
        (newest.version.unwrap().version.as_str(), newest.releases.as_slice()),
        ("t3", &["v3".to_owned()][..])
    );
    let history = ListHistoryRequest { subject: "shop/route-2/tax".to_owned(), limit: 2, before_sequence: 0 };
    let history = client.list_history(history).await.unwrap().into_inner();
    let said: Vec<_> = history.entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(said[0], "Part of shop v3.");
    assert!(said[1].starts_with("Registered with source sha256:") && history.next_before_sequence != 0);

    let server = server.restarted().await;
    let mut client = self::client(server.addresses()).await;
    assert_eq!(versions(&mut client).await.len(), 9, "a restart loses nothing");
}

#[tokio::test]
async fn what_is_live_follows_the_rollouts() {
    let server = Server::new().await;
    let (mut client, mut admin) = (client(server.addresses()).await, server.admin().await);
    register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    let id = create(&mut admin, "shop").await.id;
    let live = async |client: &mut Client, application: &str| -> Vec<String> {
        let request = ListLiveRequest { application: application.to_owned() };
        let live = client.list_live(request).await.unwrap().into_inner().live;
        let row = |one: Live| {
            let known = if one.registered { "" } else { " unknown" };
            format!("{} {} {} {}{known}", one.subject, one.version, one.arm, one.share_ppm)
        };
        live.into_iter().map(row).collect()
    };
    assert_eq!(live(&mut client, "").await, ["shop v1 baseline 800000", "shop v2 canary 200000 unknown"]);
    register(&mut client, shop("v2", ("t2", NEW)), &[NEW]).await.unwrap();
    let expected = [
        "shop v1 baseline 800000",
        "shop v2 canary 200000",
        "shop/route-2 v1 baseline 800000",
        "shop/route-2 v2 canary 200000",
        "shop/route-2/tax t1 baseline 800000",
        "shop/route-2/tax t2 canary 200000",
    ];
    assert_eq!(live(&mut client, "shop").await, expected);
    let rollback = RollbackRequest { id: id.clone(), component: "route-2".to_owned(), ..because("bad") };
    admin.rollback(rollback).await.unwrap();
    let returned = live(&mut client, "shop").await;
    let of_tax = GetVersionRequest { subject: "shop/route-2/tax".to_owned(), version: "t1".to_owned() };
    let of_tax = client.get_version(of_tax).await.unwrap().into_inner().live;
    assert!(!of_tax.is_empty(), "{returned:?}");
    assert!(returned.contains(&"shop/route-2 v1 baseline 1000000".to_owned()), "{returned:?}");
    assert!(returned.contains(&"shop/route-2/tax t1 baseline 1000000".to_owned()), "{returned:?}");
    assert!(!returned.iter().any(|row| row.contains("canary") && row.contains("route-2")), "{returned:?}");
    let rollback = RollbackRequest { id, ..because("bad") };
    admin.rollback(rollback).await.unwrap();
    assert_eq!(live(&mut client, "").await, ["shop v1 baseline 1000000"]);
}

#[tokio::test]
async fn a_block_that_was_rolled_back_is_live_in_its_previous_version_on_the_canary() {
    let server = Server::new().await;
    let (mut client, mut admin) = (client(server.addresses()).await, server.admin().await);
    register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    register(&mut client, shop("v2", ("t2", NEW)), &[NEW]).await.unwrap();
    let fine = "granularity: fine, blocks: [{name: tax, current: t2, previous: [t1]}], matches";
    let plan_yaml = plan("shop").replace("{name: route-2, matches", &format!("{{name: route-2, {fine}"));
    let created = admin.create(CreateRequest { plan_yaml, paused: false }).await.unwrap().into_inner();
    let id = created.rollout.unwrap().id;
    admin.rollback(RollbackRequest { id, block: "tax".to_owned(), ..because("bad") }).await.unwrap();
    let mut of_tax = async |application: &str| -> Vec<String> {
        let request = ListLiveRequest { application: application.to_owned() };
        let live = client.list_live(request).await.unwrap().into_inner().live.into_iter();
        let live = live.filter(|one| one.subject == "shop/route-2/tax");
        live.map(|one| format!("{} {} {} {}", one.version, one.arm, one.share_ppm, one.registered)).collect()
    };
    assert_eq!(of_tax("").await, ["t1 canary 200000 true"]);
    assert_eq!(of_tax("shop").await, ["t1 baseline 800000 true", "t1 canary 200000 true"]);
}

#[tokio::test]
async fn every_refusal_of_a_registration_names_the_field_and_the_rule_and_registers_nothing() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    let release = |versions| part(Part::Release(Release { versions }));
    let artifact = |change: &dyn Fn(&mut Artifact)| {
        let mut version = new("shop", "v1", Some(OLD));
        change(version.artifact.as_mut().unwrap());
        vec![part(Part::Release(Release { versions: vec![version] }))]
    };
    let cases: Vec<(Vec<RegisterReleaseRequest>, &str)> = vec![
        (vec![], "release: must come first"),
        (vec![chunk(OLD, OLD)], "release: must come first"),
        (vec![RegisterReleaseRequest { part: None }], "part: must be a release or a chunk"),
        (vec![release(vec![])], "release.versions[0].subject: must be an application"),
        (vec![release(vec![new("sh op", "v1", None)])], "release.versions[0].subject: must be APPLICATION"),
        (vec![release(vec![new("shop", "v 1", None)])], "release.versions[0].version: must be 1 to 128"),
        (
            vec![release(vec![
                new("shop", "v1", None),
                new("shop/a", "v1", None),
                new("shop/a", "v2", None),
            ])],
            "release.versions[2].subject: shop/a is named twice",
        ),
        (vec![release(vec![new("shop", "v1", None); 2_001])], "release.versions: exceed the limit of 2000"),
        (artifact(&|one| one.kind = 0), "release.versions[0].artifact.kind: must be a known kind"),
        (artifact(&|one| one.kind = 99), "release.versions[0].artifact.kind: must be a known kind"),
        (
            artifact(&|one| one.sha256 = "abc".to_owned()),
            "release.versions[0].artifact.sha256: must be a SHA-256",
        ),
        (
            artifact(&|one| one.bytes = 67_108_865),
            "release.versions[0].artifact.bytes: exceeds the limit of 67108864",
        ),
        (
            artifact(&|one| one.kind = ArtifactKind::Image.into()),
            "release.versions[0].artifact.sha256: must be empty for an image",
        ),
        (artifact(&|_| {}), "release.versions[0].artifact: sha256:"),
        (vec![release(shop("v1", ("t1", OLD))), release(vec![])], "release: must come once"),
        (vec![release(shop("v1", ("t1", OLD))), chunk(NEW, NEW)], "chunk.sha256: "),
        (vec![release(shop("v1", ("t1", OLD))), chunk(OLD, &[OLD, b"more"].concat())], "chunk.data: "),
        (vec![release(shop("v1", ("t1", OLD))), chunk(OLD, b"less")], "chunk.data: "),
        (vec![release(shop("v1", ("t1", OLD))), chunk(OLD, NEW)], "the content has sha256 "),
    ];
    for (parts, words) in cases {
        let refused = send(&mut client, parts).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().starts_with(words), "{:?}, not {words:?}", refused.message());
    }
    assert_eq!(versions(&mut client).await, [""; 0]);
    register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    let other = register(&mut client, shop("v1", ("t1", NEW)), &[NEW]).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    assert!(other.message().starts_with("shop/route-2/tax t1 is registered with source sha256:"), "{other}");
}

#[tokio::test]
async fn what_is_not_there_or_makes_no_sense_is_told() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    let missing = artifact(&mut client, "shop/route-2/tax", "t9").await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    assert_eq!(missing.message(), "no version t9 of shop/route-2/tax is registered");
    let without = artifact(&mut client, "shop", "v1").await.unwrap_err();
    assert_eq!(without.code(), Code::FailedPrecondition);
    assert_eq!(without.message(), "shop v1 carries no artifact, whose content is not kept here");
    let component = DiffBlockRequest { block: "shop/route-2".to_owned(), ..DiffBlockRequest::default() };
    let refused = client.diff_block(component).await.unwrap_err();
    assert_eq!(refused.message(), "block: must be APPLICATION/COMPONENT/BLOCK");
    let many = ListVersionsRequest { limit: 1_001, ..ListVersionsRequest::default() };
    assert_eq!(client.list_versions(many).await.unwrap_err().message(), "limit: must be at most 1000");
    register(&mut client, shop("v2", ("t2", b"\xff\xfe")), &[b"\xff\xfe"]).await.unwrap();
    let binary = diff(&mut client, "t1", "t2").await.unwrap();
    assert_eq!((binary.same, binary.not_compared.as_str()), (false, "the content is not UTF-8 text"));
}

#[tokio::test]
async fn only_who_has_the_token_may_register_and_is_named_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "correct-horse-battery").unwrap();
    let guarded = format!("tokens: {{pipeline: {}}}", token.display());
    let yaml = yaml(&folder.path().join("data"));
    let yaml = yaml.replace("  admin: {", &format!("  admin: {{{guarded}, "));
    let server = start(&Config::parse(&yaml, false).unwrap()).await.unwrap();
    let mut client = client(server.addresses).await;
    let refused = client.list_versions(ListVersionsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let refused = register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let versions = shop("v1", ("t1", OLD));
    let parts = vec![part(Part::Release(Release { versions })), chunk(OLD, OLD)];
    let mut request = tonic::Request::new(tokio_stream::iter(parts));
    request.metadata_mut().insert("authorization", "Bearer correct-horse-battery".parse().unwrap());
    let registered = answered(&mut client, request).await.unwrap();
    assert!(registered.versions.iter().all(|version| version.registered_by == "pipeline"), "{registered:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_damaged_artifact_is_named_with_its_versions_and_repaired_by_registering_again() {
    let server = Server::new().await;
    let mut client = client(server.addresses()).await;
    register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
    let (path, _) = objects(server.folder.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    for damage in [Some(bytes), None] {
        match damage {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let lost = artifact(&mut client, "shop/route-2/tax", "t1").await.unwrap_err();
        assert_eq!(lost.code(), Code::DataLoss);
        let words = lost.message();
        let named = [
            &Digest::of(OLD).to_string(),
            path.to_str().unwrap(),
            "carried by shop/route-2/tax t1: register",
        ];
        assert!(named.iter().all(|name| words.contains(name)), "{words}");
        let repaired = register(&mut client, shop("v1", ("t1", OLD)), &[OLD]).await.unwrap();
        assert_eq!((repaired.registered, repaired.contents_written + repaired.contents_repaired), (0, 1));
        assert_eq!(artifact(&mut client, "shop/route-2/tax", "t1").await.unwrap(), OLD);
    }
}
