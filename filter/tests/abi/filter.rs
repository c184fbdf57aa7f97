//! The filter, in a proxy that knows who it is.

use prost::Message;
use serde_json::{Value, json};
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};
use wasmi::{Engine, Module};

use crate::host::{Proxy, Vm};
use crate::module;

const UNIX_OFFSET_NS: u64 = 1_700_000_000_000_000_000;

/// The compiled module.
pub(crate) struct Filter {
    engine: Engine,
    pub(crate) module: Module,
}

impl Filter {
    pub(crate) fn load() -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, &module::bytes()[..]).unwrap();
        Self { engine, module }
    }

    pub(crate) fn start(&self, proxy: Proxy) -> Vm {
        Vm::start(&self.module, &self.engine, proxy)
    }
}

pub(crate) fn proxy() -> Proxy {
    let mut proxy = Proxy {
        monotonic_ns: 5_000_000_000,
        unix_offset_ns: UNIX_OFFSET_NS,
        expressions: Some(false),
        draws: 7,
        ..Proxy::default()
    };
    for (path, value) in
        [("xds.node.id", "node-1"), ("xds.node.cluster", "edge"), ("upstream.address", "10.0.0.1:80")]
    {
        proxy.properties.insert(path.to_owned(), value.as_bytes().to_vec());
    }
    proxy
}

/// An assignment that sends users named `canary…` to the canary.
pub(crate) fn assignment(generation: u64) -> Value {
    json!({
        "version": 1, "generation": generation,
        "report": {"cluster": "serin", "interval_ms": 1000, "host_sample": 1, "token": "secret"},
        "services": [{
            "name": "shop", "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 0}],
            "rules": [{"when": {"header": {"name": "x-user", "prefix": "canary"}}, "arm": "canary"}],
            "components": [{"name": "orders", "matches": [{"path": {"prefix": "/orders"}}]}],
        }],
    })
}

pub(crate) fn started(filter: &Filter) -> Vm {
    let mut vm = filter.start(proxy());
    assert!(vm.configure(assignment(3).to_string().as_bytes()));
    vm
}

pub(crate) fn report(vm: &mut Vm) -> ReportRequest {
    let call = vm.proxy().calls.last().unwrap().clone();
    ReportRequest::decode(&call.body[..]).unwrap()
}

pub(crate) fn acknowledge(vm: &mut Vm) {
    let call = vm.proxy().calls.last().unwrap().clone();
    let seq = ReportRequest::decode(&call.body[..]).unwrap().seq;
    vm.proxy().grpc_message = ReportResponse { seq }.encode_to_vec();
    let bytes = u32::try_from(vm.proxy().grpc_message.len()).unwrap();
    vm.call::<_, ()>("proxy_on_grpc_receive", (1_u32, call.token, bytes));
}
