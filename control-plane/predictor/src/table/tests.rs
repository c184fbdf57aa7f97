//! Reading tables: what is taken, and where what is refused.

use proptest::prelude::*;

use super::*;

fn csv(text: &str) -> Result<Table, TableError> {
    Table::read(text, Format::Csv, &Layout::default())
}

fn json(text: &str) -> Result<Table, TableError> {
    Table::read(text, Format::Json, &Layout::default())
}

#[test]
fn columns_get_their_role_by_name_and_a_missing_value_is_none() {
    let table = csv("at,service,files,note,mood,rolled_back\n\
                     2026-01-02T00:00:00Z,cart,3,\"a, b\",0.5,1\n\
                     1767225600,,NA,c,,false\n")
    .unwrap();
    assert_eq!(table.rows(), 2);
    assert_eq!(table.labels(), [Some(true), Some(false)]);
    assert_eq!(table.times, [Some(1_767_312_000.0), Some(1_767_225_600.0)]);
    assert_eq!(table.unused(), ["note"]);
    assert_eq!(table.column("service"), Some(&Column::Category(vec![Some("cart".to_owned()), None])));
    let Some(Column::Measure(files)) = table.column("files") else { panic!("{table:?}") };
    assert!(files[0] == 3.0 && files[1].is_nan());
    assert!(table.column("mood").is_some() && table.column("rolled_back").is_none());
}

#[test]
fn json_lines_and_one_object_over_several_lines_read_alike() {
    let lines = json(
        "{\"at\":100001,\"rolled_back\":true,\"files\":2}\n{\"at\":100002,\"rolled_back\":0,\"size\":1.5}\n",
    )
    .unwrap();
    assert_eq!(lines.labels(), [Some(true), Some(false)]);
    let Some(Column::Measure(size)) = lines.column("size") else { panic!("{lines:?}") };
    assert!(size[0].is_nan() && size[1] == 1.5);
    let layout = Layout { labelled: false, ..Layout::default() };
    let text = "{\n  \"service\": \"cart\",\n  \"files\": 7\n}\n";
    assert_eq!(Format::of(text), Format::Json);
    let one = Table::read(text, Format::Json, &layout).unwrap();
    assert_eq!((one.rows(), one.labels()), (1, &[None][..]));
}

#[test]
fn what_breaks_a_rule_is_refused_at_its_line_and_column() {
    for (text, place, said) in [
        ("at,rolled_back\n100001,1\n100002\n", (3, 1), "has 1 cells, the header has 2"),
        ("at,rolled_back\n100001,1,1\n", (2, 1), "has 3 cells"),
        ("at,files,rolled_back\n100001,many,1\n", (2, 8), "files: is not a number"),
        ("at,x,rolled_back\n100001,inf,1\n", (2, 8), "x: is not a finite number"),
        ("at,x,rolled_back\n100001,1,1\n100002,1e155,1\n", (3, 8), "x: is larger than 1e20"),
        ("at,x,rolled_back\n100001,-1e308,1\n", (2, 8), "x: is larger than 1e20, or below -1e20"),
        ("at,files,rolled_back\n100001,1e21,1\n", (2, 8), "files: is larger than 1e20"),
        ("at,files,rolled_back\n100001,-5,1\n", (2, 8), "files: is below 0"),
        ("at,files,rolled_back\n100001,true,1\n", (2, 8), "files: is not a number"),
        ("at,tests_passed,rolled_back\n100001,50,1\n", (2, 8), "tests_passed: is no part of 1"),
        ("at,hour,rolled_back\n100001,99,1\n", (2, 8), "hour: is no hour of the day"),
        ("at,weekday,rolled_back\n100001,0,1\n", (2, 8), "weekday: is no day of the week"),
        ("at;files;rolled_back\n100001;1;1\n", (1, 1), "the first line looks separated by ';'"),
        ("at\tfiles\trolled_back\n", (1, 1), "the first line looks separated by tabs"),
        ("at,rolled_back\n100001,maybe\n", (2, 8), "rolled_back: is neither true nor false"),
        ("at,rolled_back\nyesterday,1\n", (2, 1), "at: is no date"),
        ("at,rolled_back\n-5,1\n", (2, 1), "at: is no time"),
        (
            "at,rolled_back\n2015,1\n",
            (2, 1),
            "at: is no time: seconds since the Unix epoch are 100000 or more",
        ),
        ("at,at,rolled_back\n", (1, 4), "the column at is there twice"),
        ("at,,rolled_back\n", (1, 4), "a column has no name"),
        ("at,rolled_back\n\"1,1\n", (2, 1), "a quote is never closed"),
        ("at,rolled_back\n\"1\"x,1\n", (2, 4), "something follows the closing quote"),
        ("at,rolled_back\n1\"2,1\n", (2, 2), "a quote stands inside"),
    ] {
        let error = csv(text).unwrap_err();
        let Place { line, column } = error.place().unwrap();
        assert_eq!((line, column), place, "{text:?}: {error}");
        assert!(error.to_string().contains(said), "{text:?}: {error}");
    }
}

