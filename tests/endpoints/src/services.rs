//! A real PostgreSQL and a real Redis, as Debian packages them, in folders and on ports of their own.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const INSTALL: &str = "apt-get install --yes postgresql redis-server";
/// Says that a machine has no such services, and is not to have any.
const WITHOUT: &str = "MAKEGOOD_NO_SYSTEM_SERVICES";
/// What both say when they do, in small letters.
const LISTENS: &str = "ready to accept connections";

/// Both services. They end with this value.
pub struct Services {
    pub database_url: String,
    pub redis_url: String,
    _postgres: Server,
    _redis: Server,
    _folder: TempDir,
}

impl Services {
    /// Starts both; `None` where the environment says that this machine does without. Blocks.
    #[must_use]
    pub fn start() -> Option<Self> {
        if std::env::var(WITHOUT).is_ok_and(|value| value == "1") {
            return None;
        }
        let [initdb, postgres, redis] = ["initdb", "postgres", "redis-server"].map(binary);
        let folder = TempDir::new().unwrap();
        let account = Account::for_postgres();
        account.own(folder.path());
        let data = folder.path().join("postgres");
        let made = account
            .run(&initdb)
            .args(["--auth=trust", "--username=makegood", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");

        let (postgres, postgres_port) = listening("postgres", folder.path(), |port| {
            let mut command = account.run(&postgres);
            command.arg("-D").arg(&data).args(["-p", port]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
            command
        });
        let (redis, redis_port) = listening("redis-server", folder.path(), |port| {
            let mut command = account.run(&redis);
            command.args(["--bind", "127.0.0.1", "--port", port, "--save", "", "--dir"]).arg(folder.path());
            command
        });
        Some(Self {
            database_url: format!("postgres://makegood@127.0.0.1:{postgres_port}/postgres"),
            redis_url: format!("redis://127.0.0.1:{redis_port}"),
            _postgres: postgres,
            _redis: redis,
            _folder: folder,
        })
    }
}

impl Services {
    /// Loads a dump in plain SQL into the database, whole or not at all. Blocks.
    pub fn load(&self, dump: &str) {
        let mut command = Command::new(binary("psql"));
        command.args(["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]);
        command.arg(&self.database_url).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut psql = command.spawn().unwrap();
        // It ends early where a line is wrong, and says which.
        drop(psql.stdin.take().unwrap().write_all(dump.as_bytes()));
        let loaded = psql.wait_with_output().unwrap();
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    }
}

/// A free port that stays free while its server is down: below those that the kernel gives to
/// clients, one of which might else be given to a client that calls this very port.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 100) as u16 * 100;
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed) % 100).take(100);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("one of a hundred ports is free")
}

/// Starts a server at a port of its own, and says at which. What was free a moment ago somebody else may have taken
/// since: then it is tried at another.
fn listening(what: &str, folder: &Path, command: impl Fn(&str) -> Command) -> (Server, String) {
    let log = folder.join(format!("{what}.log"));
    let found = (0..10).find_map(|_| {
        let port = port().to_string();
        Server::start(command(&port), &log).map(|server| (server, port))
    });
    found.unwrap_or_else(|| {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        panic!("{what} did not begin to listen, on ten ports: {said}")
    })
}

/// Debian keeps most of PostgreSQL's programs out of the path.
fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{name}` is missing. Run `{INSTALL}`, or set {WITHOUT}=1 to do without this test."))
}

/// PostgreSQL does not run as root, so root runs it as the user that the package made.
enum Account {
    Own,
    Other { uid: u32, gid: u32 },
}

impl Account {
    fn for_postgres() -> Self {
        let me = Command::new("id").arg("-u").output().unwrap();
        if me.stdout != b"0\n" {
            return Self::Own;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let mut fields = users
            .lines()
            .find_map(|line| line.strip_prefix("postgres:"))
            .expect("the package made the user `postgres`")
            .split(':');
        let (uid, gid) = (fields.nth(1).unwrap(), fields.next().unwrap());
        Self::Other { uid: uid.parse().unwrap(), gid: gid.parse().unwrap() }
    }

    fn own(&self, path: &Path) {
        if let Self::Other { uid, gid } = self {
            chown(path, Some(*uid), Some(*gid)).unwrap();
        }
    }

    fn run(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Self::Other { uid, gid } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }
}

/// A server process, ended with this value.
struct Server(Child);

impl Server {
    /// `None` where it has ended, or does not listen in time. That something listens there is not enough: it itself has to
    /// say so.
    fn start(mut command: Command, log: &Path) -> Option<Self> {
        let file = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut server = Self(command.spawn().unwrap());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if std::fs::read_to_string(log).is_ok_and(|said| said.to_lowercase().contains(LISTENS)) {
                return Some(server);
            }
            if server.0.try_wait().unwrap().is_some() {
                return None;
            }
            sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it has ended its number may be another's.
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // PostgreSQL's fast shutdown: no waiting for clients, and nothing left in shared memory.
        drop(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_server_that_ends_before_it_listens_is_tried_at_another_port() {
        let (folder, tries) = (TempDir::new().unwrap(), Cell::new(0));
        let (mut server, port) = listening("it", folder.path(), |port| {
            tries.set(tries.get() + 1);
            let says = if tries.get() < 3 { "echo taken" } else { "echo Ready to accept connections; exec sleep 60" };
            let mut command = Command::new("sh");
            command.args(["-c", says, "sh", port]);
            command
        });
        assert_eq!(tries.get(), 3);
        assert!(port.parse::<u16>().is_ok(), "{port}");
        assert!(matches!(server.0.try_wait(), Ok(None)), "it runs");
    }
}
