//! A real `redis-server` of Debian's package, on a free port, for one test.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command},
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
        // What was free a moment ago another test may have taken since.
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Some((0..10).find_map(|_| Self::at(free())).expect("no redis-server began to listen, on ten ports"))
    }

    /// The same at this port; `None` where it has ended, or does not listen in time. That something listens there
    /// is not enough: it itself has to say so.
    pub fn at(port: u16) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("makegood-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let log = folder.join("log");
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&folder)
            .arg("--logfile")
            .arg(&log)
            .spawn()
            .expect(
                "redis-server is missing: apt-get install -y --no-install-recommends redis-server \
                 (or set MAKEGOOD_NO_SYSTEM_SERVICES=1 to do without)",
            );
        let mut server = Self { process, folder, url: format!("redis://127.0.0.1:{port}") };
        for _ in 0..400 {
            if std::fs::read_to_string(&log).is_ok_and(|text| text.contains("Ready to accept connections")) {
                return Some(server);
            }
            if server.process.try_wait().unwrap().is_some() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
