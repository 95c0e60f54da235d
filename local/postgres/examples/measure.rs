//! What a statement costs through the wire client: start-up, statements per second and CPU time, on
//! the embedded database and, where `DATABASE_URL` is set, on that server (whose CPU time counts in
//! when it runs on this machine).
//!
//! `cargo run -p makegood-postgres --example measure [statements]`

#![expect(clippy::print_stdout, reason = "it is a command line: it talks to people")]

use makegood_postgres::{Error, Postgres};
use std::time::{Duration, Instant};

const INSERT: &str = "insert into measured (body) values ($1::jsonb)";
const SELECT: &str = "select id, body from measured where id = $1";
const BODY: &str = r#"{"node": "ride", "outcome": "ok", "result": {"id": "r-1", "eta": 12}}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let statements = std::env::args().nth(1).map_or(Ok(5000), |count| count.parse())?;
    let folder = std::env::temp_dir().join(format!("makegood-measure-{}", std::process::id()));
    for visit in ["created", "reopened"] {
        let start = Instant::now();
        let postgres = Postgres::embedded(&folder).await?;
        postgres.query("select 1", &[]).await?;
        println!("embedded, {visit}: ready in {} ms", start.elapsed().as_millis());
        measure(&postgres, statements).await?;
        postgres.close().await;
    }
    std::fs::remove_dir_all(&folder)?;
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let start = Instant::now();
        let postgres = Postgres::connect(&url).await?;
        println!("DATABASE_URL: ready in {} ms", start.elapsed().as_millis());
        measure(&postgres, statements).await?;
    }
    Ok(())
}

async fn measure(postgres: &Postgres, statements: u32) -> Result<(), Error> {
    postgres.batch("drop table if exists measured").await?;
    let table = "create table measured (id bigserial primary key, body jsonb not null)";
    postgres.batch(table).await?;
    println!("  durability: {}", postgres.durability().await?);
    for (name, sql, param) in [("insert", INSERT, BODY), ("select", SELECT, "7")] {
        let (start, cpu) = (Instant::now(), cpu_time(postgres));
        for _ in 0..statements {
            postgres.query(sql, &[Some(param)]).await?;
        }
        let (took, cpu) = (start.elapsed(), cpu_time(postgres) - cpu);
        println!(
            "  {name}: {:.0} statements/s, {:.0} us CPU each",
            f64::from(statements) / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / f64::from(statements)
        );
    }
    postgres.batch("drop table measured").await
}

/// Of this process and, where it can be seen, the server with its backends.
fn cpu_time(postgres: &Postgres) -> Duration {
    let mut ticks = process(std::process::id()).map_or(0, |(_, ticks)| ticks);
    if let Some(server) = postgres.process_id() {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        ticks += processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id| process(id).map(|(parent, ticks)| (id, parent, ticks)))
            .filter(|(id, parent, _)| *id == server || *parent == server)
            .map(|(_, _, ticks)| ticks)
            .sum::<u64>();
    }
    // Linux counts in hundredths of a second.
    Duration::from_millis(ticks * 10)
}

/// Parent and CPU ticks of a process.
fn process(id: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((fields.get(1)?.parse().ok()?, ticks))
}
