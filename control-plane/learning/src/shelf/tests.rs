use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A folder, as files do what operations ask for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Folder(BTreeMap<String, Vec<u8>>);

impl Folder {
    fn perform(&mut self, operations: &[Operation]) {
        for operation in operations {
            match operation {
                Operation::Write { file, bytes } => {
                    self.0.insert(file.clone(), bytes.clone());
                }
                Operation::Remove { file } => {
                    self.0.remove(file);
                }
            }
        }
    }

    fn shelf(&self) -> Shelf {
        let index = self.0.get(&Model::Tuning.index_file());
        index.map_or_else(
            || Shelf::new(Model::Tuning),
            |index| Shelf::read(std::str::from_utf8(index).unwrap(), Model::Tuning).unwrap(),
        )
    }

    fn adopt(&mut self, version: &str, now: u64) {
        let change = self.shelf().adopt(stored(version, version.as_bytes()), now).unwrap();
        self.perform(&change.operations);
        assert_eq!(self.shelf(), change.shelf);
    }

    fn restore(&mut self, version: Option<&str>) -> Result<Option<String>, ShelfError> {
        let shelf = self.shelf();
        let change = match shelf.way_back(version)? {
            Way::Defaults => shelf.restore_defaults(),
            Way::Version(found) => shelf.restore(&found.version, &self.0[&shelf.file(&found.version)])?,
        };
        self.perform(&change.operations);
        Ok(self.in_force())
    }

    fn in_force(&self) -> Option<String> {
        self.shelf().in_force().map(|version| version.version.clone())
    }

    /// Every version has its document, unchanged.
    fn is_whole(&self) -> bool {
        let shelf = self.shelf();
        shelf.versions().iter().all(|version| {
            let document = self.0.get(&shelf.file(&version.version));
            document.is_some_and(|bytes| hex(&Sha256::digest(bytes)) == version.sha256)
        })
    }
}

fn stored<'a>(version: &'a str, bytes: &'a [u8]) -> Stored<'a> {
    Stored { version, card: json!({"of": version}), bytes }
}

#[test]
fn the_old_version_is_restored_by_one_command_and_its_bytes_are_those_it_had() {
    let mut folder = Folder::default();
    for (now, version) in ["a1", "b2", "c3"].into_iter().enumerate() {
        folder.adopt(version, now as u64);
    }
    assert_eq!(folder.in_force().as_deref(), Some("c3"));
    assert_eq!(folder.restore(None).unwrap().as_deref(), Some("b2"));
    assert_eq!(folder.restore(None).unwrap().as_deref(), Some("a1"));
    assert_eq!(folder.restore(None).unwrap(), None);
    assert_eq!(folder.restore(None), Err(ShelfError::NoneBefore { model: "tuning" }));
    assert_eq!(folder.restore(Some("c3")).unwrap().as_deref(), Some("c3"));
    assert_eq!(folder.restore(Some(DEFAULTS)).unwrap(), None);
    assert_eq!(folder.0["tuning-b2.json"], b"b2");
    assert_eq!(folder.shelf().versions()[1].card, json!({"of": "b2"}));
}

#[test]
fn the_way_back_leads_to_what_was_replaced_whatever_was_put_there_meanwhile() {
    let mut folder = Folder::default();
    folder.adopt("a1", 1);
    folder.adopt("b2", 2);
    folder.restore(None).unwrap();
    folder.adopt("c3", 3);
    assert_eq!(folder.restore(None).unwrap().as_deref(), Some("a1"));
    folder.adopt("b2", 4);
    assert_eq!((folder.in_force().as_deref(), folder.shelf().versions().len()), (Some("b2"), 3));
}

