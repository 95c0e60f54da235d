//! A real `redis-server` of Debian's package, on a free port, for one test.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

pub struct Server {
    process: Child,
    folder: PathBuf,
    pub url: String,
}

impl Server {
    /// `None` only where the environment renounces the real server.
    pub fn start() -> Option<Self> {
        if std::env::var("MAKEGOOD_NO_SYSTEM_SERVICES").is_ok_and(|value| value == "1") {
            return None;
        }
        Self::start_at(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
    }

    /// The same at this port.
    pub fn start_at(port: u16) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("makegood-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect(
                "redis-server is missing: apt-get install -y --no-install-recommends redis-server \
                 (or set MAKEGOOD_NO_SYSTEM_SERVICES=1 to do without)",
            );
        let url = format!("redis://127.0.0.1:{port}");
        let server = Self { process, folder, url };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("redis-server does not listen on {port}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
