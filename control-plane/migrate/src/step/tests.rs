use super::{Direction, Refusal, Stage, Step, Written};

fn written<'a>(up: &'a str, down: &'a str) -> Written<'a> {
    Written { name: "0007_tax", up, down, stage: Stage::Expand, transaction: true }
}

fn refused(written: Written<'_>) -> String {
    let refusals = Step::new(written).unwrap_err();
    refusals.iter().map(Refusal::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_breaks_a_rule_is_refused_with_field_line_and_rule() {
    for (step, expected) in [
        (
            Written { name: "a b", ..written("create table t ()", "drop table t") },
            "name: must be 1 to 128 letters",
        ),
        (written("", "drop table t"), "up: line 1: must hold a statement"),
        (written("create table t ()", "drop 'table"), "down: line 1: a string does not end"),
        (written("create table t ();\ncommit", "drop table t"), "up: line 2: COMMIT: transactions, limits"),
        (
            written("create index concurrently i on t (a)", "drop index i"),
            "up: line 1: CREATE INDEX cannot run in",
        ),
        (written("alter table t drop column a", "select 1"), "up: line 1: ALTER TABLE removes something"),
        (
            written("alter table t rename a to b", "select 1"),
            "renames or moves something that the baseline may need",
        ),
        (written("alter table t alter a set not null", "select 1"), "may refuse what the baseline writes"),
        (written("select f()", "select 1"), "is not known, so it may take something from the baseline"),
        (
            Written { transaction: false, ..written("vacuum a; vacuum b", "vacuum a") },
            "up: must be one statement, because it runs outside of a transaction",
        ),
    ] {
        let words = refused(step);
        assert!(words.contains(expected), "{words}\n  lacks {expected}");
    }
}

#[test]
fn what_a_script_makes_itself_it_may_also_make_strict() {
    let up =
        "create table Tax (id int); alter table tax add primary key (id); create unique index on tax (id)";
    assert!(Step::new(written(up, "drop table tax")).is_ok());
    let up = "create table if not exists tax (id int); alter table tax add primary key (id)";
    assert!(refused(written(up, "drop table tax")).contains("may refuse what the baseline writes"));
}

#[test]
fn contracting_may_remove_and_is_known_to_lose_data() {
    let contract =
        Written { stage: Stage::Contract, ..written("alter table t drop a", "alter table t add a int") };
    let step = Step::new(contract).unwrap();
    assert_eq!(step.loss(Direction::Up).unwrap().1.to_string(), "drops a column");
    assert_eq!(step.loss(Direction::Down), None);
}

#[test]
fn the_checksum_is_of_both_scripts_and_of_where_one_ends() {
    let checksum = |up, down| Step::new(written(up, down)).unwrap().checksum();
    let of = checksum("create table a ()", "drop table a");
    assert_eq!(of, checksum("create table a ()", "drop table a"));
    assert_ne!(of, checksum("create table a () ", "drop table a"));
    assert_ne!(of, checksum("create table a ()", "drop table a -- b"));
}
