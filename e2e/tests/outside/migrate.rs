//! Schema changes on a real PostgreSQL: killed at every step, and looked through where their words hide something.

pub(crate) mod shop;

use serin_migrate::runner::{Job, Limits, Mode, Outcome, RunError, run};
use serin_migrate::sql::Script;
use serin_migrate::{Direction, Stage, Step, Written};

use shop::{Child, Shop, steps};

fn step(up: &str, down: &str, stage: Stage) -> Step {
    Step::new(Written { name: "0001", up, down, stage, transaction: true }).unwrap()
}

async fn perform(
    shop: &Shop,
    database: &str,
    step: &Step,
    direction: Direction,
    approved: bool,
) -> Result<(), RunError> {
    let job = Job {
        direction,
        steps: std::slice::from_ref(step),
        rollout: "shop-1",
        approved,
        mode: Mode::Perform,
        limits: Limits::default(),
    };
    run(&shop.server(database), &job, &|_| ()).await.map(|_| ())
}

#[tokio::test]
async fn a_runner_killed_at_any_step_leaves_a_named_state_and_a_repeat_ends_in_the_wanted_one() {
    let shop = Shop::open("migrate-kill").await;
    let (original, whole) = (shop.schema("shop").await, shop.rows("shop").await);
    shop.copy("shop", "up").await;
    let up = Child::new(&shop, "up", Direction::Up).run();
    assert!(up.succeeded, "{}", up.errors);
    let changed = shop.schema("up").await;
    assert_ne!(changed, original);
    shop.copy("up", "down").await;
    let down = Child::new(&shop, "down", Direction::Down).run();
    assert!(down.succeeded, "{}", down.errors);
    assert_eq!(shop.schema("down").await, original);
    println!("points upwards: {:?}\npoints downwards: {:?}", up.points, down.points);
    for (direction, from, wanted, points) in
        [(Direction::Up, "shop", &changed, up.points), (Direction::Down, "up", &original, down.points)]
    {
        for (kill_at, point) in points.iter().enumerate() {
            let database = format!("{direction}_{kill_at}");
            shop.copy(from, &database).await;
            let killed = Child::new(&shop, &database, direction).killed_at(kill_at).run();
            let context = format!("{direction} killed at {} {}", kill_at, point);
            assert_eq!((killed.succeeded, killed.points.len()), (false, kill_at + 1), "{context}");
            let left = shop.states(&database).await;
            let named = ["applying", "applied", "reverting", "reverted"];
            assert!(left.iter().all(|(_, state)| named.contains(&state.as_str())), "{context}: {left:?}");
            assert_eq!(shop.rows(&database).await, whole, "{context}");
            let repeated = Child::new(&shop, &database, direction).run();
            assert!(repeated.succeeded, "{context}: {}", repeated.errors);
            assert_eq!(&shop.schema(&database).await, wanted, "{context}");
            assert_eq!(shop.rows(&database).await, whole, "{context}");
            let state = if direction == Direction::Up { "applied" } else { "reverted" };
            let states = shop.states(&database).await;
            assert_eq!(states.len(), steps().len(), "{context}");
            assert!(states.iter().all(|(_, found)| found == state), "{context}: {states:?}");
            shop.drop(&database).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_without_approval_whatever_the_words_of_a_script_are() {
    let shop = Shop::open("migrate-loss").await;
    let hidden = "
        create function wipe() returns trigger language plpgsql as $$ begin delete from orders; return new; end $$;
        create table inbox (a int);
        create trigger wipes after insert on inbox for each row execute function wipe();
        insert into inbox values (1)";
    let whole = (shop.schema("shop").await, shop.rows("shop").await);
    for (up, stage, expected) in [
        ("drop table orders", Stage::Contract, "drops a table"),
        ("truncate orders", Stage::Contract, "empties a table"),
        ("delete from orders where false", Stage::Contract, "deletes rows"),
        ("do $$ begin delete from orders; end $$", Stage::Contract, "runs code that cannot be looked into"),
        ("alter table orders drop customer", Stage::Contract, "drops a column"),
        (
            "alter table orders alter amount type smallint",
            Stage::Contract,
            "amount of public.orders becomes narrower",
        ),
        (hidden, Stage::Expand, "rows deleted: 1000"),
    ] {
        let step = step(up, "drop table if exists nothing", stage);
        let refused = perform(&shop, "shop", &step, Direction::Up, false).await.unwrap_err();
        assert!(matches!(refused, RunError::NeedsApproval { .. }), "{refused}");
        assert!(refused.to_string().contains(expected), "{refused}\n  lacks {expected}");
        assert_eq!((shop.schema("shop").await, shop.rows("shop").await), whole, "{up}");
        assert_eq!(shop.states("shop").await, [], "{up}");
    }
    let narrowing = step("alter table orders alter amount type smallint", "drop table x", Stage::Expand);
    let refused = perform(&shop, "shop", &narrowing, Direction::Up, true).await.unwrap_err();
    assert!(matches!(refused, RunError::Expand(_)), "{refused}");
    let approved =
        step("alter table orders drop customer", "alter table orders add customer text", Stage::Contract);
    perform(&shop, "shop", &approved, Direction::Up, true).await.unwrap();
    assert_ne!(shop.schema("shop").await, whole.0);
}

#[tokio::test]
async fn a_dry_run_tells_what_would_change_and_changes_nothing() {
    let shop = Shop::open("migrate-dry").await;
    let before = (shop.schema("shop").await, shop.rows("shop").await);
    let (steps, limits) = (steps(), Limits::default());
    let dry = Job {
        direction: Direction::Up,
        steps: &steps,
        rollout: "shop-1",
        approved: false,
        mode: Mode::DryRun,
        limits,
    };
    let report = run(&shop.server("shop"), &dry, &|_| ()).await.unwrap();
    assert_eq!((shop.schema("shop").await, shop.rows("shop").await), before);
    assert!(
        report.changes.contains(&"column tax numeric(10,2) is added to public.orders".to_owned()),
        "{report:?}"
    );
    assert!(report.changes.contains(&"table public.tax_rates is made".to_owned()), "{report:?}");
    assert!(report.locks.contains(&("orders".to_owned(), "AccessExclusiveLock".to_owned())), "{report:?}");
    assert_eq!(report.steps[1], ("0002_index".to_owned(), Outcome::NotTried));
    // A table that somebody uses is waited for no longer than allowed, and the first one who works is not disturbed.
    let user = shop.client("shop").await;
    user.batch_execute("begin; select * from orders limit 1").await.unwrap();
    let short = Limits { lock: std::time::Duration::from_millis(200), ..limits };
    let performed = Job { mode: Mode::Perform, limits: short, ..dry };
    let refused = run(&shop.server("shop"), &performed, &|_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("lock timeout"), "{refused}");
    user.batch_execute("commit").await.unwrap();
    let holder = shop.client("shop").await;
    holder.batch_execute("select pg_advisory_lock(8315178084159285607)").await.unwrap();
    let impatient =
        Job { limits: Limits { turn: std::time::Duration::from_millis(300), ..limits }, ..performed };
    let refused = run(&shop.server("shop"), &impatient, &|_| ()).await.unwrap_err();
    assert!(matches!(refused, RunError::Turn(_)), "{refused}");
    drop(holder);
    let noted = Job { mode: Mode::Note, ..performed };
    let report = run(&shop.server("shop"), &noted, &|_| ()).await.unwrap();
    assert!(report.steps.iter().all(|(_, outcome)| *outcome == Outcome::Noted), "{report:?}");
    let changed = step("create table a ()", "drop table a", Stage::Expand);
    shop.client("shop").await.batch_execute("update serin.migrations set name = '0001'").await.unwrap_err();
    shop.client("shop")
        .await
        .batch_execute("update serin.migrations set name = '0001' where name = '0001_tax'")
        .await
        .unwrap();
    let refused = perform(&shop, "shop", &changed, Direction::Up, true).await.unwrap_err();
    assert!(matches!(refused, RunError::Changed { .. }), "{refused}");
}

/// The server takes one statement at a time from the protocol that the runner uses, so it tells whether scripts are split as it
/// reads them.
#[tokio::test]
async fn scripts_are_split_as_postgresql_splits_them() {
    let shop = Shop::open("migrate-split").await;
    let client = shop.client("shop").await;
    for script in [
        "select 1; select 2",
        ";;select ';', 'it''s;';; select 2;",
        r"select e'a\';b'; select 'a\'; select U&'\0041;'",
        "select e'a'\n'b\\';c'; select 2",
        "select e'a' -- c;'\n 'b\\';c'; select 2",
        r#"select 1 as "a;""b"; select 2"#,
        "select $$;$$; select $a$;$$;$b$;$a$; select $größe$;$größe$",
        "select 1 as a$b$; select 2; -- $b$",
        "/* ; /* ; */ ; */ select 1; -- ;\nselect 2",
        "select 1 +-- ;\n 2; select 5*/**/3; select 5/ /*;*/2",
        "create temp table t (a int); create rule r as on insert to t do also (select 1; select 2); select 1",
        "create function pg_temp.f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
        "do $$ begin perform 1; end $$; select '\u{a0};' as größe",
        "select 1\r\n;\r\nselect 'a'\r\n'b;'; select b'1', x'1F', n';'",
        "prepare p as select $1::int;execute p(1);deallocate p",
    ] {
        let parsed = Script::parse(script).unwrap();
        let whole = client.simple_query(script).await.unwrap();
        let ended = |message: &&tokio_postgres::SimpleQueryMessage| {
            matches!(message, tokio_postgres::SimpleQueryMessage::CommandComplete(_))
        };
        // A rule and a temporary function stay; what they are named is made anew for the second way.
        assert_eq!(parsed.statements().len(), whole.iter().filter(ended).count(), "{script}");
        client.batch_execute("discard all").await.unwrap();
        for statement in parsed.statements() {
            client
                .execute(&statement.text, &[])
                .await
                .unwrap_or_else(|error| panic!("{statement:?}: {error:?}"));
        }
        client.batch_execute("discard all").await.unwrap();
    }
    assert!(client.execute("select 1; select 2", &[]).await.is_err());
}
