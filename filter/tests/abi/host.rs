//! A proxy that scripts what the filter can ask of it, and notes what the filter did.

use std::collections::BTreeMap;

use wasmi::errors::LinkerError;
use wasmi::{
    Caller, Engine, Extern, Instance, Linker, Memory, Module, Store, TypedFunc, WasmParams, WasmResults,
};

pub(crate) const OK: u32 = 0;
pub(crate) const NOT_FOUND: u32 = 1;
const INTERNAL_FAILURE: u32 = 10;
pub(crate) const REQUEST_HEADERS: u32 = 0;
pub(crate) const RESPONSE_HEADERS: u32 = 2;
pub(crate) const RESPONSE_TRAILERS: u32 = 3;
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

type Guest<'a> = Caller<'a, Proxy>;

fn memory(guest: &Guest<'_>) -> Memory {
    guest.get_export("memory").and_then(Extern::into_memory).unwrap()
}

fn read(guest: &Guest<'_>, at: u32, bytes: u32) -> Vec<u8> {
    memory(guest).data(guest)[at as usize..][..bytes as usize].to_vec()
}

fn text(guest: &Guest<'_>, at: u32, bytes: u32) -> String {
    String::from_utf8(read(guest, at, bytes)).unwrap()
}

fn write(guest: &mut Guest<'_>, at: u32, bytes: &[u8]) {
    let memory = memory(guest);
    memory.write(guest, at as usize, bytes).unwrap();
}

/// Hands a value to the guest, in memory that the guest gives.
fn give(guest: &mut Guest<'_>, value: &[u8], at: u32, bytes_at: u32) -> u32 {
    let mut address = 0;
    if !value.is_empty() {
        let allocate = guest.get_export("proxy_on_memory_allocate").and_then(Extern::into_func).unwrap();
        let allocate = allocate.typed::<u32, u32>(&*guest).unwrap();
        address = allocate.call(&mut *guest, u32::try_from(value.len()).unwrap()).unwrap();
        if address == 0 {
            return INTERNAL_FAILURE;
        }
        write(guest, address, value);
    }
    write(guest, at, &address.to_le_bytes());
    write(guest, bytes_at, &u32::try_from(value.len()).unwrap().to_le_bytes());
    OK
}

fn give_or(guest: &mut Guest<'_>, value: Option<Vec<u8>>, at: u32, bytes_at: u32) -> u32 {
    value.map_or(NOT_FOUND, |value| give(guest, &value, at, bytes_at))
}

fn link(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    link_headers(linker)?;
    link_properties(linker)?;
    link_metrics(linker)?;
    link_grpc(linker)?;
    link_wasi(linker)
}

/// A header map as the ABI lays it out.
fn pairs(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let mut bytes = length(headers.len()).to_vec();
    for (name, value) in headers {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in headers {
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(value);
        bytes.push(0);
    }
    bytes
}

fn link_headers(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32, at: u32, bytes_at: u32| {
            let name = text(&guest, name, name_bytes);
            if guest.data_mut().fails("proxy_get_header_map_value") {
                return INTERNAL_FAILURE;
            }
            let value = guest.data().headers.get(&(map, name)).cloned();
            give_or(&mut guest, value, at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |mut guest: Guest<'_>, map: u32, at: u32, bytes_at: u32| {
            if guest.data_mut().fails("proxy_get_header_map_pairs") {
                return INTERNAL_FAILURE;
            }
            let headers: Vec<(String, Vec<u8>)> = guest
                .data()
                .headers
                .iter()
                .filter(|((of, _), _)| *of == map)
                .map(|((_, name), value)| (name.clone(), value.clone()))
                .collect();
            give_or(&mut guest, Some(pairs(&headers)), at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32, value: u32, bytes: u32| {
            let (name, value) = (text(&guest, name, name_bytes), read(&guest, value, bytes));
            if guest.data_mut().fails("proxy_replace_header_map_value") {
                return INTERNAL_FAILURE;
            }
            guest.data_mut().headers.insert((map, name), value);
            OK
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |mut guest: Guest<'_>, map: u32, name: u32, name_bytes: u32| {
            let name = text(&guest, name, name_bytes);
            guest.data_mut().headers.remove(&(map, name));
            OK
        },
    )?;
    Ok(())
}

fn link_properties(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |mut guest: Guest<'_>, path: u32, path_bytes: u32, at: u32, bytes_at: u32| {
            let path = text(&guest, path, path_bytes).replace('\0', ".");
            if guest.data_mut().fails("proxy_get_property") {
                return INTERNAL_FAILURE;
            }
            let value = guest.data().properties.get(&path).cloned();
            give_or(&mut guest, value, at, bytes_at)
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |mut guest: Guest<'_>, path: u32, path_bytes: u32, value: u32, bytes: u32| {
            let (path, value) = (text(&guest, path, path_bytes), read(&guest, value, bytes));
            guest.data_mut().properties.insert(path, value);
            OK
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |mut guest: Guest<'_>, buffer: u32, start: u32, max: u32, at: u32, bytes_at: u32| {
            if guest.data_mut().fails("proxy_get_buffer_bytes") {
                return INTERNAL_FAILURE;
            }
            let bytes = match buffer {
                PLUGIN_CONFIGURATION => &guest.data().configuration,
                GRPC_RECEIVE_BUFFER => &guest.data().grpc_message,
                _ => return NOT_FOUND,
            };
            let value = bytes.iter().skip(start as usize).take(max as usize).copied().collect::<Vec<_>>();
            give(&mut guest, &value, at, bytes_at)
        },
    )?;
    linker.func_wrap("env", "proxy_call_foreign_function", foreign)?;
    Ok(())
}

fn foreign(mut guest: Guest<'_>, name: u32, name_bytes: u32, _: u32, _: u32, at: u32, bytes_at: u32) -> u32 {
    let name = text(&guest, name, name_bytes);
    if guest.data_mut().fails("proxy_call_foreign_function") {
        return INTERNAL_FAILURE;
    }
    let expressions = guest.data().expressions;
    match (name.as_str(), expressions) {
        ("clear_route_cache", _) => {
            guest.data_mut().route_cache_cleared += 1;
            OK
        }
        ("expr_create", Some(_)) => give(&mut guest, &[0; 4], at, bytes_at),
        ("expr_evaluate", Some(true)) => OK,
        ("expr_evaluate", Some(false)) => INTERNAL_FAILURE,
        _ => NOT_FOUND,
    }
}

fn link_metrics(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |mut guest: Guest<'_>, _kind: u32, name: u32, name_bytes: u32, at: u32| {
            let name = text(&guest, name, name_bytes);
            if guest.data_mut().fails("proxy_define_metric") {
                return INTERNAL_FAILURE;
            }
            let metrics = &mut guest.data_mut().metrics;
            metrics.push((name, 0));
            let metric = u32::try_from(metrics.len() - 1).unwrap();
            write(&mut guest, at, &metric.to_le_bytes());
            OK
        },
    )?;
    linker.func_wrap("env", "proxy_increment_metric", |mut guest: Guest<'_>, metric: u32, by: i64| {
        guest.data_mut().metrics[metric as usize].1 += by;
        OK
    })?;
    linker.func_wrap("env", "proxy_record_metric", |mut guest: Guest<'_>, metric: u32, value: u64| {
        guest.data_mut().metrics[metric as usize].1 = value.cast_signed();
        OK
    })?;
    linker.func_wrap("env", "proxy_log", |mut guest: Guest<'_>, _level: u32, at: u32, bytes: u32| {
        let message = text(&guest, at, bytes);
        guest.data_mut().log.push(message);
        OK
    })?;
    linker.func_wrap("env", "proxy_set_tick_period_milliseconds", |mut guest: Guest<'_>, period: u32| {
        guest.data_mut().tick_period_ms = period;
        OK
    })?;
    Ok(())
}

