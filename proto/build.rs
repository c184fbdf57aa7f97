//! Compiles the `.proto` files with a pure-Rust compiler, so that no protoc is needed.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const FLEET: &str = "serin/fleet/v1/fleet.proto";
const ADMIN: &str = "serin/admin/v1/admin.proto";
const TRAIN: &str = "serin/admin/v1/train.proto";
const EVIDENCE: &str = "serin/evidence/v1/evidence.proto";
const NOTIFICATIONS: &str = "serin/admin/v1/notifications.proto";
const REGISTRY: &str = "serin/registry/v1/registry.proto";

fn main() -> Result<(), Box<dyn Error>> {
    for file in [FLEET, ADMIN, TRAIN, EVIDENCE, NOTIFICATIONS, REGISTRY] {
        println!("cargo:rerun-if-changed={file}");
    }
    let feature = |name: &str| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    if !feature("MESSAGES") {
        return Ok(());
    }
    let services = feature("CLIENT") || feature("SERVER");
    let services_of: &[&str] = &[FLEET, ADMIN, TRAIN, EVIDENCE, NOTIFICATIONS, REGISTRY];
    let files = if services { services_of } else { &[FLEET] };
    let descriptors = protox::compile(files, ["."])?;
    if feature("SERVER") {
        let mut compiler = protox::Compiler::new(["."])?;
        compiler.include_imports(true).include_source_info(false).open_files(files)?;
        let path = PathBuf::from(env::var("OUT_DIR")?).join("serin.descriptor");
        fs::write(path, compiler.encode_file_descriptor_set())?;
    }
    let builder = tonic_prost_build::configure()
        .build_client(feature("CLIENT"))
        .build_server(feature("SERVER"))
        .build_transport(feature("CLIENT"));
    if services {
        builder.compile_fds(descriptors)?;
    } else {
        builder.build_client(false).build_server(false).compile_fds(descriptors)?;
    }
    Ok(())
}
