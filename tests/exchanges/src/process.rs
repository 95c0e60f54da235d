//! The functions as a process of another's making. It ends with its value, and all that it started.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use makegood_endpoints::binary;
use makegood_workers::{Workerd, config_of_all};
use tempfile::TempDir;

/// Where `tests/exchanges/run` has fetched wrangler and its Node, if it has.
const WRANGLER: &str = "MAKEGOOD_WRANGLER";
/// The functions with a configuration of their own, behind the gateway's.
const FUNCTIONS: [&str; 5] = ["chat", "intent", "execute", "webhook", "debug"];
/// So that wrangler asks nobody anything.
const QUIET: [(&str, &str); 5] = [
    ("WRANGLER_SEND_METRICS", "false"),
    ("WRANGLER_SEND_ERROR_REPORTS", "false"),
    ("WRANGLER_HIDE_BANNER", "true"),
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
    ("CI", "1"),
];

/// A process that serves the functions.
pub struct Process {
    running: Running,
    folder: TempDir,
}

enum Running {
    Workerd(Workerd),
    Group(Child),
}

/// The folder with wrangler and Node in it.
pub fn wrangler() -> Option<PathBuf> {
    std::env::var_os(WRANGLER).map(PathBuf::from)
}

/// Spin's program.
pub fn spin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("spin")).find(|program| program.is_file())
}

impl Process {
    /// workerd with the gateway and all functions.
    pub async fn workerd(port: u16, settings: &[(String, String)]) -> Self {
        let folder = TempDir::new().unwrap();
        let complaints = File::create(log(&folder)).unwrap();
        let config = config_of_all().unwrap();
        let running = Workerd::start(&config, port, &[], settings, complaints.into()).await.unwrap();
        Self { running: Running::Workerd(running), folder }
    }

    /// `wrangler dev` with the repository's own configurations.
    pub fn wrangler(port: u16, settings: &[(String, String)]) -> Self {
        let home = wrangler().unwrap_or_else(|| panic!("{WRANGLER} is not set: bash tests/exchanges/run wrangler"));
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(home.join("node/bin/node"));
        command.arg(home.join("wrangler/bin/wrangler.js")).args(["dev", "--port", &port.to_string()]);
        command.args(["--ip", "127.0.0.1", "--inspector-port", "0", "--show-interactive-dev-session=false"]);
        command.arg("--persist-to").arg(folder.path().join("state"));
        command.args(["-c", "wrangler.toml"]);
        for function in FUNCTIONS {
            command.arg("-c").arg(format!("functions/{function}/wrangler.toml"));
        }
        let env = folder.path().join("vars");
        let vars: String = settings.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
        std::fs::write(&env, vars).unwrap();
        command.arg("--env-file").arg(env).envs(QUIET);
        Self::group(command, folder)
    }

    /// `spin up` with the repository's manifest, which names the functions where Cargo writes unless it is told
    /// another place.
    pub fn spin(port: u16, settings: &[(String, String)]) -> Self {
        let program = spin().expect("`spin` is on the path");
        let folder = TempDir::new().unwrap();
        let manifest = std::fs::read_to_string(binary::manifest()).unwrap();
        let written = format!("\"{}/", binary::target_dir().display());
        let beside = folder.path().join("spin.toml");
        std::fs::write(&beside, manifest.replace("\"target/", &written)).unwrap();
        let mut command = Command::new(program);
        command.args(["up", "--listen", &format!("127.0.0.1:{port}"), "--from"]).arg(beside);
        command.arg("--state-dir").arg(folder.path().join("state"));
        let behind = settings.iter().find(|(name, _)| name == "TOOLS_URL").map(|(_, url)| url).unwrap();
        let behind = behind.trim_end_matches("/demo/tools");
        for host in ["database_host", "redis_host", "qstash_host", "tools_host", "jwks_host"] {
            command.arg("--variable").arg(format!("{host}={behind}"));
        }
        for (name, value) in settings {
            command.arg("--variable").arg(format!("{}={value}", name.to_lowercase()));
        }
        Self::group(command, folder)
    }

    fn group(mut command: Command, folder: TempDir) -> Self {
        let complaints = File::create(log(&folder)).unwrap();
        command.current_dir(binary::root()).stdin(Stdio::null());
        command.stdout(complaints.try_clone().unwrap()).stderr(complaints).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { running: Running::Group(child), folder }
    }

    /// The processor time that it and all that it started have taken so far.
    pub fn cpu(&self) -> Duration {
        match &self.running {
            Running::Workerd(workerd) => workerd.cpu().unwrap(),
            Running::Group(child) => processes().filter(|stat| stat.group == child.id()).map(|stat| stat.cpu).sum(),
        }
    }

    /// What it wrote where people look.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(log(&self.folder)).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Running::Group(child) = &mut self.running {
            // It has started others, which are of its group: the whole group ends.
            let group = format!("-{}", child.id());
            drop(Command::new("kill").args(["-TERM", "--", &group]).status());
            std::thread::sleep(Duration::from_millis(500));
            drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
            drop(child.wait());
        }
    }
}

/// A process of this machine, as the kernel tells of it.
struct Stat {
    group: u32,
    /// In the kernel's ticks of a hundredth of a second.
    cpu: Duration,
}

fn processes() -> impl Iterator<Item = Stat> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        // The command's name, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        Some(Stat { group: fields.get(2)?.parse().ok()?, cpu: Duration::from_millis(ticks * 10) })
    })
}

fn log(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("complaints.log")
}
