use proptest::prelude::*;

use super::*;

const RELEASE: &str = "\
application: shop
version: v2
artifact: {image: 'registry.example/shop@sha256:12'}
components:
  - name: checkout
    version: c7
    artifact: {config: checkout.yaml}
    blocks:
      - {name: tax, version: t4, artifact: {source: blocks/tax.rs}}
      - name: discount
  - name: search
";

#[test]
fn a_release_names_the_application_and_all_that_it_consists_of() {
    let file = ReleaseFile::parse(RELEASE).unwrap();
    let named: Vec<_> =
        file.release().entries().map(|entry| format!("{} {}", entry.subject, entry.version)).collect();
    let expected = [
        "shop v2",
        "shop/checkout c7",
        "shop/checkout/tax t4",
        "shop/checkout/discount v2",
        "shop/search v2",
    ];
    assert_eq!(named, expected);
    let release = file.release();
    assert_eq!(release.application().subject.as_str(), "shop");
    assert_eq!(release.parts().len(), 4);
    let Some(FileArtifact::File { kind, path, field }) = &release.parts()[1].artifact else { panic!() };
    assert_eq!((*kind, path.as_str()), (ContentKind::Source, "blocks/tax.rs"));
    assert_eq!(field, "components[0].blocks[0].artifact.source");
    assert_eq!(file.place(field), (9, 53));
    let place = |path: &str| file.place(&file.version_field(&path.parse().unwrap()).unwrap());
    assert_eq!((place("shop"), place("shop/checkout")), ((2, 10), (6, 14)));
    assert_eq!(place("shop/checkout/tax"), (9, 30));
    assert_eq!(place("shop/search"), (11, 5), "who gives no label is where it is named");
    assert_eq!(file.version_field(&"shop/basket".parse().unwrap()), None);
}

#[track_caller]
fn refused(yaml: &str, expected: &[&str]) {
    let errors = ReleaseFile::parse(yaml).unwrap_err();
    let said: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said:?}, not {expected:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_named_with_field_rule_line_and_column() {
    refused("version: v1\n", &["line 1, column 1: missing field `application`"]);
    refused(
        "application: shop\nversion: v1\nverson: v2\n",
        &["line 3, column 1: verson: unknown field `verson`"],
    );
    refused("application: [a]\nversion: v1\n", &["line 1, column 14: application: "]);
    refused(
        "application: shop\nversion: v1\nartifact: {binary: x}\n",
        &["line 3, column 12: artifact: unknown variant `binary`"],
    );
    refused(
        "application: sh op\nversion: 'v 1'\n",
        &[
            "line 1, column 14: application: must be 1 to 64 letters",
            "line 2, column 10: version: must be 1 to 128 visible ASCII",
        ],
    );
    refused(
        "application: shop\nversion: v1\ncomponents:\n- name: overflow\n- name: a\n  version: ''\n- name: a\n  blocks:\n  \
         - {name: b/c, artifact: {wasm: ''}}\n",
        &[
            "line 4, column 9: components[0].name: must not be `unmatched` or `overflow`",
            "line 6, column 12: components[1].version: must be 1 to 128",
            "line 7, column 9: components[2].name: \"a\" is named twice",
            "line 9, column 12: components[2].blocks[0].name: must be 1 to 64 letters",
            "line 9, column 34: components[2].blocks[0].artifact.wasm: must not be empty",
        ],
    );
    refused(
        "application: shop\nversion: v1\ncomponents: [{name: a, blocks: [{name: b}, {name: b}]}]\n",
        &["line 3, column 51: components[0].blocks[1].name: \"b\" is named twice"],
    );
    refused(&"#".repeat(bounds::YAML_BYTES + 1), &["exceeds the limit of 1048576"]);
    let many: String = (0..bounds::ENTRIES).map(|number| format!("- name: c{number}\n")).collect();
    refused(
        &format!("application: shop\nversion: v1\ncomponents:\n{many}"),
        &["line 4, column 3: components: exceeds the limit of 2000"],
    );
}

fn entry(subject: &str) -> Entry<()> {
    Entry { subject: subject.parse().unwrap(), version: "v1".parse().unwrap(), artifact: None }
}

#[test]
fn versions_that_do_not_belong_together_are_no_release() {
    let release = |subjects: &[&str]| Release::new(subjects.iter().map(|path| entry(path)).collect());
    assert!(release(&["shop", "shop/a", "shop/a/b", "shop/c"]).is_ok());
    for (subjects, words) in [
        (&[][..], "versions[0].subject: must be an application"),
        (&["shop/a"], "versions[0].subject: must be an application"),
        (&["shop", "news/a"], "versions[1].subject: must be within shop, after what it is in; news/a is not"),
        (&["shop", "shop/a/b", "shop/a"], "versions[1].subject: must be within shop"),
        (&["shop", "news"], "versions[1].subject: must be within shop"),
        (&["shop", "shop/a", "shop/a"], "versions[2].subject: shop/a is named twice"),
        (&["shop", "shop"], "versions[1].subject: shop is named twice"),
    ] {
        let said = release(subjects).unwrap_err().to_string();
        assert!(said.starts_with(words), "{said:?}, not {words:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_release_or_errors(text in "[a-z:{}\\[\\], \n'-]{0,80}|.*") {
        match ReleaseFile::parse(&text) {
            Ok(file) => prop_assert!(file.release().parts().len() < bounds::ENTRIES),
            Err(errors) => prop_assert!(!errors.errors().is_empty()),
        }
    }

    #[test]
    fn a_release_with_pieces_cut_out_or_repeated_is_read_or_refused(from in 0..250_usize, to in 0..250_usize) {
        let (from, to) = (from.min(RELEASE.len()), to.min(RELEASE.len()));
        let text = format!("{}{}", &RELEASE[..from], &RELEASE[to..]);
        if let Err(errors) = ReleaseFile::parse(&text) {
            prop_assert!(errors.errors().iter().all(|error| !error.to_string().is_empty()));
        }
    }
}