fn link_grpc(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    linker.func_wrap("env", "proxy_grpc_call", grpc_call)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the signature of the ABI")]
fn grpc_call(
    mut guest: Guest<'_>,
    service: u32,
    service_bytes: u32,
    name: u32,
    name_bytes: u32,
    method: u32,
    method_bytes: u32,
    metadata: u32,
    metadata_bytes: u32,
    body: u32,
    body_bytes: u32,
    deadline_ms: u32,
    token_at: u32,
) -> u32 {
    let call = GrpcCall {
        service: read(&guest, service, service_bytes),
        method: format!("{}/{}", text(&guest, name, name_bytes), text(&guest, method, method_bytes)),
        metadata: read(&guest, metadata, metadata_bytes),
        body: read(&guest, body, body_bytes),
        deadline_ms,
        token: u32::try_from(guest.data().calls.len()).unwrap() + 1,
    };
    if guest.data_mut().fails("proxy_grpc_call") {
        // Envoy tells of an immediate failure before the call returns.
        let close = guest.get_export("proxy_on_grpc_close").and_then(Extern::into_func).unwrap();
        close.typed::<(u32, u32, u32), ()>(&guest).unwrap().call(&mut guest, (1, call.token, 14)).unwrap();
        return INTERNAL_FAILURE;
    }
    write(&mut guest, token_at, &call.token.to_le_bytes());
    guest.data_mut().calls.push(call);
    OK
}

fn link_wasi(linker: &mut Linker<Proxy>) -> Result<(), LinkerError> {
    let wasi = "wasi_snapshot_preview1";
    linker.func_wrap(wasi, "clock_time_get", |mut guest: Guest<'_>, clock: u32, _: u64, at: u32| {
        if guest.data_mut().fails("clock_time_get") {
            return INTERNAL_FAILURE;
        }
        let proxy = guest.data();
        let time = if clock == 1 { proxy.monotonic_ns } else { proxy.monotonic_ns + proxy.unix_offset_ns };
        write(&mut guest, at, &time.to_le_bytes());
        OK
    })?;
    linker.func_wrap(wasi, "random_get", |mut guest: Guest<'_>, at: u32, bytes: u32| {
        if guest.data_mut().fails("random_get") {
            return INTERNAL_FAILURE;
        }
        let random: Vec<u8> = (0..bytes).map(|_| (guest.data_mut().draw() & 0xFF) as u8).collect();
        write(&mut guest, at, &random);
        OK
    })?;
    linker.func_wrap(wasi, "environ_get", |_: Guest<'_>, _: u32, _: u32| OK)?;
    linker.func_wrap(wasi, "environ_sizes_get", |mut guest: Guest<'_>, count_at: u32, bytes_at: u32| {
        write(&mut guest, count_at, &[0; 4]);
        write(&mut guest, bytes_at, &[0; 4]);
        OK
    })?;
    linker.func_wrap(wasi, "fd_write", |_: Guest<'_>, _: u32, _: u32, _: u32, _: u32| NOT_FOUND)?;
    linker.func_wrap(wasi, "proc_exit", |_: Guest<'_>, code: u32| {
        Err::<(), _>(wasmi::Error::new(format!("proc_exit({code})")))
    })?;
    Ok(())
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
        self.proxy().headers = headers
            .iter()
            .map(|(name, value)| ((REQUEST_HEADERS, (*name).to_owned()), value.as_bytes().to_vec()))
            .collect();
        assert_eq!(self.call::<_, u32>("proxy_on_request_headers", (context, 0_u32, 1_u32)), 0);
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
