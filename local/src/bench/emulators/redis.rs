//! Pipelines of `SET` and `GET` in turn, as many as a server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::Server;

/// Commands in a pipeline.
pub const PIPELINE: usize = 50;
/// Keys there are, each with a value of so many bytes.
const KEYS: usize = 10_000;
const VALUE: usize = 64;
/// Different pipelines that a client sends, in turn.
const BODIES: usize = 64;
const WARM_UP: Duration = Duration::from_secs(1);

/// How a server is spoken to.
#[derive(Clone)]
pub enum Way {
    Native { port: u16 },
    Rest { url: String, token: String },
}

pub struct Rate {
    pub per_s: f64,
    /// Of the server, microseconds a command.
    pub cpu_us: f64,
    /// Megabytes afterwards.
    pub resident: f64,
}

/// What all clients of a measurement share.
#[derive(Default)]
struct Shared {
    answered: AtomicU64,
    ended: AtomicBool,
}

pub async fn measure(server: &Server, way: &Way, clients: u32, seconds: u64) -> anyhow::Result<Rate> {
    let shared = Arc::new(Shared::default());
    let clients: Vec<_> =
        (0..clients as usize).map(|me| tokio::spawn(client(way.clone(), me, Arc::clone(&shared)))).collect();
    tokio::time::sleep(WARM_UP).await;
    let (begin, before, cpu) = (Instant::now(), shared.answered.load(Relaxed), server.cpu_ms()?);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (lasted, after, cpu_after) = (begin.elapsed(), shared.answered.load(Relaxed), server.cpu_ms()?);
    let resident = server.resident_mb()?;
    shared.ended.store(true, Relaxed);
    for client in clients {
        client.await??;
    }
    ensure!(after > before, "nothing was answered");
    let commands = (after - before) as f64;
    Ok(Rate { per_s: commands / lasted.as_secs_f64(), cpu_us: (cpu_after - cpu) * 1000.0 / commands, resident })
}

async fn client(way: Way, me: usize, shared: Arc<Shared>) -> anyhow::Result<()> {
    match way {
        Way::Native { port } => native(port, me, &shared).await,
        Way::Rest { url, token } => rest(&url, &token, me, &shared).await,
    }
}

/// The keys of one pipeline: every second one is set, the others are read. All were set before.
fn keys(me: usize, body: usize) -> impl Iterator<Item = String> {
    (0..PIPELINE).map(move |place| format!("key:{}", (me * 7919 + body * PIPELINE + place * 31) % KEYS))
}

fn value() -> String {
    "v".repeat(VALUE)
}

async fn rest(url: &str, token: &str, me: usize, shared: &Shared) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let send = async |body: String| {
        let response = client.post(url).bearer_auth(token).header("upstash-encoding", "base64").body(body);
        anyhow::Ok(response.send().await?.error_for_status()?.bytes().await?)
    };
    let all: Vec<Value> = (0..KEYS).map(|key| json!(["SET", format!("key:{key}"), value()])).collect();
    send(json!(all).to_string()).await?;
    let command = |(place, key): (usize, String)| match place % 2 {
        0 => json!(["SET", key, value()]),
        _ => json!(["GET", key]),
    };
    let bodies = (0..BODIES).map(|body| keys(me, body).enumerate().map(command).collect::<Value>().to_string());
    let bodies: Vec<String> = bodies.collect();
    for body in bodies.iter().cycle() {
        if shared.ended.load(Relaxed) {
            break;
        }
        let answer = send(body.clone()).await?;
        ensure!(!answer.windows(7).any(|word| word == b"\"error\""), "{}", String::from_utf8_lossy(&answer));
        shared.answered.fetch_add(PIPELINE as u64, Relaxed);
    }
    Ok(())
}

async fn native(port: u16, me: usize, shared: &Shared) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (set_answer, get_answer) = ("+OK\r\n".to_owned(), format!("${VALUE}\r\n{}\r\n", value()));
    let all: String = (0..KEYS).map(|key| resp(&["SET", &format!("key:{key}"), &value()])).collect();
    let (mut reader, mut writer) = stream.split();
    let mut answer = vec![0; KEYS * set_answer.len()];
    let (written, read) = tokio::join!(writer.write_all(all.as_bytes()), reader.read_exact(&mut answer));
    written?;
    read?;

    let command = |(place, key): (usize, String)| match place % 2 {
        0 => resp(&["SET", &key, &value()]),
        _ => resp(&["GET", &key]),
    };
    let bodies: Vec<String> = (0..BODIES).map(|body| keys(me, body).enumerate().map(command).collect()).collect();
    let expected = [set_answer, get_answer].concat().repeat(PIPELINE / 2);
    let mut answer = vec![0; expected.len()];
    for body in bodies.iter().cycle() {
        if shared.ended.load(Relaxed) {
            break;
        }
        writer.write_all(body.as_bytes()).await?;
        reader.read_exact(&mut answer).await?;
        ensure!(answer == expected.as_bytes(), "another answer: {}", String::from_utf8_lossy(&answer));
        shared.answered.fetch_add(PIPELINE as u64, Relaxed);
    }
    Ok(())
}

/// A command as Redis's own protocol has it.
fn resp(words: &[&str]) -> String {
    let words_of = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), words_of.collect::<String>())
}
