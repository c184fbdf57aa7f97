//! Configuration streams, by a client that behaves like Envoy.

use envoy_types::pb::envoy::config::core::v3::{Node, TypedExtensionConfig};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{FailurePolicy, PluginConfig, plugin_config};
use envoy_types::pb::envoy::service::discovery::v3::*;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use envoy_types::pb::google::protobuf::{Any, StringValue};
use envoy_types::pb::google::rpc;
use prost::Message;
use serin_proto::admin::v1::{ListNodesRequest, SetWeightRequest};
use serin_proto::assignment::{self, Assignment};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::support::*;

struct World {
    requests: mpsc::Sender<DiscoveryRequest>,
    answers: Streaming<DiscoveryResponse>,
    names: Vec<String>,
}

async fn client(server: &Server) -> ExtensionConfigDiscoveryServiceClient<Channel> {
    ExtensionConfigDiscoveryServiceClient::connect(format!("http://{}", server.addresses().fleet))
        .await
        .unwrap()
}

fn node(id: &str) -> Option<Node> {
    Some(Node { id: id.to_owned(), cluster: "shop".to_owned(), ..Node::default() })
}

impl World {
    async fn new(server: &Server, id: &str, names: &[&str]) -> Self {
        let (requests, outgoing) = mpsc::channel(8);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let first =
            DiscoveryRequest { node: node(id), resource_names: names.clone(), ..DiscoveryRequest::default() };
        requests.send(first).await.unwrap();
        let outgoing = ReceiverStream::new(outgoing);
        let answers = client(server).await.stream_extension_configs(outgoing).await.unwrap().into_inner();
        Self { requests, answers, names }
    }

    async fn next(&mut self) -> Result<DiscoveryResponse, Status> {
        timeout(PATIENCE, self.answers.message()).await.unwrap().map(Option::unwrap)
    }

    async fn react(&self, answer: &DiscoveryResponse, error: Option<&str>) {
        let error_detail =
            error.map(|words| rpc::Status { code: 3, message: words.to_owned(), ..rpc::Status::default() });
        let request = DiscoveryRequest {
            version_info: answer.version_info.clone(),
            resource_names: self.names.clone(),
            response_nonce: answer.nonce.clone(),
            error_detail,
            ..DiscoveryRequest::default()
        };
        self.requests.send(request).await.unwrap();
    }

    async fn is_quiet(&mut self) -> bool {
        timeout(std::time::Duration::from_millis(1_500), self.answers.message()).await.is_err()
    }
}

fn plugin(resource: &Any) -> (String, PluginConfig) {
    let typed = TypedExtensionConfig::decode(resource.value.as_slice()).unwrap();
    let any = typed.typed_config.unwrap();
    assert_eq!(any.type_url, "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm");
    (typed.name, Wasm::decode(any.value.as_slice()).unwrap().config.unwrap())
}

fn told(resource: &Any) -> Assignment {
    let configuration = plugin(resource).1.configuration.unwrap();
    assert_eq!(configuration.type_url, "type.googleapis.com/google.protobuf.StringValue");
    let json = StringValue::decode(configuration.value.as_slice()).unwrap().value;
    assignment::parse(json.as_bytes()).unwrap()
}

async fn set_weight(admin: &mut Admin, weight_ppm: u32) -> u64 {
    let request = SetWeightRequest { id: "shop".to_owned(), weight_ppm, reason: "test".to_owned() };
    admin.set_weight(request).await.unwrap().into_inner().rollout.unwrap().generation
}

/// Asks until the node is as it should be.
async fn node_is(admin: &mut Admin, wanted: impl Fn(&serin_proto::admin::v1::Node) -> bool) {
    let asking = async {
        loop {
            let nodes = admin.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
            if nodes.first().is_some_and(&wanted) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap();
}

#[tokio::test]
async fn an_envoy_gets_the_assignment_at_once_and_every_newer_one() {
    let server = Server::new().await;
    let mut envoy = World::new(&server, "envoy-1", &["serin"]).await;
    let empty = envoy.next().await.unwrap();
    assert!(told(&empty.resources[0]).services.is_empty());
    envoy.react(&empty, None).await;

    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    let answer = envoy.next().await.unwrap();
    let assignment = told(&answer.resources[0]);
    assert_eq!((assignment.generation.0, assignment.services.len()), (created.generation, 1));
    assert!(answer.version_info.starts_with(&format!("{}-", created.generation)));
    envoy.react(&answer, None).await;
    node_is(&mut admin, |node| node.generation_acknowledged == created.generation && node.connected).await;
    assert!(envoy.is_quiet().await, "what is acknowledged is not sent again");
    drop(envoy);
    node_is(&mut admin, |node| !node.connected).await;
}

#[tokio::test]
async fn the_vm_stays_the_same_from_push_to_push() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    create(&mut admin, "shop").await;
    let mut envoy = World::new(&server, "envoy-1", &["serin"]).await;
    let (name, first) = plugin(&envoy.next().await.unwrap().resources[0]);
    set_weight(&mut admin, 7).await;
    let (_, second) = plugin(&envoy.next().await.unwrap().resources[0]);
    assert_eq!((name.as_str(), first.root_id.as_str()), ("serin", "serin"));
    assert_eq!(first.vm, second.vm);
    assert_ne!(first.configuration, second.configuration);
    assert_eq!(first.failure_policy, FailurePolicy::FailReload as i32);
    assert_eq!(first.reload_config.unwrap().backoff.unwrap().max_interval.unwrap().nanos, 10_000_000);
    let Some(plugin_config::Vm::VmConfig(vm)) = first.vm else { panic!("no VM") };
    assert_eq!((vm.vm_id.as_str(), vm.runtime.as_str()), ("serin-0.1.0", "envoy.wasm.runtime.v8"));
}

#[tokio::test]
async fn a_refused_assignment_is_noted_and_not_sent_again() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    create(&mut admin, "shop").await;
    let mut envoy = World::new(&server, "envoy-1", &["serin"]).await;
    let answer = envoy.next().await.unwrap();
    envoy.react(&answer, Some("services[0].salt: no")).await;
    node_is(&mut admin, |node| node.rejected == 1 && node.last_rejection == "services[0].salt: no").await;
    assert!(envoy.is_quiet().await);
    let generation = set_weight(&mut admin, 8).await;
    let next = envoy.next().await.unwrap();
    assert_eq!(told(&next.resources[0]).generation.0, generation);
    envoy.react(&answer, None).await;
    envoy.react(&next, None).await;
    node_is(&mut admin, |node| node.generation_acknowledged == generation && node.rejected == 1).await;
}

