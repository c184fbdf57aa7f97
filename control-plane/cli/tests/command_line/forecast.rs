//! What models are worth on series in files, without a server.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::program::serin;

/// A file of three weeks in steps of two hours, with a daily course and a little noise.
fn weeks() -> String {
    let mut text = "timestamp,value\n".to_owned();
    for step in 0..252_u32 {
        let noise = f64::from((step * 7919) % 101) / 101.0;
        let value = 40.0 + 9.0 * (f64::from(step % 12) / 12.0 * std::f64::consts::TAU).sin() + noise;
        writeln!(text, "2026-01-{:02} {:02}:00:00,{value}", step / 12 + 1, step % 12 * 2).unwrap();
    }
    text
}

#[test]
fn a_folder_of_series_is_evaluated_and_what_is_no_series_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deeper")).unwrap();
    fs::write(folder.path().join("deeper/weeks.csv"), weeks()).unwrap();
    fs::write(folder.path().join("other.csv"), "name,size\n").unwrap();
    fs::write(folder.path().join("notes.txt"), "timestamp,value\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let asked = ["forecast", "evaluate", path, "--quick"];
    let answer = serin(&[&asked[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(answer["horizon"], json!(12));
    let series = &answer["series"][0];
    assert_eq!(series["file"], json!("deeper/weeks.csv"));
    assert_eq!(
        (&series["step_s"], &series["period"], &series["steps"]),
        (&json!(7200), &json!(12), &json!(252))
    );
    assert_eq!(answer["series"].as_array().unwrap().len(), 1);
    assert_eq!(answer["skipped"][0]["file"], json!("other.csv"));
    let models = answer["models"].as_array().unwrap();
    let choice = models.last().unwrap();
    assert_eq!(choice["model"], json!(null));
    assert!(choice["mae_to_naive"].as_f64().unwrap() < 0.3, "{choice}");
    assert!(models.iter().all(|model| model["model"] != json!("lstm")), "{models:?}");

    let words = serin(&asked).exits(0).stdout;
    assert!(words.starts_with("12 steps ahead on the last third of 1 series"), "{words}");
    assert!(
        words.contains("deeper/weeks.csv") && words.contains("left out other.csv: line 1, column 1"),
        "{words}"
    );
    assert_eq!(serin(&asked).stdout, words);
}

#[test]
fn what_cannot_be_evaluated_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.csv");
    fs::write(&file, "timestamp,value\n2026-01-01 00:00:00,1\nyesterday,2\n").unwrap();
    let error = serin(&["forecast", "evaluate", file.to_str().unwrap(), "--json"]).exits(2).error();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.ends_with("line 3, column 1: timestamp must be a time like 2014-02-14 14:30:00"),
        "{message}"
    );
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let error = serin(&["forecast", "evaluate", empty.to_str().unwrap(), "--json"]).exits(2).error();
    assert!(error["message"].as_str().unwrap().ends_with("holds no .csv file"), "{error}");
    serin(&["forecast", "evaluate", "nowhere.csv"]).exits(2);
    serin(&["forecast", "evaluate", "nowhere.csv", "--horizon", "0"]).exits(2);
}
