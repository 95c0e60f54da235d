//! What both back ends must do alike, below HTTP.

use makegood_postgres::{Error, Postgres};
use std::time::Duration;

macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        pub async fn run(postgres: &Postgres) {
            $(
                eprintln!("  {}", stringify!($case));
                $case(postgres).await;
            )*
        }
    };
}

suite![
    values_and_nulls_come_back_as_they_went,
    a_result_tells_its_columns_command_and_count,
    an_error_carries_sqlstate_and_position_and_leaves_the_connection_usable,
    two_statements_in_one_query_are_refused,
    a_cached_statement_survives_ddl,
    a_cached_statement_survives_its_deallocation,
    more_statements_than_the_cache_holds_still_work,
    a_transaction_left_open_is_rolled_back,
    fifty_queries_at_once_all_answer,
    a_dropped_future_harms_nobody,
    large_values_pass_both_ways,
    a_batch_is_all_or_nothing,
    jsonb_and_plpgsql_functions_work,
    copy_is_refused_without_harm,
    unsendable_statements_are_refused_without_harm,
    migrations_apply_once_and_an_edited_one_is_named,
    a_failed_migration_leaves_no_trace,
];

/// The first cell of a query's answer.
pub async fn first(postgres: &Postgres, sql: &str) -> String {
    let rows = postgres.query(sql, &[]).await.unwrap();
    rows.first().unwrap_or("NULL").to_owned()
}