#[test]
fn of_more_versions_than_are_kept_the_oldest_goes_that_nobody_needs() {
    let mut folder = Folder::default();
    for number in 0..VERSIONS_MAX {
        folder.adopt(&format!("v{number}"), number as u64);
    }
    folder.restore(Some("v0")).unwrap();
    folder.adopt("new", 99);
    let kept: Vec<String> = folder.shelf().versions().iter().map(|version| version.version.clone()).collect();
    assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str()), (VERSIONS_MAX, "v0", "v2"));
    assert!(!folder.0.contains_key("tuning-v1.json") && folder.is_whole());
    assert_eq!(folder.restore(None).unwrap().as_deref(), Some("v0"));
    let unknown = folder.restore(Some("v1")).unwrap_err();
    assert_eq!(unknown.to_string(), "version: v1 of tuning is not kept");
}

#[test]
fn a_document_that_was_changed_is_not_restored() {
    let mut folder = Folder::default();
    folder.adopt("a1", 1);
    folder.adopt("b2", 2);
    folder.0.insert("tuning-a1.json".to_owned(), b"other".to_vec());
    assert_eq!(folder.restore(None), Err(ShelfError::Damaged { version: "a1".to_owned() }));
    let other = folder.shelf().adopt(stored("b2", b"other"), 3);
    assert_eq!(other, Err(ShelfError::Damaged { version: "b2".to_owned() }));
    assert_eq!(folder.in_force().as_deref(), Some("b2"));
}

#[test]
fn names_that_could_leave_the_folder_and_broken_indexes_are_refused() {
    let long = "a".repeat(65);
    for name in ["", "../x", "a/b", "A1", "a.b", DEFAULTS, long.as_str()] {
        let refused = Shelf::new(Model::Logs).adopt(stored(name, b""), 0);
        assert!(matches!(refused, Err(ShelfError::Name { .. })), "{name}");
    }
    let huge = Stored { card: json!("x".repeat(40_000)), ..stored("a1", b"") };
    assert_eq!(Shelf::new(Model::Logs).adopt(huge, 0), Err(ShelfError::Card));
    let shelf = Shelf::new(Model::Tuning).adopt(stored("a1", b"1"), 0).unwrap().shelf;
    let text = serde_json::to_string(&shelf).unwrap();
    assert_eq!(Shelf::read(&text, Model::Tuning).unwrap(), shelf);
    let check = |from: &str, to: &str, model: Model, said: &str| {
        let error = Shelf::read(&text.replacen(from, to, 1), model).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    check("", "", Model::Logs, "that of another model");
    check("serin-shelf/1", "serin-shelf/2", Model::Tuning, "is not of the form");
    check("\"in_force\":\"a1\"", "\"in_force\":\"b2\"", Model::Tuning, "does not hold");
    check("\"version\":\"a1\"", "\"version\":\"../a1\"", Model::Tuning, "version:");
    check("{", "[", Model::Tuning, "index:");
}

proptest! {
    #[test]
    fn a_stop_between_any_two_operations_leaves_a_shelf_that_is_whole(
        acts in prop::collection::vec((0..30_u8, any::<bool>(), 0..4_usize), 1..60),
    ) {
        let mut folder = Folder::default();
        for (now, (number, adopts, done)) in acts.into_iter().enumerate() {
            let version = format!("v{number}");
            let shelf = folder.shelf();
            let change = if adopts {
                shelf.adopt(stored(&version, version.as_bytes()), now as u64).unwrap()
            } else {
                match shelf.way_back(Some(&version)) {
                    Ok(Way::Version(found)) => shelf.restore(&found.version, version.as_bytes()).unwrap(),
                    Ok(Way::Defaults) | Err(_) => continue,
                }
            };
            let mut stopped = folder.clone();
            stopped.perform(&change.operations[..done.min(change.operations.len())]);
            prop_assert!(stopped.is_whole());
            prop_assert!(stopped.shelf() == shelf || stopped.shelf() == change.shelf);
            folder.perform(&change.operations);
            prop_assert!(folder.is_whole() && folder.shelf().versions().len() <= VERSIONS_MAX);
            prop_assert!(folder.0.len() <= VERSIONS_MAX + 1);
        }
    }
}
