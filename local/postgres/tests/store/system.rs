//! A real PostgreSQL from this machine's packages, in a folder of its own, with one user for each way
//! to authenticate.

use crate::folder::Folder;
use makegood_postgres::{Error, Postgres};
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const WITHOUT: &str = "MAKEGOOD_NO_SYSTEM_SERVICES";

const HBA: &str = "
local all all trust
host all scrammer 127.0.0.1/32 scram-sha-256
host all hasher 127.0.0.1/32 md5
host all plain 127.0.0.1/32 password
host all postgres 127.0.0.1/32 trust
";

pub struct System {
    server: Child,
    pub port: u16,
    folder: Folder,
}

impl System {
    /// `None` where the environment says to do without. PostgreSQL refuses to run as root, so root
    /// runs it as the package's `postgres` user.
    pub fn start() -> Option<Self> {
        if std::env::var(WITHOUT).is_ok_and(|value| value == "1") {
            eprintln!("{WITHOUT}=1: the store suite is not run on a real PostgreSQL");
            return None;
        }
        let binaries = binaries().unwrap_or_else(|| {
            panic!(
                "no PostgreSQL server on this machine: run `apt-get install -y postgresql`, or set \
                 {WITHOUT}=1 to test the embedded one only"
            )
        });
        let (folder, owner) = (Folder::new(), owner());
        let data = folder.path().join("data");
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(binaries.join(program));
            command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command
        };
        let made = command("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        std::fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        let log = folder.path().join("log");
        // What was free a moment ago another test may have taken since.
        let found = (0..10).find_map(|_| {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut postgres = command("postgres");
            postgres.args(["-c", "listen_addresses=127.0.0.1", "-p", &port.to_string(), "-k"]).arg(folder.path());
            postgres.arg("-D").arg(&data).stderr(File::create(&log).unwrap());
            Some((listening(postgres, &log)?, port))
        });
        let (server, port) = found.unwrap_or_else(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("PostgreSQL did not begin to listen, on ten ports: {said}")
        });
        Some(Self { server, port, folder })
    }

    /// Connects through the Unix socket, as soon as the server has finished starting.
    pub async fn connect(&self) -> Postgres {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Postgres::connect(&self.socket_url()).await {
                Ok(postgres) => return postgres,
                Err(Error::Unavailable(_)) if attempts < 400 => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub fn url(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/postgres", self.port)
    }

    pub fn socket_url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@/postgres?host={folder}&port={}", self.port)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown: it ends its own backends.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// A server that listens; `None` where it has ended. That something listens at its port is not enough: it itself has
/// to say so.
fn listening(mut command: Command, log: &Path) -> Option<Child> {
    let mut server = command.spawn().unwrap();
    for _ in 0..600 {
        if std::fs::read_to_string(log).is_ok_and(|said| said.contains("ready to accept connections")) {
            return Some(server);
        }
        if server.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = server.kill();
    panic!("PostgreSQL did not start in half a minute")
}

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.map(|version| version.path().join("bin"));
    let local = ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    packaged.chain(local).find(|folder| folder.join("postgres").exists())
}

/// User and group of the `postgres` account if we are root.
fn owner() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(Path::new("/proc/self")).unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let ids: Vec<u32> = account.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    Some((ids[0], ids[1]))
}
