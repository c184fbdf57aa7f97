//! A server that cannot start says why, once, and how to go on.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the server with this configuration; it must end by itself.
fn refused(folder: &Path, yaml: &str) -> (Option<i32>, String) {
    let config = folder.join("serin.yaml");
    std::fs::write(&config, yaml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin-control-plane"));
    let Output { status, stderr, .. } =
        command.arg("--config").arg(&config).current_dir(folder).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    let said = stderr.lines().last().unwrap_or_default();
    (status.code(), said.strip_prefix("serin-control-plane: ").unwrap_or(said).to_owned())
}

#[test]
fn a_port_in_use_and_a_folder_that_is_a_file_are_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, said) = refused(folder.path(), &format!("listeners: {{fleet: {{address: \"{address}\"}}}}\n"));
    let expected =
        format!("listeners.fleet: cannot listen on {address}: Address already in use (os error 98)");
    assert_eq!((code, said), (Some(1), expected));

    std::fs::write(folder.path().join("file"), "").unwrap();
    let listeners =
        ["fleet", "admin", "http"].map(|name| format!("{name}: {{address: \"127.0.0.1:0\"}}")).join(", ");
    let (code, said) = refused(folder.path(), &format!("data: file\nlisteners: {{{listeners}}}\n"));
    assert_eq!((code, said.as_str()), (Some(1), "file: File exists (os error 17)"));
}

#[test]
fn a_configuration_that_is_refused_exits_with_64() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = refused(folder.path(), "log: a=b=c\n");
    assert_eq!(code, Some(64));
    assert_eq!(said.matches("error parsing level filter").count(), 1, "{said}");
}
