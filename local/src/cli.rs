//! The command line: `makegood`, alone, brings everything up.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use makegood_gateway::audit::Head;
use serde_json::Value;

use crate::configuration::Source;
use crate::emulate::Emulate;
use crate::keys;
use crate::platform::Options;
use crate::sim::Sim;
use crate::tool_host::sandbox::Limits;

/// Agents that act: a message becomes a durable saga, finished or made good.
#[derive(Debug, Parser)]
#[command(name = "makegood", version, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub up: Up,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Builds the functions where they changed and brings the platform up (the default)
    Up(Up),
    /// Builds the functions and prints their sizes
    Build(Build),
    /// Checks that what is deployed fits the code
    Deploy(Deploy),
    /// Asks a deployment's services whether its configuration is good, and says what to do where it is not
    Doctor(Doctor),
    /// Brings a deployment's database to what this code needs
    Migrate(Migrate),
    /// Serves one emulator alone, until Ctrl-C
    Emulate(Emulate),
    /// Asks an address whether its service is well, and fails where it is not: for containers, which have no curl
    Health(Health),
    /// Prints a development token
    Token(Token),
    /// The API keys of an installation: makes, shows and revokes them
    Keys(Keys),
    /// Measures
    #[command(subcommand)]
    Bench(Bench),
    /// Talks to a running installation: says a message, or, without one, what you type, line by line
    Chat(Chat),
    /// Looks at the sagas of a running installation, and answers what they ask of people
    Saga(Saga),
    /// Simulates sagas in which everything that can go wrong does; the last line is JSON
    Sim(Sim),
    /// The tools of an installation: shows, registers and tests them
    Tools(Tools),
    /// The circuit breakers of a running installation: lists them, and holds one open or closed
    Breakers(Breakers),
    /// Webhooks: checks their sources, shows what was delivered, and delivers something to try one out
    Webhooks(Webhooks),
    /// The audit log: shows who did what, and checks that nobody has changed it
    Audit(Audit),
    /// The read models that lists and counts are made of: holds them against the journal, and makes them anew
    Views(Views),
}

#[derive(Debug, Args)]
pub struct Breakers {
    /// Where it runs
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL, global = true)]
    pub url: String,
    /// Who asks, as `makegood token` prints it
    #[arg(long, env = "MAKEGOOD_TOKEN", value_name = "TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// Prints the answer as it came
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: BreakerVerb,
}

#[derive(Debug, Subcommand)]
pub enum BreakerVerb {
    /// How they stand
    List,
    /// Has nothing called any more, until `reset`
    Open { name: String },
    /// Has everything called, whatever comes of it, until `reset`
    Close { name: String },
    /// Has it begin anew, by what becomes of the calls
    Reset { name: String },
}

#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The manifest [default: spin.toml here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Where data lies [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub place: Place,
    /// Fails where a function is larger than its budget allows
    #[arg(long)]
    pub check_sizes: bool,
}

