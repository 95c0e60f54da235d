//! One store suite over both back ends, and what is special to each.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "the suite says where it is")]

mod folder;
mod neon;
mod suite;
mod system;

use folder::Folder;
use makegood_postgres::{Error, Postgres};
use system::System;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_on_the_embedded_database() {
    let folder = Folder::new();
    let postgres = Postgres::embedded(folder.path()).await.unwrap();
    suite::run(&postgres).await;
    neon::run(&postgres).await;
    assert_eq!(postgres.durability().await.unwrap(), "os");
    assert_eq!(suite::first(&postgres, "show fsync").await, "off");
    an_exception_block_is_refused_and_leaves_a_working_database(&postgres).await;
    postgres.close().await;
}

/// The embedded engine cannot run one; what matters is that it says so and heals.
async fn an_exception_block_is_refused_and_leaves_a_working_database(postgres: &Postgres) {
    let setup = "create table caught (x int); create function catching() returns int language plpgsql \
                 as $$ begin insert into caught values (1); raise exception 'x'; exception when others \
                 then return -1; end $$; create function deep(n int) returns int language plpgsql as \
                 $$ begin return deep(n + 1); end $$";
    postgres.batch(setup).await.unwrap();
    for _ in 0..2 {
        let error = postgres.query("select catching()", &[]).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(why) if why.contains("EXCEPTION")), "{error}");
        assert_eq!(suite::first(postgres, "select count(*) from caught").await, "0");
    }
    let error = postgres.query("select deep(1)", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    assert_eq!(suite::first(postgres, "select count(*) from caught").await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_passes_on_a_real_server_however_it_authenticates() {
    let Some(system) = System::start() else {
        return;
    };
    let postgres = system.connect().await;
    suite::run(&postgres).await;
    assert_eq!(postgres.durability().await.unwrap(), "fsync");
    assert!(postgres.process_id().is_some());

    let roles = "set password_encryption = 'scram-sha-256'; create role scrammer superuser login \
                 password 'p@ss'; create role plain login password 'p@ss'; set password_encryption = \
                 'md5'; create role hasher login password 'p@ss'";
    postgres.batch(roles).await.unwrap();
    for user in ["scrammer", "hasher", "plain"] {
        let other = Postgres::connect(&system.url(user, "p%40ss")).await.unwrap();
        assert_eq!(suite::first(&other, "select current_user").await, user);
        let error = Postgres::connect(&system.url(user, "wrong")).await.err().unwrap();
        assert_eq!(error.code(), Some("28P01"), "{error}");
    }
    let passwordless = format!("postgres://scrammer@127.0.0.1:{}/postgres", system.port);
    let error = Postgres::connect(&passwordless).await.err().unwrap();
    assert!(matches!(&error, Error::Refused(message) if message.contains("password")), "{error}");
    let missing = format!("{}?dbname=nowhere", system.url("postgres", ""));
    assert_eq!(Postgres::connect(&missing).await.err().unwrap().code(), Some("3D000"));

    let over_tcp = Postgres::connect(&system.url("scrammer", "p%40ss")).await.unwrap();
    neon::run(&over_tcp).await;
    a_broken_connection_is_replaced(&over_tcp, &postgres).await;
    asynchronous_commit_is_not_called_durable(&postgres, &system).await;
    over_tcp.close().await;
    let error = over_tcp.query("select 1", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

async fn a_broken_connection_is_replaced(victim: &Postgres, other: &Postgres) {
    victim.query("select 1", &[]).await.unwrap();
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = \
                'scrammer'";
    other.query(kill, &[]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(suite::first(victim, "select 'back'").await, "back");

    // Killed in the middle: nobody knows what became of the statement, and it is not sent again.
    let waiting = tokio::spawn({
        let victim = victim.clone();
        async move { victim.query("select pg_sleep(20)", &[]).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    other.query(kill, &[]).await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
    assert_eq!(suite::first(victim, "select 'back'").await, "back");
}

async fn asynchronous_commit_is_not_called_durable(postgres: &Postgres, system: &System) {
    let role = "create role hasty login; alter role hasty set synchronous_commit = off";
    postgres.batch(role).await.unwrap();
    let url = system.socket_url().replace("postgres@", "hasty@");
    let hasty = Postgres::connect(&url).await.unwrap();
    assert_eq!(hasty.durability().await.unwrap(), "os");
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_that_names_it() {
    let error = Postgres::connect("postgres://a:secret@127.0.0.1:1/x").await.err().unwrap();
    assert!(matches!(error, Error::Unavailable(_)));
    let message = error.to_string();
    assert!(message.contains("127.0.0.1:1") && !message.contains("secret"), "{message}");
    let error = Postgres::connect("postgres://a:b@127.0.0.1:1/x?sslmode=require").await.err();
    assert!(matches!(error, Some(Error::Refused(_))));
}

#[tokio::test]
async fn a_folder_is_held_by_one_and_keeps_data_and_password_when_reopened() {
    let folder = Folder::new();
    let first = Postgres::embedded(folder.path()).await.unwrap();
    let error = Postgres::embedded(folder.path()).await.err().unwrap().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
    assert!(error.contains("in use"), "{error}");
    let created = "create table kept (x int); insert into kept values (7)";
    first.batch(created).await.unwrap();
    first.close().await;

    let again = Postgres::embedded(folder.path()).await.unwrap();
    assert_eq!(again.connection_string(), first.connection_string());
    assert_eq!(suite::first(&again, "select x from kept").await, "7");
    again.close().await;
}