#[tokio::test]
async fn an_envoy_may_ask_for_one_service_alone() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    create(&mut admin, "shop").await;
    create(&mut admin, "search").await;
    let mut envoy = World::new(&server, "envoy-1", &["serin/search", "serin/nowhere"]).await;
    let answer = envoy.next().await.unwrap();
    let services = |index: usize| -> Vec<String> {
        told(&answer.resources[index]).services.into_iter().map(|service| service.name).collect()
    };
    let names: Vec<_> = answer.resources.iter().map(|resource| plugin(resource).0).collect();
    assert_eq!(names, ["serin/nowhere", "serin/search"]);
    assert_eq!((services(0), services(1)), (vec![], vec!["search".to_owned()]));
}

#[tokio::test]
async fn a_slow_envoy_gets_the_newest_assignment() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    create(&mut admin, "shop").await;
    let mut envoy = World::new(&server, "envoy-1", &["serin"]).await;
    let mut newest = 0;
    for weight in 1..=200 {
        newest = set_weight(&mut admin, weight).await;
    }
    let mut answers = 0;
    loop {
        let answer = envoy.next().await.unwrap();
        answers += 1;
        if told(&answer.resources[0]).generation.0 == newest {
            break;
        }
    }
    assert!(answers <= 201);
    assert!(envoy.is_quiet().await);
}

#[tokio::test]
async fn the_incremental_form_sends_what_changed_and_names_what_does_not_exist() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    create(&mut admin, "shop").await;
    let (requests, outgoing) = mpsc::channel(8);
    let names = vec!["serin".to_owned(), "other".to_owned()];
    let first = DeltaDiscoveryRequest {
        node: node("envoy-1"),
        resource_names_subscribe: names,
        ..DeltaDiscoveryRequest::default()
    };
    requests.send(first).await.unwrap();
    let outgoing = ReceiverStream::new(outgoing);
    let mut answers = client(&server).await.delta_extension_configs(outgoing).await.unwrap().into_inner();
    let answer = timeout(PATIENCE, answers.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(answer.removed_resources, ["other"]);
    assert_eq!(told(answer.resources[0].resource.as_ref().unwrap()).services.len(), 1);
    let version = answer.resources[0].version.clone();
    let reaction = DeltaDiscoveryRequest { response_nonce: answer.nonce, ..DeltaDiscoveryRequest::default() };
    requests.send(reaction).await.unwrap();
    node_is(&mut admin, |node| node.generation_acknowledged > 0).await;

    let (again, outgoing) = mpsc::channel(8);
    let known = DeltaDiscoveryRequest {
        node: node("envoy-1"),
        resource_names_subscribe: vec!["serin".to_owned()],
        initial_resource_versions: [("serin".to_owned(), version)].into(),
        ..DeltaDiscoveryRequest::default()
    };
    again.send(known).await.unwrap();
    let outgoing = ReceiverStream::new(outgoing);
    let mut answers = client(&server).await.delta_extension_configs(outgoing).await.unwrap().into_inner();
    let generation = set_weight(&mut admin, 9).await;
    let answer = timeout(PATIENCE, answers.message()).await.unwrap().unwrap().unwrap();
    let assignment = told(answer.resources[0].resource.as_ref().unwrap());
    assert_eq!(assignment.generation.0, generation, "what Envoy already had was not sent");
    assert!(answer.removed_resources.is_empty());
}

#[tokio::test]
async fn a_stream_without_node_or_of_another_type_is_refused() {
    let server = Server::new().await;
    let mut nameless = World::new(&server, "", &["serin"]).await;
    assert_eq!(nameless.next().await.unwrap_err().code(), Code::InvalidArgument);
    let (requests, outgoing) = mpsc::channel(1);
    let type_url = "type.googleapis.com/envoy.config.cluster.v3.Cluster".to_owned();
    requests
        .send(DiscoveryRequest { node: node("envoy-1"), type_url, ..DiscoveryRequest::default() })
        .await
        .unwrap();
    let outgoing = ReceiverStream::new(outgoing);
    let mut answers = client(&server).await.stream_extension_configs(outgoing).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::InvalidArgument);
}
