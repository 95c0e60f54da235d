//! A real PostgreSQL and a real Redis, as Debian packages them, in folders and on ports of their own.

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
        let [initdb, postgres, ready, redis] = ["initdb", "postgres", "pg_isready", "redis-server"].map(binary);
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

        let (postgres_port, redis_port) = (port().to_string(), port().to_string());
        let mut command = account.run(&postgres);
        command.arg("-D").arg(&data).args([
            "-p",
            &postgres_port,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        let postgres = Server::start(command);
        let mut command = account.run(&redis);
        command.args(["--bind", "127.0.0.1", "--port", &redis_port, "--save", "", "--dir"]).arg(folder.path());
        let redis = Server::start(command);

        let asked = ["-q", "-h", "127.0.0.1", "-p", &postgres_port];
        until("PostgreSQL", || Command::new(&ready).args(asked).status().is_ok_and(|status| status.success()));
        until("Redis", || std::net::TcpStream::connect(format!("127.0.0.1:{redis_port}")).is_ok());
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
    fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
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

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let began = Instant::now();
    while !ready() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} did not start");
        sleep(Duration::from_millis(50));
    }
}
