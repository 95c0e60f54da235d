//! The binary `makegood`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line: it talks to people")]

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use makegood_local::bench::Bench;
use makegood_local::cli::{Cli, Command};
use makegood_local::secrets::Wanted;
use makegood_local::{
    audit, bench, breakers, chat, deploy, doctor, emulate, health, keys, migrate, saga, secrets, sim, subscriptions,
    tools, up, views, webhooks,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("MAKEGOOD_LOG").unwrap_or_else(|_| "warn,makegood=info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("makegood: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        None => up::run(&cli.up).await,
        Some(Command::Up(options)) => up::run(&options).await,
        Some(Command::Build(options)) => up::build_all(&options).await,
        Some(Command::Deploy(options)) => deploy::check(&options),
        Some(Command::Doctor(options)) => doctor::run(&options).await,
        Some(Command::Migrate(options)) => migrate::run(&options).await,
        Some(Command::Emulate(options)) => emulate::run(&options).await,
        Some(Command::Health(options)) => health::ask(&options).await,
        Some(Command::Token(token)) => {
            keys::check_name(&token.user)?;
            let manifest = token.place.manifest()?;
            let data_dir = token.place.data_dir(&manifest);
            std::fs::create_dir_all(&data_dir)?;
            let wanted = Wanted { user: &token.user, role: token.role, tier: token.tier, good_for: token.ttl };
            println!("{}", secrets::token(&secrets::issuer_of(&data_dir)?, &wanted)?);
            Ok(())
        }
        Some(Command::Keys(options)) => keys::run(&options).await,
        Some(Command::Bench(Bench::Saga(options))) => bench::saga(&options).await,
        Some(Command::Bench(Bench::Limits(options))) => bench::limits::run(&options).await,
        Some(Command::Bench(Bench::Traces(options))) => bench::traces::run(&options).await,
        Some(Command::Bench(Bench::Requests(options))) => bench::requests::run(&options).await,
        Some(Command::Bench(Bench::Intent(options))) => bench::intent::run(&options).await,
        Some(Command::Bench(Bench::Start(options))) => bench::start::start(&options).await,
        Some(Command::Bench(Bench::Cold(options))) => bench::cold::run(&options).await,
        Some(Command::Bench(Bench::Emulators(options))) => bench::emulators::run(&options).await,
        Some(Command::Chat(options)) => chat::run(&options).await,
        Some(Command::Saga(options)) => saga::run(&options).await,
        Some(Command::Sim(options)) => sim::run(&options),
        Some(Command::Tools(options)) => tools::run(&options).await,
        Some(Command::Breakers(options)) => breakers::run(&options).await,
        Some(Command::Webhooks(options)) => webhooks::run(&options).await,
        Some(Command::Subscriptions(options)) => subscriptions::run(&options).await,
        Some(Command::Audit(options)) => audit::run(&options).await,
        Some(Command::Views(options)) => views::run(&options).await,
    }
}
