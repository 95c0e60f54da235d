//! One `makegood up` as a process: started, asked, interrupted, killed and started again on the same
//! data.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::binary;

/// Functions may still have to be compiled, on a machine that does other things as well.
const START: Duration = Duration::from_secs(120);
const ANSWER: Duration = Duration::from_secs(60);

/// How a platform is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub port: u16,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// What lies in the data folder before the first start: names below it, and contents.
    pub files: Vec<(String, String)>,
}

impl Options {
    #[must_use]
    pub fn arguments(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(ToString::to_string).collect(), ..Self::default() }
    }
}

/// A platform that runs, or was killed and can be started again. It ends with this value.
pub struct Platform {
    pub url: String,
    /// How long it took to start, as it says itself.
    pub said: Duration,
    options: Options,
    folder: TempDir,
    child: Child,
    client: reqwest::Client,
}

/// An answer, taken in whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

impl Answer {
    /// The body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl Platform {
    /// Starts one on a data folder of its own.
    pub async fn start(options: Options) -> Self {
        tokio::task::spawn_blocking(binary::makegood).await.expect("makegood is built");
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        for (name, text) in &options.files {
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (child, url, said) = launch(&options, &data).await;
        // Many more at once than a browser would, and none kept: the host is killed under them.
        let client = reqwest::Client::builder().timeout(ANSWER).pool_max_idle_per_host(0).build().unwrap();
        Self { url, said, options, folder, child, client }
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Ctrl-C.
    pub async fn interrupt(&mut self) -> ExitStatus {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().await.unwrap();
        assert!(sent.success(), "the process {pid} is there");
        timeout(Duration::from_secs(20), self.child.wait()).await.expect("it ends soon").unwrap()
    }

    /// Starts it again, on the same data and port.
    pub async fn start_again(&mut self) {
        assert!(self.child.try_wait().unwrap().is_some(), "it ended before");
        let port = self.url.rsplit_once(':').unwrap().1.parse().unwrap();
        let options = Options { port, ..self.options.clone() };
        let (child, url, said) = launch(&options, &self.data()).await;
        assert_eq!(url, self.url);
        (self.child, self.said) = (child, said);
    }

    /// The CPU that the process has used so far: functions, database and town are in it. As precise as
    /// the kernel's ticks, which are a hundredth of a second.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id().expect("it runs"))).unwrap();
        // The command's name, in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(log_of(&self.data())).unwrap_or_default()
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn prints(&self) -> String {
        std::fs::read_to_string(prints_of(&self.data())).unwrap_or_default()
    }

    /// A request to one of its addresses.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = answer(self.request("GET", path)).await;
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.json()
    }

    /// Posts JSON, and asserts the status.
    pub async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let answer = answer(self.request("POST", path).json(body)).await;
        assert_eq!(answer.status, status, "POST {path} {body}: {answer:?}");
        answer.json()
    }

    /// A development token, from the command line.
    pub async fn token(&self, user: &str) -> String {
        self.token_with(user, &[]).await
    }

    /// The same with more arguments, as `--role`.
    pub async fn token_with(&self, user: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(binary::makegood());
        command
            .args(["token", "--user", user])
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data())
            .arg("--manifest")
            .arg(binary::manifest());
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Sends a request and takes its whole answer in.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    try_answer(request).await.expect("it answers")
}

/// # Errors
/// Where nobody answers, or the answer breaks off.
pub async fn try_answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    Ok(Answer { status: response.status().as_u16(), content_type, text: response.text().await? })
}

/// `makegood up`, ready to be spawned. The caller's own configuration stays outside.
pub fn up(data: &Path, port: u16) -> Command {
    let mut command = Command::new(binary::makegood());
    command
        .args(["up", "--port", &port.to_string()])
        .arg("--manifest")
        .arg(binary::manifest())
        .arg("--data-dir")
        .arg(data)
        .current_dir(binary::root())
        .env_remove("DATABASE_URL")
        .env_remove("REDIS_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn log_of(data: &Path) -> PathBuf {
    data.with_file_name("stderr.log")
}

fn prints_of(data: &Path) -> PathBuf {
    data.with_file_name("stdout.log")
}

async fn launch(options: &Options, data: &Path) -> (Child, String, Duration) {
    let log = std::fs::File::options().create(true).append(true).open(log_of(data)).unwrap();
    let mut command = up(data, options.port);
    command.args(&options.arguments).envs(options.environment.iter().cloned()).stderr(log);
    let mut child = command.spawn().unwrap();
    let mut prints = std::fs::File::options().create(true).append(true).open(prints_of(data)).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Duration::ZERO;
    let ready = timeout(START, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            writeln!(prints, "{line}").unwrap();
            if let Some(seconds) = line.strip_prefix("Makegood is up, after ") {
                let seconds = seconds.split(' ').next().unwrap().parse().unwrap();
                said = Duration::from_secs_f64(seconds);
            }
            if let Some(url) = line.trim().strip_prefix("Chat ") {
                return Some(url.trim().trim_end_matches("/api/chat").to_owned());
            }
        }
        None
    });
    let url = ready.await.ok().flatten().unwrap_or_else(|| {
        let log = std::fs::read_to_string(log_of(data)).unwrap_or_default();
        panic!("the platform did not start:\n{log}")
    });
    // The rest of what it says is read too, or it would block on a full pipe.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            writeln!(prints, "{line}").unwrap();
        }
    });
    (child, url, said)
}
