//! What several writers wrote is read as one table, and what is damaged is refused. `tests/fixtures/parquet.py` wrote the files.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::{Column, Layout, Table, TableError};

/// The rows of the fixtures of one table, as CSV.
const EXPECTED: &str = "\
at,service,files,entropy,migrations,urgent,note,rolled_back
2026-01-02T03:04:05Z,cart,3,1.5,1,1,\"a, b\",1
2026-01-03T00:00:00Z,,,,0,0,,0
2026-01-04T00:00:00Z,search,250,,,,ä,1
";
const WRITERS: [&str; 7] = ["snappy", "gzip", "lz4", "int96", "dictionary", "pandas", "polars"];

fn bytes(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet");
    fs::read(folder.join(format!("{name}.parquet"))).unwrap()
}

fn read(name: &str) -> Result<Table, TableError> {
    Table::read_parquet(bytes(name), &Layout::default())
}

/// With missing numbers as `None`, which are equal.
fn columns(table: &Table) -> Vec<(String, Vec<Option<String>>)> {
    let of = |column: &Column| match column {
        Column::Measure(numbers) => {
            numbers.iter().map(|number| (!number.is_nan()).then(|| number.to_string())).collect()
        }
        Column::Category(words) => words.clone(),
    };
    table.columns().map(|(name, column)| (name.to_owned(), of(column))).collect()
}

#[test]
fn what_several_writers_wrote_is_one_table() {
    let expected = Table::read(EXPECTED, super::super::Format::Csv, &Layout::default()).unwrap();
    for writer in WRITERS {
        let table = read(writer).unwrap_or_else(|error| panic!("{writer}: {error}"));
        assert_eq!(columns(&table), columns(&expected), "{writer}");
        assert_eq!(table.labels(), expected.labels(), "{writer}");
        assert_eq!(table.unused(), expected.unused(), "{writer}");
        let whole: Vec<_> = table.times.iter().map(|at| at.map(f64::floor)).collect();
        assert_eq!(whole, expected.times, "{writer}");
        let first = table.times[0].unwrap();
        assert!((first - 1_767_323_045.25).abs() < 1e-6, "{writer}: parts of a second are kept, not {first}");
        assert_ne!(table.sha256(), expected.sha256(), "of the file, not of its rows");
    }
}

#[test]
fn numbers_are_read_whatever_they_are_kept_as() {
    let table = read("numbers").unwrap();
    let of = |name: &str| match table.column(name) {
        Some(Column::Measure(numbers)) => numbers.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(table.times, [Some(1_767_312_000.0), Some(86_400.0)]);
    assert_eq!(of("small"), [-12.34, 0.05]);
    assert!((of("wide")[0] / -12_345_678_901_234_567_890.5 - 1.0).abs() < 1e-15 && of("wide")[1].is_nan());
    assert_eq!(of("unsigned"), [18_446_744_073_709_551_615.0, 1.0]);
    assert_eq!(of("single"), [0.5, -2.25]);
    assert!(of("nothing").iter().all(|number| number.is_nan()));
}

#[test]
fn what_a_table_has_not_is_refused_at_its_row_and_column() {
    for (name, said) in [
        ("list", "line 1, column 3: files.list.element: is of a type that is neither a number"),
        ("group", "line 1, column 3: change.lines: is of a type"),
        ("clock", "line 1, column 3: clock: is of a type"),
        ("infinite", "line 2, column 3: files: is not a finite number"),
        ("words", "line 2, column 3: files: is not a number"),
        ("latin", "line 1, column 3: note: is not UTF-8"),
        ("empty", "holds no deployment"),
    ] {
        // Their time is the number of a row.
        let layout = Layout { labelled: false, time: "began".to_owned(), ..Layout::default() };
        let error = Table::read_parquet(bytes(name), &layout).unwrap_err().to_string();
        assert!(error.starts_with(said), "{name}: {error}");
    }
    let cut = Table::read_parquet(bytes("snappy")[..900].to_vec(), &Layout::default()).unwrap_err();
    assert!(matches!(cut, TableError::Parquet { .. }), "{cut}");
}

#[test]
fn a_nested_column_that_is_left_out_is_not_looked_at() {
    for (name, ignored) in [("list", "files"), ("group", "change"), ("clock", "clock")] {
        let layout = Layout {
            labelled: false,
            time: "began".to_owned(),
            ignored: vec![ignored.to_owned()],
            demanded: vec![ignored.to_owned()],
            ..Layout::default()
        };
        let table = Table::read_parquet(bytes(name), &layout).unwrap();
        assert!(table.column(ignored).is_none() && table.rows() == 1, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_damaged_file_is_read_or_refused_and_never_ends_in_a_panic(
        file in 0..WRITERS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = bytes(WRITERS[file]);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = Table::read_parquet(bytes, &Layout::default());
    }
}
