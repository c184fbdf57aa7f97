//! docs/registry.md shows what the commands print: each is run, in the order of the page, on a real control plane.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{command, finish};
use crate::server::Server;

const TAX_7: &str = "RATE = 19\n\n\ndef tax(net):\n    return net * RATE // 100\n";
const TAX_8: &str = "RATE = 19\nREDUCED = 7\n\n\ndef tax(net, food=False):\n    return net * (REDUCED if food else RATE) // 100\n";
const DISCOUNT: &str = "def discount(basket):\n    return 5 if basket.total > 100 else 0\n";

/// A command of the page, and what the page says that it prints.
struct Shown {
    command: String,
    output: String,
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/registry.md")).unwrap()
}

fn shown(page: &str) -> Vec<Shown> {
    let blocks = page.split("```\n$ serin ").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let (command, output) = block.split_once('\n').unwrap();
            Shown { command: command.to_owned(), output: output.to_owned() }
        })
        .collect()
}

/// Words of a text, without what differs from run to run: times, rollouts, and the folder of the artifacts.
fn words(text: &str) -> Vec<Vec<String>> {
    let word = |word: &str| match word {
        time if time.len() == 20 && time.ends_with('Z') => "TIME".to_owned(),
        rollout if rollout.len() == 13 && rollout.starts_with("shop-") => "ROLLOUT".to_owned(),
        path => path.find("/artifacts/sha256/").map_or(path, |at| &path[at..]).to_owned(),
    };
    text.lines().map(|line| line.split_whitespace().map(word).collect()).collect()
}

/// A pipeline's folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    /// Runs a command of the page in this folder, and gives all that it prints.
    fn run(&self, server: &Server, line: &str) -> String {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command = command(&arguments);
        command.current_dir(self.0.path()).env("SERIN_SERVER", server.url()).env("SERIN_ACTOR", "ci");
        let ran = finish(command.spawn().unwrap());
        format!("{}{}", ran.stdout, ran.stderr)
    }
}

fn object(server: &Server, beginning: &str) -> PathBuf {
    let folder = server.data().join("artifacts/sha256").join(&beginning[..2]);
    let mut found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(beginning)).unwrap()
}

#[test]
fn the_page_on_the_registry_shows_what_the_commands_print() {
    let (server, folder, page) = (Server::start(), Folder(tempfile::tempdir().unwrap()), page());
    let (_, release) = page.split_once("```yaml\n").unwrap();
    let release = release.split("```").next().unwrap();
    fs::create_dir(folder.0.path().join("blocks")).unwrap();
    for (file, text) in [
        ("checkout.yaml", "currency: EUR\ntimeout: 2s\n"),
        ("blocks/discount.py", DISCOUNT),
        ("blocks/tax.py", TAX_7),
        ("release.yaml", release),
        ("release-v1.yaml", &release.replace("v2", "v1").replace("t8", "t7")),
        ("release-with-t7.yaml", &release.replace("v2", "v3").replace("t8", "t7")),
        ("release-with-faults.yaml", &release.replace("tax.py", "vat.py")),
        (
            "plan.yaml",
            "service: shop\nbaseline: v1\ncanary: v2\nsteps: [{weight: 5%, bake: 1h}]\ncomponents:\n  \
             - {name: checkout, matches: [{path: {prefix: /checkout}}]}\n",
        ),
    ] {
        folder.write(file, text);
    }
    folder.run(&server, "release register -f release-v1.yaml");
    folder.write("blocks/tax.py", TAX_8);
    let commands = shown(&page);
    assert_eq!(commands.len(), 11, "the page shows other commands");
    for (index, Shown { command, output }) in commands.iter().enumerate() {
        match index {
            4 => _ = folder.run(&server, "rollout create -f plan.yaml"),
            5 => _ = folder.run(&server, "rollout rollback shop --component checkout --reason wrong_tax"),
            9 => fs::File::options().write(true).open(object(&server, "5a73")).unwrap().set_len(30).unwrap(),
            10 => folder.write("blocks/tax.py", TAX_7),
            _ => {}
        }
        let printed = folder.run(&server, command).replace("wrong_tax", "wrong tax");
        assert_eq!(words(&printed), words(output), "docs/registry.md shows something else for {command}");
    }
}