#[test]
fn json_is_refused_at_its_line_and_column() {
    for (text, place, said) in [
        ("{\"at\":100001,\"rolled_back\":true}\n{\"at\":100001,\n", (3, 0), "is not a JSON object"),
        (
            "{\"at\":100001,\"rolled_back\":true}\n{\"at\":100001,\"rolled_back\":7}\n",
            (2, 14),
            "is neither true nor false",
        ),
        ("{\"at\":100001,\"files\":[1]}", (1, 14), "is neither a number"),
        ("{\"at\":100001,\"files\":\"many\"}", (1, 14), "files: is not a number"),
        ("{\"at\":100001,\"files\":true}", (1, 14), "files: is not a number"),
        ("{\"at\":100001,\"rolled_back\":1,\"x\":1e21}", (1, 30), "x: is larger than 1e20"),
        ("{\"at\":100001,\"at\":100002}", (1, 14), "the column at is there twice"),
        ("\n [{\"at\":100001}]", (2, 2), "is an array; give its objects one after the other"),
    ] {
        let error = json(text).unwrap_err();
        let found = error.place().unwrap();
        assert_eq!(found.line, place.0, "{text:?}: {error}");
        assert!(place.1 == 0 || found.column == place.1, "{text:?}: {error}");
        assert!(error.to_string().contains(said), "{text:?}: {error}");
    }
}

#[test]
fn a_table_without_label_or_time_is_refused_unless_it_is_to_be_scored() {
    assert_eq!(
        csv("files,rolled_back\n1,1\n"),
        Err(TableError::Lacks { column: "at".to_owned(), role: "the time" })
    );
    assert!(csv("at,files\n100001,1\n").unwrap_err().to_string().contains("rolled_back"));
    assert_eq!(csv("at,rolled_back\n"), Err(TableError::Empty));
    assert_eq!(csv(""), Err(TableError::Empty));
}

#[test]
fn a_column_is_one_of_numbers_only_if_all_of_it_is_whatever_its_first_row_holds() {
    let of = |first: &str, second: &str| {
        csv(&format!("at,x,rolled_back\n100001,{first},1\n100002,{second},0\n")).unwrap()
    };
    for (first, second) in [("5", "five"), ("five", "5"), ("1e300", "a7f"), ("inf", "word")] {
        let table = of(first, second);
        assert_eq!((table.unused(), table.column("x")), (&["x".to_owned()][..], None), "{first} {second}");
        let line = if first.parse::<f64>().is_ok() { 3 } else { 2 };
        let is_mixed = [first, second].contains(&"5");
        let told = table.mixed().first().map(|(_, place)| place.line);
        assert_eq!(told, is_mixed.then_some(line), "{first} {second}");
    }
    assert_eq!(of("5", "true").column("x"), Some(&Column::Measure(vec![5.0, 1.0])));
    assert!(matches!(of("", "7").column("x"), Some(Column::Measure(values)) if values[1] == 7.0));
    // A measure that a model asks for holds numbers in every table.
    let layout = Layout { measures: vec!["x".to_owned()], ..Layout::default() };
    let text = "at,x,rolled_back\n100001,five,1\n100002,5,0\n";
    let error = Table::read(text, Format::Csv, &layout).unwrap_err().to_string();
    assert_eq!(error, "line 2, column 8: x: is not a number");
}

#[test]
fn what_is_left_out_may_hold_anything() {
    let long = "x".repeat(CELL_BYTES_MAX + 2);
    let mut ignored: Vec<String> = (0..COLUMNS_MAX).map(|column| format!("c{column}")).collect();
    let wide = ignored.join(",");
    ignored.push("note".to_owned());
    let layout = Layout { ignored: ignored.clone(), demanded: vec!["note".to_owned()], ..Layout::default() };
    let commas = ",".repeat(COLUMNS_MAX);
    let text = format!(
        "note,at,files,rolled_back,{wide}\n{long},100001,3,1{commas}\n\"{long}\",100002,4,0{commas}\n"
    );
    let table = Table::read(&text, Format::Csv, &layout).unwrap();
    assert_eq!(table.column("files"), Some(&Column::Measure(vec![3.0, 4.0])));
    let short = format!("note,at,files,rolled_back\n{long}\n");
    assert!(matches!(Table::read(&short, Format::Csv, &layout), Err(TableError::Cells { found: 1, .. })));
    let text = "{\"at\":100001,\"rolled_back\":1,\"note\":{\"a\":[1]}}\n{\"at\":100002,\"rolled_back\":0,\"note\":[]}\n";
    assert_eq!(Table::read(text, Format::Json, &layout).unwrap().rows(), 2);
}