async fn values_and_nulls_come_back_as_they_went(db: &Postgres) {
    let sql = "select $1::int, $2::text, $3::jsonb, $4::numeric, $5::timestamptz at time zone 'utc', \
               $6::bool, $7::bytea, $8::text[], $9::text";
    let params = [
        Some("-7"),
        Some("zürich 'quoted' \u{1F689}"),
        Some(r#"{"b": [1, null]}"#),
        Some("12345678901234567890.5"),
        Some("2026-11-22T19:00:00Z"),
        Some("true"),
        Some("\\x00ff"),
        Some(r#"{a,NULL,"c d"}"#),
        None,
    ];
    let rows = db.query(sql, &params).await.unwrap();
    let expected = [
        Some("-7"),
        Some("zürich 'quoted' \u{1F689}"),
        Some(r#"{"b": [1, null]}"#),
        Some("12345678901234567890.5"),
        Some("2026-11-22 19:00:00"),
        Some("t"),
        Some("\\x00ff"),
        Some(r#"{a,NULL,"c d"}"#),
        None,
    ];
    assert_eq!(rows.rows[0].iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}

async fn a_result_tells_its_columns_command_and_count(db: &Postgres) {
    let created = db.query("create table told (id int primary key, note text)", &[]).await.unwrap();
    assert_eq!((created.command.as_str(), created.count), ("CREATE", None));
    let insert = "insert into told values (1, 'a'), (2, null)";
    let inserted = db.query(insert, &[]).await.unwrap();
    assert_eq!((inserted.command.as_str(), inserted.count), ("INSERT", Some(2)));
    assert!(inserted.fields.is_empty());
    for _ in 0..2 {
        let rows = db.query("select id, note from told order by id", &[]).await.unwrap();
        assert_eq!((rows.command.as_str(), rows.count, rows.rows.len()), ("SELECT", Some(2), 2));
        let fields: Vec<_> = rows.fields.iter().map(|field| (field.name.as_str(), field.type_oid)).collect();
        assert_eq!(fields, [("id", 23), ("note", 25)]);
        assert!(rows.fields[0].table_oid > 0 && rows.fields[1].column == 2);
    }
    let empty = db.query("", &[]).await.unwrap();
    assert_eq!((empty.command.as_str(), empty.count), ("", None));
}

async fn an_error_carries_sqlstate_and_position_and_leaves_the_connection_usable(db: &Postgres) {
    let Err(Error::Server(error)) = db.query("select 1 frm nowhere", &[]).await else {
        panic!("a syntax error was expected")
    };
    assert_eq!(error.code.as_deref(), Some("42601"));
    assert_eq!(error.position.as_deref(), Some("14"));
    assert_eq!(error.severity.as_deref(), Some("ERROR"));
    db.query("create table strict_one (id int primary key)", &[]).await.unwrap();
    let insert = "insert into strict_one values ($1)";
    db.query(insert, &[Some("1")]).await.unwrap();
    let Err(Error::Server(error)) = db.query(insert, &[Some("1")]).await else {
        panic!("a unique violation was expected")
    };
    assert_eq!(error.code.as_deref(), Some("23505"));
    assert_eq!(error.constraint.as_deref(), Some("strict_one_pkey"));
    assert!(error.detail.is_some());
    db.query(insert, &[Some("2")]).await.unwrap();
    assert_eq!(db.query(insert, &[Some("x")]).await.unwrap_err().code(), Some("22P02"));
    assert_eq!(db.query(insert, &[]).await.unwrap_err().code(), Some("08P01"));
    assert_eq!(first(db, "select count(*) from strict_one").await, "2");
}

async fn two_statements_in_one_query_are_refused(db: &Postgres) {
    let error = db.query("select 1; select 2", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some("42601"));
}

async fn a_cached_statement_survives_ddl(db: &Postgres) {
    db.batch("create table shifting (a int); insert into shifting values (1)").await.unwrap();
    let sql = "select * from shifting";
    for _ in 0..3 {
        assert_eq!(db.query(sql, &[]).await.unwrap().fields.len(), 1);
    }
    db.batch("alter table shifting add column b text default 'x'").await.unwrap();
    // Every connection of the pool holds the old plan at most once.
    for _ in 0..3 {
        let rows = db.query(sql, &[]).await.unwrap();
        assert_eq!(rows.fields.len(), 2);
        assert_eq!(rows.rows, [[Some("1".to_owned()), Some("x".to_owned())]]);
    }
    db.batch("alter table shifting rename column b to c").await.unwrap();
    assert_eq!(db.query(sql, &[]).await.unwrap().fields[1].name, "c");
}

async fn a_cached_statement_survives_its_deallocation(db: &Postgres) {
    let sql = "select $1::int + 40";
    db.query(sql, &[Some("1")]).await.unwrap();
    db.query("deallocate all", &[]).await.unwrap();
    let rows = db.query(sql, &[Some("2")]).await.unwrap();
    assert_eq!(rows.first(), Some("42"));
}

async fn more_statements_than_the_cache_holds_still_work(db: &Postgres) {
    for round in 0..2 {
        for n in 0..200 {
            assert_eq!(first(db, &format!("select {n} + {round}")).await, (n + round).to_string());
        }
    }
    let kept = first(db, "select count(*) from pg_prepared_statements").await;
    assert!(kept.parse::<u32>().unwrap() <= 128, "{kept} statements stay prepared");
}

async fn a_transaction_left_open_is_rolled_back(db: &Postgres) {
    db.query("begin", &[]).await.unwrap();
    db.query("create table heard (x int)", &[]).await.unwrap();
    db.query("rollback", &[]).await.unwrap();
    assert_eq!(first(db, "select to_regclass('heard')").await, "heard");
    db.batch("create table unheard (x int); begin; insert into unheard values (1)").await.unwrap();
    let rows = db.query("select to_regclass('unheard')", &[]).await.unwrap();
    assert_eq!(rows.first(), None);
}

async fn fifty_queries_at_once_all_answer(db: &Postgres) {
    db.batch("create table crowd (n int primary key)").await.unwrap();
    let inserts = (0..50).map(|n: i32| {
        let db = db.clone();
        tokio::spawn(async move {
            let n = n.to_string();
            db.query("insert into crowd values ($1)", &[Some(&n)]).await.unwrap();
            let rows = db.query("select n from crowd where n = $1", &[Some(&n)]).await.unwrap();
            assert_eq!(rows.first(), Some(n.as_str()));
        })
    });
    for insert in inserts.collect::<Vec<_>>() {
        insert.await.unwrap();
    }
    assert_eq!(first(db, "select count(*) from crowd").await, "50");
}

async fn a_dropped_future_harms_nobody(db: &Postgres) {
    db.batch("create table dropped (n int)").await.unwrap();
    for n in 0..40 {
        let n = n.to_string();
        let insert = "insert into dropped select $1::int from generate_series(1, 1000)";
        let params = [Some(n.as_str())];
        let query = db.query(insert, &params);
        // Some are dropped before they start, some in the middle, some not at all.
        let patience = Duration::from_micros(u64::from(n.parse::<u32>().unwrap()) * 100);
        let _ = tokio::time::timeout(patience, query).await;
        let echoed = db.query("select $1::text", &params).await.unwrap();
        assert_eq!(echoed.first(), Some(n.as_str()));
    }
    // Whole statements or nothing.
    let torn = "select count(*) from (select n from dropped group by n having count(*) <> 1000) t";
    assert_eq!(first(db, torn).await, "0");
    for _ in 0..20 {
        let statement = format!("select {}", "1,".repeat(50) + "1");
        let _ = tokio::time::timeout(Duration::ZERO, db.query(&statement, &[])).await;
        assert_eq!(db.query(&statement, &[]).await.unwrap().rows[0].len(), 51);
    }
}

async fn large_values_pass_both_ways(db: &Postgres) {
    let large = "0123456789abcdef".repeat(256 * 1024);
    let rows = db.query("select $1::text", &[Some(&large)]).await.unwrap();
    assert!(rows.first() == Some(large.as_str()));
    let many = db.query("select n, repeat('x', 50) from generate_series(1, 50000) n", &[]).await;
    assert_eq!(many.unwrap().rows.len(), 50_000);
}

async fn a_batch_is_all_or_nothing(db: &Postgres) {
    let failing = "create table halves (x int); insert into halves values (1); select 1/0";
    assert_eq!(db.batch(failing).await.unwrap_err().code(), Some("22012"));
    assert_eq!(first(db, "select to_regclass('halves')").await, "NULL");
    db.batch("create table halves (x int); insert into halves values (1)").await.unwrap();
    assert_eq!(first(db, "select count(*) from halves").await, "1");
}

async fn jsonb_and_plpgsql_functions_work(db: &Postgres) {
    let function = "
        create table journal (saga text, version int, state jsonb, primary key (saga, version));
        create function append(input jsonb) returns jsonb language plpgsql as $$
        declare added int;
        begin
            insert into journal
            select input->>'saga', (input->>'version')::int, input->'state'
            on conflict do nothing;
            get diagnostics added = row_count;
            if added = 0 then return jsonb_build_object('conflict', true); end if;
            return jsonb_build_object('version', input->'version', 'nodes', (
                select jsonb_object_agg(key, value) from jsonb_each(input->'state')));
        end $$;
        create function refuse(why text) returns jsonb language plpgsql as $$
        begin
            raise exception 'refused: %', why using errcode = 'MG001', hint = 'look';
        end $$";
    db.batch(function).await.unwrap();
    let input = r#"{"saga": "s1", "version": 1, "state": {"ride": "done"}}"#;
    let sql = "select append($1::jsonb)";
    let answer = db.query(sql, &[Some(input)]).await.unwrap();
    assert_eq!(answer.first(), Some(r#"{"nodes": {"ride": "done"}, "version": 1}"#));
    let answer = db.query(sql, &[Some(input)]).await.unwrap();
    assert_eq!(answer.first(), Some(r#"{"conflict": true}"#));
    let Err(Error::Server(error)) = db.query("select refuse($1)", &[Some("late")]).await else {
        panic!("the function's own error was expected")
    };
    assert_eq!((error.code.as_deref(), error.hint.as_deref()), (Some("MG001"), Some("look")));
    assert_eq!(error.message, "refused: late");
    assert!(error.context.is_some_and(|context| context.contains("refuse")));
    let again = db.query(sql, &[Some(input)]).await.unwrap();
    assert_eq!(again.first(), Some(r#"{"conflict": true}"#));
}

async fn copy_is_refused_without_harm(db: &Postgres) {
    db.batch("create table copied (x int)").await.unwrap();
    for sql in ["copy copied from stdin", "/* c */ copy copied from stdin", "copy copied to stdout"] {
        let copy = tokio::time::timeout(Duration::from_secs(20), db.query(sql, &[]));
        let error = copy.await.expect("an answer").unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
        assert_eq!(first(db, "select count(*) from copied").await, "0");
    }
}

async fn unsendable_statements_are_refused_without_harm(db: &Postgres) {
    let error = db.query("select '\0'", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    let error = db.query("select 1", &vec![None; 70_000]).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert_eq!(db.query("select $1::text", &[Some("\0")]).await.unwrap_err().code(), Some("22021"));
    assert_eq!(first(db, "select 5").await, "5");
}

async fn migrations_apply_once_and_an_edited_one_is_named(db: &Postgres) {
    let one = ("001_one", "create table one (x int); insert into one values (1)");
    let two = ("002_two", "insert into one values (2)");
    assert_eq!(db.migrate(&[one]).await.unwrap(), 1);
    let both = [one, two];
    let (left, right) = tokio::join!(db.migrate(&both), db.migrate(&both));
    assert_eq!(left.unwrap() + right.unwrap(), 1);
    assert_eq!(first(db, "select count(*) from one").await, "2");
    let edited = ("001_one", "create table one (x bigint)");
    let error = db.migrate(&[edited, two]).await.unwrap_err().to_string();
    assert!(error.contains("001_one") && error.contains("edited"), "{error}");
}

async fn a_failed_migration_leaves_no_trace(db: &Postgres) {
    let failing = ("100_bad", "create table bad (x int); select 1/0");
    let error = db.migrate(&[failing]).await.unwrap_err().to_string();
    assert!(error.contains("100_bad") && error.contains("22012"), "{error}");
    let ending = ("101_ends", "create table bad (x int); commit; create table bad2 (x int)");
    let error = db.migrate(&[ending]).await.unwrap_err().to_string();
    assert!(error.contains("101_ends") && error.contains("commit"), "{error}");
    let names = "select count(*) from makegood_migrations where name like '10%'";
    assert_eq!(first(db, names).await, "0");
}
