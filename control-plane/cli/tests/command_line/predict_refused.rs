//! What the rollback predictor and the gate refuse, as people meet it.

use std::path::Path;

use crate::online::PLAN;
use crate::predict::{HARMLESS, Trained, fixture};
use crate::program::serin;

#[test]
fn an_output_replaces_no_input_and_model_and_report_are_written_both_or_not_at_all() {
    let trained = Trained::new("60");
    let (table, model, next) =
        (trained.path("history.csv"), trained.path("model.json"), trained.path("next.json"));
    let before = std::fs::read(&table).unwrap();
    let refused = |arguments: &[&str], said: &str| {
        let ran = serin(arguments).exits(2);
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    };
    refused(&["predict", "train", &table, "-o", &table], "both read and written");
    refused(&["predict", "train", &table, "-o", &next, "--html", &next], "two outputs");
    refused(&["predict", "train", &table, "-o", "-"], "standard output holds the answer");
    refused(&["predict", "evaluate", &table, "--model", &model, "--html", &model], "both read and written");
    let (release, plan) = (trained.file("r.json", HARMLESS), trained.file("plan.yaml", PLAN));
    let gate = ["gate", "--release", &release, "--model", &model, "--plan", &plan, "--plan-out", &plan];
    refused(&gate, "both read and written");
    assert_eq!(std::fs::read(&table).unwrap(), before);
    let report = trained.path("nowhere/report.html");
    serin(&["predict", "train", &table, "-o", &next, "--html", &report]).exits(1);
    assert!(!Path::new(&next).exists(), "a model without its report");
}

#[test]
fn what_cannot_be_read_is_refused_with_place_and_next_step() {
    let trained = Trained::new("60");
    let (table, model) = (trained.path("history.csv"), trained.path("model.json"));
    let says = |arguments: &[&str], place: &str, next: &str| {
        let ran = serin(arguments).exits(2);
        assert!(ran.stderr.contains(place), "{place}: {ran:?}");
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.starts_with("next: ") && last.contains(next), "{next}: {ran:?}");
    };
    let broken = trained.file("broken.csv", "at,files,rolled_back\n100001,many,0\n");
    says(
        &["predict", "train", &broken, "-o", &model],
        "broken.csv:2:8: files: is not a number",
        "docs/predict.md",
    );
    let whole = std::fs::read_to_string(Path::new(&model)).unwrap();
    let cut = trained.file("cut.json", &whole[..whole.len() / 2]);
    says(&["predict", "score", &table, "--model", &cut], "is not a whole model", "serin predict train");
    let changed = trained.file("changed.json", &whole.replacen("\"rows\":60", "\"rows\":61", 1));
    says(&["predict", "score", &table, "--model", &changed], "was changed or damaged", "serin predict train");
    let parquet = trained.file("cut.parquet", "PAR1 and no more");
    says(&["predict", "score", &parquet, "--model", &model], "cannot be read as Parquet", "docs/predict.md");
    says(&["predict", "score", &fixture("list"), "--model", &model], ":1:3", "docs/predict.md");
    let good = trained.file("good.csv", "at,files,rolled_back\n100001,1,0\n100002,2,0\n");
    says(&["predict", "train", &good, "-o", &model], "all 2 deployments went well", "rolled back");
    for (option, name, said) in [
        ("--ignore", "fils", "has no column fils, which is named as one to leave out"),
        ("--category", "team", "has no column team, which is named as a category"),
        ("--ignore", "rolled_back", "rolled_back is named as the label and as one to leave out"),
        ("--time", "rolled_back", "rolled_back is named as the label and as the time"),
    ] {
        says(&["predict", "evaluate", &table, option, name], said, "--ignore");
    }
    // The usual category may have another role without a word.
    serin(&["predict", "evaluate", &table, "--ignore", "service"]).exits(0);
    let semicolons = trained.file("semicolons.csv", "at;files;rolled_back\n100001;1;0\n");
    says(&["predict", "train", &semicolons, "-o", &model], "looks separated by ';'", "docs/predict.md");
    let array = trained.file("array.json", "[{\"files\": 1}]");
    says(
        &["predict", "score", &array, "--model", &model],
        "array.json:1:1: is not a JSON object: is an array",
        "",
    );
    let latin = trained.path("latin.csv");
    std::fs::write(&latin, b"at,service\n100001,caf\xe9\n").unwrap();
    says(&["predict", "train", &latin, "-o", &model], "latin.csv:2:11: is not UTF-8 text", "UTF-8");
    let marked = trained.file("marked.json", &format!("\u{feff}{whole}"));
    serin(&["predict", "score", &table, "--model", &marked]).exits(0);
    for (text, said) in [
        ("{\"tests_passed\": 50}", "release.json:1:2: tests_passed: is no part of 1"),
        ("{\"files\": 1, \"files\": 900}", "release.json:1:14: the column files is there twice"),
        ("{\"files\": true}", "release.json:1:2: files: is not a number"),
        ("", "release.json: holds no deployment"),
    ] {
        let release = trained.file("release.json", text);
        let gate = ["gate", "--release", &release, "--model", &model];
        says(&gate, said, "what a release holds");
        assert!(serin(&gate).stderr.contains("release.json is not a release"), "{said}");
    }
    says(&["gate", "--release", "-", "--model", "-"], "only one can be read", "");
    says(&["gate", "--release", &table, "--model", &model, "--block", "2"], "is not from 0 to 1", "--help");
}
