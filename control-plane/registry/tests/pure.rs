//! All but the store of artifacts is a function of its arguments, and is compiled without it.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs;
use std::path::Path;

const OUTSIDE: [&str; 9] = [
    "Instant::now",
    "SystemTime::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "tokio::",
    "object_store",
    "static mut",
];

fn check(folder: &Path) -> usize {
    let mut checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("store") || name.starts_with("tests") {
            continue;
        }
        if path.is_dir() {
            checked += check(&path);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for word in OUTSIDE {
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
        checked += 1;
    }
    checked
}

#[test]
fn what_is_decided_about_versions_touches_nothing_outside() {
    let checked = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(checked >= 9, "only {checked} files were found");
}