#[derive(Debug, Args)]
pub struct Deploy {
    #[command(flatten)]
    pub place: Place,
    /// Compares spin.toml, the wrangler configs and the code; deploying is `spin`'s and `wrangler`'s own work
    #[arg(long, required = true)]
    pub check: bool,
    /// A file with a deployment's values, whose MCP servers `execute` must be allowed to reach; may be repeated
    #[arg(long, value_name = "FILE")]
    pub env: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub source: Source,
}

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub source: Source,
    /// The connection string; alone, a server that is connected to without TLS [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where SQL over HTTP is served [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_http_url: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Services {
    /// A real PostgreSQL in place of the embedded one
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Its password as it is, where the URL names none
    #[arg(long, env = "PGPASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub database_password: Option<String>,
    /// A real Redis in place of the embedded one
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Where people are told of sagas that need one: gets a POST of JSON whose `text` says it
    #[arg(long, env = "MAKEGOOD_ALERT_URL", value_name = "URL", hide_env_values = true)]
    pub alert_url: Option<String>,
    /// MCP servers besides the town: `{"name": {"url": …, "token": …}}`; spin.toml must allow their hosts
    #[arg(long, env = "MAKEGOOD_MCP_SERVERS", value_name = "JSON", hide_env_values = true)]
    pub mcp_servers: Option<String>,
    /// Another issuer of users' tokens in place of the platform's own: where its keys are
    #[arg(long, env = "MAKEGOOD_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// What is said of issuers: `{"https://issuer": {"parties": […], …}}`, as docs/AUTH.md has it
    #[arg(long, env = "MAKEGOOD_ISSUERS", value_name = "JSON")]
    pub issuers: Option<String>,
    /// What who sends no token may do, on loopback: user, approver, operator, admin
    #[arg(long, value_name = "ROLE", default_value = "operator", value_parser = keys::role)]
    pub anonymous_role: Role,
    /// How long an invocation goes on starting calls, in milliseconds
    #[arg(long, value_name = "MS")]
    pub time_budget_ms: Option<u64>,
    /// When the platform ends an invocation, in milliseconds
    #[arg(long, value_name = "MS")]
    pub kill_ms: Option<u64>,
    /// When circuit breakers open: `{"default": {"calls": 10}}`, or `off` [default: as docs/BREAKERS.md says]
    #[arg(long, value_name = "JSON")]
    pub breakers: Option<String>,
    /// So many calls of one user's sagas are under way at once, at most [default: as many as they want]
    #[arg(long, value_name = "N")]
    pub user_concurrency: Option<u32>,
    /// Who may come how often, as JSON or `off` (docs/LIMITS.md) [default: a million requests a minute]
    #[arg(long, env = "SPIN_VARIABLE_LIMITS", value_name = "JSON")]
    pub limits: Option<String>,
    /// Leave out the time in which nothing would happen: a wait of a month ends at once
    #[arg(long)]
    pub skip_time: bool,
    /// What a call of a tool in Wasm may have of memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub tool_memory_mib: u32,
    /// How long a call of a tool in Wasm may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub tool_time_ms: u64,
}

#[derive(Clone, Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// The port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// The address to listen on; beyond loopback every request needs a token
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Removes the data folder's contents first
    #[arg(long)]
    pub fresh: bool,
    /// Serves the functions as they are, without looking for changes
    #[arg(long)]
    pub no_build: bool,
    /// The region's name
    #[arg(long, default_value = "local")]
    pub region: String,
}

#[derive(Debug, Args)]
pub struct Health {
    /// What is asked, with GET
    #[arg(value_name = "URL")]
    pub url: String,
    /// The token to send
    #[arg(long, value_name = "TOKEN")]
    pub bearer: Option<String>,
    /// The status of a service that is well [default: any from 200 to 299]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub status: Option<u16>,
}

#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    pub place: Place,
    /// Who the token is for
    #[arg(long)]
    pub user: String,
    /// What they may do: user, approver, operator, admin
    #[arg(long, default_value = "user", value_parser = keys::role)]
    pub role: Role,
    /// What they have paid for: free, premium, enterprise
    #[arg(long, default_value = "free", value_parser = keys::tier)]
    pub tier: Tier,
    /// How long it is good: 90s, 15m, 12h, 30d
    #[arg(long, value_name = "SPAN", default_value = "12h", value_parser = keys::span)]
    pub ttl: Millis,
}

#[derive(Debug, Args)]
pub struct Keys {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: KeysVerb,
}

