//! A proxy that scripts what the filter can ask of it, and notes what the filter did.

mod grpc;
mod guest;
mod headers;
mod metrics;
mod properties;
mod responses;
mod wasi;

use std::collections::BTreeMap;

use wasmi::errors::LinkerError;
use wasmi::{Engine, Extern, Instance, Linker, Module, Store, TypedFunc, WasmParams, WasmResults};

pub(crate) const OK: u32 = 0;
pub(crate) const NOT_FOUND: u32 = 1;
const INTERNAL_FAILURE: u32 = 10;
pub(crate) const REQUEST_HEADERS: u32 = 0;
pub(crate) const RESPONSE_HEADERS: u32 = 2;
pub(crate) const RESPONSE_TRAILERS: u32 = 3;
const REQUEST_BODY: u32 = 0;
const GRPC_RECEIVE_BUFFER: u32 = 5;
const PLUGIN_CONFIGURATION: u32 = 7;

/// A gRPC call that the filter made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GrpcCall {
    pub(crate) service: Vec<u8>,
    pub(crate) method: String,
    pub(crate) metadata: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) deadline_ms: u32,
    pub(crate) token: u32,
}

/// What the proxy knows and what happened to it.
#[derive(Debug, Default)]
pub(crate) struct Proxy {
    pub(crate) monotonic_ns: u64,
    pub(crate) unix_offset_ns: u64,
    pub(crate) headers: BTreeMap<(u32, String), Vec<u8>>,
    pub(crate) properties: BTreeMap<String, Vec<u8>>,
    pub(crate) configuration: Vec<u8>,
    pub(crate) grpc_message: Vec<u8>,
    /// What has come of the request's body.
    pub(crate) body: Vec<u8>,
    /// Answers of the filter: status, headers as the ABI lays them out, gRPC status.
    pub(crate) responses: Vec<(u32, Vec<u8>, i32)>,
    /// The bodies of these answers.
    pub(crate) documents: Vec<Vec<u8>>,
    pub(crate) metrics: Vec<(String, i64)>,
    pub(crate) calls: Vec<GrpcCall>,
    pub(crate) log: Vec<String>,
    pub(crate) tick_period_ms: u32,
    pub(crate) route_cache_cleared: u32,
    /// Whether expressions over attributes are known, and whether one has a value now.
    pub(crate) expressions: Option<bool>,
    /// Of 256 hostcalls, how many fail.
    pub failures_in_256: u8,
    /// Hostcalls that fail always.
    pub(crate) broken: Option<&'static str>,
    pub(crate) draws: u64,
}

impl Proxy {
    pub(crate) fn draw(&mut self) -> u64 {
        self.draws =
            self.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.draws >> 33
    }

    fn fails(&mut self, hostcall: &str) -> bool {
        self.broken == Some(hostcall) || (self.draw() & 0xFF) < u64::from(self.failures_in_256)
    }

    pub(crate) fn metric(&self, name: &str) -> i64 {
        self.metrics.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value)
    }
}

fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    headers::link(linker)?;
    properties::link(linker)?;
    metrics::link(linker)?;
    grpc::link(linker)?;
    responses::link(linker)?;
    wasi::link(linker)
}

/// The filter in its proxy.
pub(crate) struct Vm {
    store: Store<Proxy>,
    instance: Instance,
}

impl Vm {
    pub(crate) fn start(module: &Module, engine: &Engine, proxy: Proxy) -> Self {
        let mut store = Store::new(engine, proxy);
        let mut linker = Linker::new(engine);
        link(&mut linker).unwrap();
        let instance = linker.instantiate_and_start(&mut store, module).unwrap();
        let mut vm = Self { store, instance };
        vm.call::<_, ()>("_initialize", ());
        assert_eq!(vm.call::<_, u32>("proxy_on_vm_start", (1_u32, 0_u32)), 1);
        vm
    }

    pub(crate) fn proxy(&mut self) -> &mut Proxy {
        self.store.data_mut()
    }

    /// Calls an export; a trap fails the test.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, arguments: P) -> R {
        let function: TypedFunc<P, R> = self.instance.get_typed_func(&self.store, name).unwrap();
        function.call(&mut self.store, arguments).unwrap_or_else(|trap| panic!("{name} trapped: {trap}"))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let memory = self.instance.get_export(&self.store, "memory").and_then(Extern::into_memory).unwrap();
        memory.data_size(&self.store)
    }

    pub(crate) fn configure(&mut self, configuration: &[u8]) -> bool {
        self.proxy().configuration = configuration.to_vec();
        let bytes = u32::try_from(configuration.len()).unwrap();
        self.call::<_, u32>("proxy_on_configure", (1_u32, bytes)) != 0
    }

    pub(crate) fn tick(&mut self, after_ms: u64) {
        self.proxy().monotonic_ns += after_ms * 1_000_000;
        self.call::<_, ()>("proxy_on_tick", 1_u32);
    }

    pub(crate) fn request(&mut self, context: u32, headers: &[(&str, &str)]) {
        assert_eq!(self.headers(context, headers, true), 0);
    }

    /// The headers of a request; whether it stops.
    pub(crate) fn headers(&mut self, context: u32, headers: &[(&str, &str)], ended: bool) -> u32 {
        self.proxy().body.clear();
        self.proxy().headers = headers
            .iter()
            .map(|(name, value)| ((REQUEST_HEADERS, (*name).to_owned()), value.as_bytes().to_vec()))
            .collect();
        self.call("proxy_on_request_headers", (context, 0_u32, u32::from(ended)))
    }

    /// More of a request's body, which the proxy keeps; whether it stops.
    pub(crate) fn body(&mut self, context: u32, part: &[u8], ended: bool) -> u32 {
        self.proxy().body.extend(part);
        let bytes = u32::try_from(self.proxy().body.len()).unwrap();
        self.call("proxy_on_request_body", (context, bytes, u32::from(ended)))
    }

    pub(crate) fn finish(&mut self, context: u32, status: &str, flags: u64) {
        let proxy = self.proxy();
        proxy.headers.insert((RESPONSE_HEADERS, ":status".to_owned()), status.as_bytes().to_vec());
        proxy.properties.insert("response.flags".to_owned(), flags.to_le_bytes().to_vec());
        self.call::<_, ()>("proxy_on_log", context);
    }

    /// The arm that the filter asked for.
    pub(crate) fn arm(&mut self) -> Option<String> {
        let arm = self.proxy().headers.get(&(REQUEST_HEADERS, "x-serin-arm".to_owned()));
        arm.map(|arm| String::from_utf8(arm.clone()).unwrap())
    }
}
