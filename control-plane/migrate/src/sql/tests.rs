//! Scripts and what is read in them. That PostgreSQL reads them alike is shown where one runs (`e2e/tests/outside/migrate.rs`).

use proptest::prelude::*;

use super::{Break, Loss, Malformed, Repair, Script};

fn texts(script: &str) -> Vec<String> {
    Script::parse(script).unwrap().statements().iter().map(|one| one.text.clone()).collect()
}

#[test]
fn statements_end_where_postgresql_ends_them() {
    for (script, expected) in [
        ("select 1; select 2", vec!["select 1", "select 2"]),
        (";; select 1 ;;", vec!["select 1"]),
        ("select ';' , 'it''s;'; select 2", vec!["select ';' , 'it''s;'", "select 2"]),
        (r"select e'a\';b'; select 2", vec![r"select e'a\';b'", "select 2"]),
        (r"select 'a\'; select 2", vec![r"select 'a\'", "select 2"]),
        (r"select U&'\0041;', b'1;', X'1;', n';'", vec![r"select U&'\0041;', b'1;', X'1;', n';'"]),
        ("select e'a'\n'b\\';c'; select 2", vec!["select e'a'\n'b\\';c'", "select 2"]),
        ("select e'a' -- c\n 'b\\';c'; select 2", vec!["select e'a' -- c\n 'b\\';c'", "select 2"]),
        (r#"select "a;""b" from t; select 2"#, vec![r#"select "a;""b" from t"#, "select 2"]),
        ("select $$;$$; select $a$;$$;$b$;$a$", vec!["select $$;$$", "select $a$;$$;$b$;$a$"]),
        ("select $1;$2; select 2", vec!["select $1", "$2", "select 2"]),
        ("select a$b$; select 2; -- $b$", vec!["select a$b$", "select 2"]),
        ("/* ; /* ; */ ; */ select 1; -- ;\nselect 2", vec!["select 1", "select 2"]),
        ("select 1 +-- ;\n 2", vec!["select 1 +-- ;\n 2"]),
        ("select 5*/**/3; select 2", vec!["select 5*/**/3", "select 2"]),
        (
            "create rule r as on insert to t do (delete from a; delete from b); select 1",
            vec!["create rule r as on insert to t do (delete from a; delete from b)", "select 1"],
        ),
        (
            "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
            vec![
                "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end",
                "select 3",
            ],
        ),
        ("select größe, \u{a0}x from t; select 2", vec!["select größe, \u{a0}x from t", "select 2"]),
    ] {
        assert_eq!(texts(script), expected, "{script}");
    }
}

#[test]
fn a_script_that_does_not_end_what_it_begins_is_refused_with_its_line() {
    for (script, line, cause) in [
        ("", 1, Malformed::Empty),
        ("-- nothing\n/* at all */ ;", 1, Malformed::Empty),
        ("select 1;\nselect 'a", 2, Malformed::Unended("a string")),
        ("select e'a\\'", 1, Malformed::Unended("a string")),
        ("\n\nselect \"a", 3, Malformed::Unended("a name in quotes")),
        ("/* /* */", 1, Malformed::Unended("a comment")),
        ("select $a$ $b$", 1, Malformed::Unended("a dollar-quoted string")),
        ("select (1;\nselect 2", 1, Malformed::Parentheses),
        ("select 1);", 1, Malformed::Parentheses),
        (
            "create function f() returns int begin atomic select 1;",
            1,
            Malformed::Unended("the body of a routine"),
        ),
        ("\\copy t from x", 1, Malformed::PsqlCommand),
        ("select 1\0", 1, Malformed::Zero),
    ] {
        let refused = Script::parse(script).unwrap_err();
        assert_eq!((refused.line, refused.cause), (line, cause), "{script}");
    }
}

/// Each with what may be lost, and what the baseline may miss.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_a_statement_may_lose_and_break_is_known_or_counts_as_both() {
    use Break::{Removes, Renames, Replaces, Stricter};
    let column = || Some(Loss::Drops("column".to_owned()));
    let drops = |what: &str| Some(Loss::Drops(what.to_owned()));
    let unknown = (Some(Loss::Unknown), Some(Break::Unknown));
    let runs = (Some(Loss::RunsCode), Some(Break::Unknown));
    for (statement, (loss, breaks)) in [
        ("create table t (a int references u on delete cascade on update cascade)", (None, None)),
        ("create table if not exists t (a int)", (None, None)),
        ("create unlogged table t (a int)", (Some(Loss::Unlogged), None)),
        (
            "create table t as with d as (delete from u returning *) select * from d",
            (Some(Loss::Deletes), None),
        ),
        ("create index on t (a)", (None, None)),
        ("create unique index i on t (a)", (None, Some(Stricter))),
        ("create index concurrently i on t (a)", (None, None)),
        ("create trigger x after update or delete on t for each row execute function f()", (None, None)),
        (
            "create function f() returns trigger language plpgsql as $$ begin delete from t; end $$",
            (None, None),
        ),
        ("create or replace function f() returns int language sql as 'select 1'", (None, Some(Replaces))),
        ("create or replace view v as select 1", (None, Some(Replaces))),
        ("create rule r as on insert to t do instead nothing", (None, Some(Stricter))),
        ("create server s foreign data wrapper w", unknown.clone()),
        ("comment on table t is 'drop table u'", (None, None)),
        ("ALTER TABLE t ADD COLUMN a int", (None, None)),
        ("alter table t add a int not null default 0, add column b text", (None, None)),
        ("alter table t add column a int not null", (None, Some(Stricter))),
        ("alter table t add constraint c check (a > 0) not valid", (None, Some(Stricter))),
        ("alter table t validate constraint c", (None, None)),
        ("alter table t alter a set default 1, alter column b drop not null", (None, None)),
        ("alter table t alter column a set not null", (None, Some(Stricter))),
        ("alter table t alter a drop default", (None, Some(Removes))),
        ("alter table t drop column a", (column(), Some(Removes))),
        ("alter table t drop a", (column(), Some(Removes))),
        ("alter table only s.t add b int, drop if exists a cascade", (Some(Loss::Cascades), Some(Removes))),
        ("alter table t drop constraint c", (None, Some(Removes))),
        ("alter table t drop constraint c cascade", (Some(Loss::Cascades), Some(Removes))),
        ("alter table t rename column a to b", (None, Some(Renames))),
        ("alter table t rename to u", (None, Some(Renames))),
        ("alter table t set schema s", (None, Some(Renames))),
        ("alter table t set unlogged", (Some(Loss::Unlogged), None)),
        ("alter table t detach partition p", (None, Some(Removes))),
        ("alter table t no inherit u", unknown.clone()),
        ("alter table t alter a type int", (None, None)),
        ("alter type colour add value 'red'", (None, None)),
        ("alter type colour rename value 'red' to 'blue'", (None, Some(Renames))),
        ("alter sequence s restart", unknown.clone()),
        ("drop table t", (drops("table"), Some(Removes))),
        ("drop schema s cascade", (Some(Loss::Cascades), Some(Removes))),
        ("drop index i", (None, Some(Removes))),
        ("drop type colour cascade", (Some(Loss::Cascades), Some(Removes))),
        ("drop owned by anna", unknown.clone()),
        ("drop extension hstore", unknown.clone()),
        ("truncate t", (Some(Loss::Truncates), Some(Removes))),
        ("/* harmless */ delete from t where false", (Some(Loss::Deletes), None)),
        ("update t set a = 1", (Some(Loss::Overwrites), None)),
        ("merge into t using u on true when matched then delete", (Some(Loss::Overwrites), None)),
        ("insert into t values (1)", (None, None)),
        ("insert into t values (1) on conflict do nothing", (None, None)),
        ("insert into t values (1) on conflict (a) do update set a = 2", (Some(Loss::Overwrites), None)),
        ("insert into t with d as (delete from u returning *) select * from d", (Some(Loss::Deletes), None)),
        ("with d as (delete from u returning *) select * from d", runs.clone()),
        ("select setval('s', 1)", runs.clone()),
        ("do $$ begin truncate t; end $$", runs.clone()),
        ("call p()", runs.clone()),
        ("explain analyze delete from t", unknown.clone()),
        ("copy t from '/tmp/x'", unknown.clone()),
        ("import foreign schema s from server r into t", unknown.clone()),
        ("(select 1)", unknown.clone()),
        ("grant select on t to anna", (None, None)),
        ("revoke select on t from anna", (None, Some(Stricter))),
    ] {
        let script = Script::parse(statement).unwrap();
        let traits = &script.statements()[0].traits;
        assert_eq!((traits.loss.clone(), traits.breaks), (loss, breaks), "{statement}");
    }
}