#[test]
fn a_column_that_is_named_must_be_there_and_be_one_thing() {
    let read = |layout: &Layout| {
        let text = "at,files,team,rolled_back\n100001,1,a,1\n";
        Table::read(text, Format::Csv, layout).unwrap_err().to_string()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let layout = Layout { ignored: names(&["fils"]), demanded: names(&["fils"]), ..Layout::default() };
    assert_eq!(read(&layout), "has no column fils, which is named as one to leave out");
    let layout = Layout { categories: names(&["tea"]), demanded: names(&["tea"]), ..Layout::default() };
    assert_eq!(read(&layout), "has no column tea, which is named as a category");
    let layout = Layout { time: "rolled_back".to_owned(), ..Layout::default() };
    assert_eq!(read(&layout), "rolled_back is named as the label and as the time");
    for ignored in ["at", "rolled_back"] {
        let said = read(&Layout { ignored: names(&[ignored]), ..Layout::default() });
        assert!(said.starts_with(&format!("{ignored} is named as ")), "{said}");
    }
}

#[test]
fn bounds_are_kept() {
    let wide = (0..=COLUMNS_MAX).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    assert!(matches!(csv(&format!("{wide}\n")), Err(TableError::Columns { .. })));
    let long = "x".repeat(CELL_BYTES_MAX + 2);
    assert!(matches!(csv(&format!("at,note\n100001,{long}\n")), Err(TableError::Long { .. })));
    assert!(matches!(csv(&format!("at,note\n100001,\"{long}\"\n")), Err(TableError::Long { .. })));
    let mut many = String::from("at,rolled_back,service\n");
    (0..=WORDS_MAX).for_each(|word| many.push_str(&format!("100001,1,s{word}\n")));
    assert!(matches!(csv(&many), Err(TableError::Words { .. })));
    let rows = format!("at,rolled_back\n{}", "100001,1\n".repeat(ROWS_MAX + 1));
    assert!(matches!(csv(&rows), Err(TableError::Rows { .. })));
}

#[test]
fn a_public_table_of_defects_is_read_by_the_names_of_its_columns() {
    let text =
        "commit_id,author_date,la,ld,nf,fix,bug\nabc,101000,5,1,2,True,True\ndef,100900,7,0,1,False,False\n";
    let layout = Layout { label: "bug".to_owned(), time: "author_date".to_owned(), ..Layout::default() };
    let table = Table::read(text, Format::Csv, &layout).unwrap();
    assert_eq!(table.unused(), ["commit_id"]);
    let history = History::try_from(&table).unwrap();
    assert_eq!((history.labels(), history.times()), (&[false, true][..], &[100_900.0, 101_000.0][..]));
}

#[test]
fn a_history_of_one_outcome_is_refused_in_words() {
    let table = csv("at,files,rolled_back\n100001,1,0\n100002,1,0\n100003,1,\n").unwrap();
    let error = History::try_from(&table).unwrap_err();
    assert_eq!(
        error.to_string(),
        "all 2 deployments went well: nothing can be learned from one outcome alone"
    );
}

#[test]
fn the_true_probability_is_never_learned_from() {
    let table = csv("at,files,true_probability,rolled_back\n100001,1,0.9,1\n").unwrap();
    assert!(table.column("true_probability").is_none());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_never_ends_in_a_panic(text in "[at,rolled_back\"\r\n{}:0-9.é ]{0,80}") {
        for format in [Format::Csv, Format::Json] {
            if let Err(error) = Table::read(&text, format, &Layout::default())
                && let Some(place) = error.place()
            {
                prop_assert!(place.line >= 1 && place.column >= 1);
            }
        }
    }

    #[test]
    fn words_of_a_category_survive_quoting(words in prop::collection::vec("[a-z\",\n é]{1,12}", 1..8)) {
        let mut text = String::from("service,rolled_back,at\n");
        for word in &words {
            text.push_str(&format!("\"{}x\",1,100001\n", word.replace('"', "\"\"")));
        }
        let table = csv(&text).unwrap();
        let expected: Vec<_> = words.iter().map(|word| Some(format!("{word}x").trim().to_owned())).collect();
        prop_assert_eq!(table.column("service"), Some(&Column::Category(expected)));
    }
}