#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Makes a key, and prints it once
    Create(CreateKey),
    /// The keys there are, without their secrets
    List(ListKeys),
    /// Takes a key back for good
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
pub struct CreateKey {
    /// Whose sagas it starts and sees
    #[arg(long)]
    pub user: String,
    /// What it may do, with commas between: read, start, approve, operate
    #[arg(long, default_value = "read,start")]
    pub scopes: String,
    /// Its role: user, approver, operator, admin
    #[arg(long, default_value = "user", value_parser = keys::role)]
    pub role: Role,
    /// Its tier: free, premium, enterprise
    #[arg(long, default_value = "free", value_parser = keys::tier)]
    pub tier: Tier,
    /// How long it is good: 12h, 30d [default: until it is revoked]
    #[arg(long, value_name = "SPAN", value_parser = keys::span)]
    pub ttl: Option<Millis>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct ListKeys {
    /// Of this user only
    #[arg(long)]
    pub user: Option<String>,
    /// Prints all that is known, as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RevokeKey {
    /// What stands in the key after `mk_`
    #[arg(value_name = "ID")]
    pub id: String,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Runs N-step sagas for some seconds; a line of JSON for each N
    Saga(BenchSaga),
    /// Asks with and without limits, and of somebody who is refused; a line of JSON for each
    Limits(BenchLimits),
    /// Counts the requests that one saga costs at each service; a line of JSON for each of three runs
    Requests(BenchRequests),
    /// Measures what it costs to understand messages, in CPU; one line of JSON
    Intent(BenchIntent),
    /// Brings the platform up in an empty folder and in one that is there; a line of JSON for each
    Start(BenchStart),
    /// Compares the first answer of each function with a hello-world's; a line of JSON for each
    Cold(BenchCold),
    /// Loads the emulators of Redis and QStash, and a real Redis beside them; the last line is JSON
    Emulators(BenchEmulators),
}

#[derive(Clone, Debug, Args)]
pub struct BenchLimits {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// How long each is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub clients: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchRequests {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
}

#[derive(Clone, Debug, Args)]
pub struct BenchIntent {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// The messages: one a line, as it is or as the `message` of a JSON object
    #[arg(long, value_name = "FILE", default_value = "tests/eval/data/own.jsonl")]
    pub messages: PathBuf,
    /// How often each is asked; its mean counts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchStart {
    #[command(flatten)]
    pub place: Place,
    /// How often; the medians are told
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub times: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchCold {
    #[command(flatten)]
    pub place: Place,
    /// The hello-world's component, as built from tests/workers/hello
    #[arg(long, value_name = "FILE")]
    pub hello: PathBuf,
    /// Batches of 50 for each function; the medians are told
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchEmulators {
    /// How long each Redis is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How many messages go through QStash
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: u64,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub clients: u32,
}

#[derive(Clone, Debug, Args)]
pub struct BenchSaga {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// Steps of each saga, one after the other; of several lengths, each is measured in turn
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub steps: Vec<u32>,
    /// The steps are the items of one list instead, 8 of them at once
    #[arg(long)]
    pub wide: bool,
    /// What the steps are
    #[arg(long, value_enum, default_value_t = StepClass::Effect)]
    pub class: StepClass,
    /// Sagas at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub concurrency: u32,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StepClass {
    /// Changes the world and can be undone: every step is committed before and after
    Effect,
    /// Only reads: commits are elided
    Query,
}

#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: AuditVerb,
}

#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Who did what, newest first
    List(ListAudit),
    /// Looks at every row; says the head of the log, or the first row that does not hold
    Verify(VerifyAudit),
}

#[derive(Debug, Args)]
pub struct ListAudit {
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Those before this number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// Prints the rows as they are
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// The head that was printed last time: so that an end that was cut off is seen too
    #[arg(long, value_name = "NUMBER:HASH")]
    pub head: Option<Head>,
}

#[derive(Debug, Args)]
pub struct Views {
    #[command(flatten)]
    pub source: Source,
    /// Prints what came of it as JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: ViewsVerb,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ViewsVerb {
    /// Says which lines are not what the journal says, and fails where there are any
    Check,
    /// Makes anew what is not as the journal says; sagas go on meanwhile
    Rebuild,
}

#[derive(Debug, Args)]
pub struct Webhooks {
    #[command(flatten)]
    pub source: Source,
    /// The data of the local platform, which has a source for trying out [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: WebhooksVerb,
}

#[derive(Debug, Subcommand)]
pub enum WebhooksVerb {
    /// Reads webhook_sources, and says which sources and rules there are, or what is wrong
    Check,
    /// What was delivered for you, newest first
    List(ListDeliveries),
    /// Signs a body as a source's sender would, and delivers it
    Send(SendDelivery),
}

#[derive(Debug, Args)]
pub struct ListDeliveries {
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
    /// Who asks, as `makegood token` prints it
    #[arg(long, env = "MAKEGOOD_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Prints the answer as it came
    #[arg(long)]
    pub json: bool,
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct SendDelivery {
    /// The source; the local platform has `demo`
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// The file with what is delivered
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// Its id, for schemes that have one in a header [default: a new one]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Its kind, for schemes that have it in a header
    #[arg(long = "type", value_name = "TYPE", default_value = "", hide_default_value = true)]
    pub kind: String,
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
}

#[derive(Debug, Args)]
pub struct Tools {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: ToolsVerb,
}

#[derive(Debug, Subcommand)]
pub enum ToolsVerb {
    /// Every tool, and whether it is in use
    List(ListTools),
    /// A tool's definition
    Show(ShowTool),
    /// Makes a component of a tool written in Rust, and says what it weighs
    Build(BuildTool),
    /// Registers tools, from files, from components, or from an MCP server
    Add(AddTools),
    /// Calls a tool as a saga would on its worst day, and says what it gets wrong
    Test(TestTool),
    /// Takes a tool out of use
    Remove(OneTool),
    /// Writes JSON Schema and Rust types of a database's tables, or says how they have changed
    Reflect(ReflectTables),
}

#[derive(Debug, Args)]
pub struct ReflectTables {
    /// A table with its schema, as in `public.bookings`; may be given again
    #[arg(long = "table", value_name = "SCHEMA.TABLE", required = true)]
    pub tables: Vec<String>,
    /// Columns that the tool fills in by itself, so that no input has them
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub filled: Vec<String>,
    /// The folder that the files are checked in to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Writes nothing: prints a diff where the files are not as the database is, and fails
    #[arg(long)]
    pub check: bool,
    /// The connection string; alone, a server that is connected to without TLS [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where SQL over HTTP is served [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_http_url: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListTools {
    /// Prints all that is known, as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ShowTool {
    /// The tool
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct OneTool {
    /// The tool
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct BuildTool {
    /// The folder with its Cargo.toml
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct AddTools {
    /// Files, each a definition, a list of them, or a sample that holds one, or a component (.wasm) that says itself
    /// what it is; with --server, the server's tools [default: those of --words, or all]
    #[arg(value_name = "FILE|TOOL")]
    pub what: Vec<String>,
    /// The MCP server, as `mcp_servers` names it
    #[arg(long, value_name = "NAME")]
    pub server: Option<String>,
    /// What you say of the server's tools: docs/MCP.md
    #[arg(long, value_name = "FILE")]
    pub words: Option<PathBuf>,
    /// Shows what would be registered, and registers nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Of a component: the data of the platform that is to run it [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TestTool {
    /// The sample: {"tool": a definition, or the name of a demo tool or of one that is in use, "params": {…}}
    #[arg(value_name = "FILE")]
    pub sample: PathBuf,
    /// What stands before `/{tool}/do`; without it, the tool is a registered one of an MCP server
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Prints the verdict as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where an installation is that `makegood up` has started.
pub const DEFAULT_URL: &str = "http://127.0.0.1:3000";

#[derive(Debug, Args)]
pub struct Chat {
    /// What you want done; without it, lines are read until the input ends
    #[arg(value_name = "MESSAGE")]
    pub message: Vec<String>,
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
    /// Who asks, as `makegood token` prints it
    #[arg(long, env = "MAKEGOOD_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The conversation that it goes on with [default: a new one]
    #[arg(long, value_name = "ID")]
    pub conversation: Option<String>,
    /// Where you are: `Europe/Berlin`, `+02:00` [default: TZ, where it names a zone; else Greenwich]
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// The language of the answers: `en`, `de`, `es`
    #[arg(long, value_name = "LOCALE")]
    pub locale: Option<String>,
    /// Prints every event as it comes, a line of JSON each
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Saga {
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL, global = true)]
    pub url: String,
    /// Who asks, as `makegood token` prints it
    #[arg(long, env = "MAKEGOOD_TOKEN", value_name = "TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// Prints the answer as it came
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: SagaVerb,
}

#[derive(Debug, Subcommand)]
pub enum SagaVerb {
    /// Your sagas, newest first
    List(ListSagas),
    /// How a saga stands, a line for every step
    Show(OneSaga),
    /// Why a saga stands as it does, and what it wants of people
    Explain(OneSaga),
    #[command(flatten)]
    Ask(Ask),
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Has a saga undone, if it is not past its point of no return
    Cancel(OneSaga),
    /// Has nothing new started; what is under way is settled
    Pause(OneSaga),
    /// Has a paused saga go on
    Resume(OneSaga),
    /// Agrees to a step
    Approve(Decide),
    /// Does not agree to a step, so that the saga is undone
    Reject(Decide),
    /// Brings what a step waits for
    Event(Bring),
    /// Of a stuck saga: has a held step tried again, or all of them
    Retry(Retry),
    /// Of a stuck saga: says what became of a held step
    Resolve(Resolve),
    /// Has a saga go on with another plan, under which what is done and still wanted is kept
    Replan(Replan),
}

#[derive(Debug, Args)]
pub struct ListSagas {
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Those begun before this time, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    pub before: Option<u64>,
}

#[derive(Debug, Args)]
pub struct OneSaga {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
}

#[derive(Debug, Args)]
pub struct Decide {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step that asks
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Of what was shown: the decision is about that and nothing else [default: whatever is asked now]
    #[arg(long)]
    pub hash: Option<String>,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct Bring {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// What the step waits for
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it brings: the step's output
    #[arg(long, value_name = "JSON", value_parser = json, default_value = "null", allow_hyphen_values = true)]
    pub payload: Value,
}

#[derive(Debug, Args)]
pub struct Retry {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step [default: all that are held]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").args(["done", "not_done"]).required(true)))]
pub struct Resolve {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step that is held
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Its effect is there
    #[arg(long)]
    pub done: bool,
    /// Its effect is not there: it never was, or was taken back by hand
    #[arg(long)]
    pub not_done: bool,
    /// What it gave: later steps may refer to it
    #[arg(long, value_name = "JSON", value_parser = json, conflicts_with = "not_done", allow_hyphen_values = true)]
    pub output: Option<Value>,
    /// How you know, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct Replan {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The plan in JSON: `{"summary": …, "steps": …}`
    #[arg(long, value_name = "FILE", value_parser = json_file)]
    pub plan: Value,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn json_file(path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

/// An empty variable says nothing.
pub fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

impl Place {
    /// The manifest: as given, or found here or above.
    pub fn manifest(&self) -> anyhow::Result<PathBuf> {
        if let Some(given) = &self.manifest {
            return given.canonicalize().with_context(|| format!("There is no manifest at {}.", given.display()));
        }
        let here = std::env::current_dir()?;
        let mut above = here.ancestors().map(|folder| folder.join("spin.toml"));
        above
            .find(|path| path.is_file())
            .with_context(|| format!("There is no spin.toml in {} or above. Name it with --manifest.", here.display()))
    }

    pub fn data_dir(&self, manifest: &Path) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| manifest.with_file_name("data"))
    }
}

impl Up {
    pub fn options(&self) -> anyhow::Result<Options> {
        let manifest = self.place.manifest()?;
        let data_dir = self.place.data_dir(&manifest);
        let options = self.services.options(manifest, data_dir, self.bind, self.port, &self.region);
        Ok(Options { fresh: self.fresh, ..options })
    }
}

impl Services {
    fn tool_limits(&self) -> Limits {
        let memory = usize::try_from(self.tool_memory_mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        Limits { memory, time: Duration::from_millis(self.tool_time_ms), ..Limits::default() }
    }

    pub fn options(&self, manifest: PathBuf, data_dir: PathBuf, bind: IpAddr, port: u16, region: &str) -> Options {
        let given = |value: &Option<String>| given(value.as_ref()).map(str::to_owned);
        Options {
            manifest,
            data_dir,
            fresh: false,
            bind,
            port,
            region: region.to_owned(),
            database_url: given(&self.database_url),
            database_password: given(&self.database_password),
            redis_url: given(&self.redis_url),
            alert_url: given(&self.alert_url),
            mcp_servers: given(&self.mcp_servers),
            jwks_url: given(&self.jwks_url),
            issuers: given(&self.issuers),
            anonymous_role: self.anonymous_role,
            time_budget: self.time_budget_ms.map(Millis),
            kill: self.kill_ms.map(Millis),
            breakers: self.breakers.clone(),
            user_concurrency: self.user_concurrency,
            limits: given(&self.limits),
            skip_time: self.skip_time,
            tools: self.tool_limits(),
        }
    }
}