#[test]
fn what_takes_control_or_cannot_run_in_a_transaction_is_known() {
    for statement in [
        "begin",
        "start transaction",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint s",
        "release s",
        "prepare transaction 'x'",
        "commit prepared 'x'",
        "set transaction isolation level serializable",
        "set session characteristics as transaction read only",
        "set role anna",
        "set lock_timeout = 0",
        "reset all",
        "discard all",
        "set standard_conforming_strings = off",
        "select set_config('STANDARD_conforming_strings', 'off', false)",
        "copy t from stdin",
    ] {
        assert!(Script::parse(statement).unwrap().statements()[0].traits.takes_control, "{statement}");
    }
    for statement in ["set local search_path = shop", "set constraints all deferred"] {
        let takes = Script::parse(statement).unwrap().statements()[0].traits.takes_control;
        assert_eq!(takes, statement.contains("all"), "{statement}");
    }
    for statement in [
        "create index concurrently i on t (a)",
        "drop index concurrently i",
        "reindex table concurrently t",
        "reindex database shop",
        "vacuum full t",
        "create database shop",
        "drop database shop",
        "alter system reset all",
        "alter table t detach partition p concurrently",
        "cluster",
    ] {
        assert!(Script::parse(statement).unwrap().statements()[0].traits.alone, "{statement}");
    }
}

#[test]
fn an_index_that_is_made_beside_its_users_can_be_found_again() {
    let repair = |statement: &str| Script::parse(statement).unwrap().statements()[0].traits.repair.clone();
    let index = |name: &str, table: &str| Repair::Index { name: name.to_owned(), table: table.to_owned() };
    assert_eq!(
        repair("create index concurrently By_Name on only shop.\"T\" (a)"),
        index("by_name", "shop.\"T\"")
    );
    assert_eq!(
        repair("create unique index concurrently if not exists \"I\"\"x\" on t (a)"),
        index("I\"x", "t")
    );
    assert_eq!(repair("create index concurrently on t (a)"), Repair::Ask);
    assert_eq!(repair("drop index concurrently if exists i"), Repair::Repeat);
    assert_eq!(repair("drop index concurrently i"), Repair::Ask);
}

proptest! {
    #[test]
    fn any_text_gives_statements_or_an_error_and_statements_read_alike_alone(text in "[ -~\\n]{0,60}|([;'\"$()a-c\\\\/*-]|begin|end){0,30}") {
        if let Ok(script) = Script::parse(&text) {
            for statement in script.statements() {
                let again = Script::parse(&statement.text).unwrap();
                prop_assert_eq!(again.statements().len(), 1, "{:?}", &statement.text);
                prop_assert_eq!(&again.statements()[0].traits, &statement.traits);
            }
        }
    }
}
