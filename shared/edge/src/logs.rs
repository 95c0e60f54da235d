//! Tells whoever collects traces what a function has logged, where that is wished: all that one invocation said, in one
//! request, when all else is done that comes after its answer. The lines of a stream that come later are another's.
//!
//! Nothing waits for it, it is tried once, and of its answer only the status counts. What is not taken stands in the
//! platform's log alone, as all lines do, and so does what that invocation logs from then on: a collector that is away
//! is told nothing of being away.

use std::cell::RefCell;
use std::mem;

use makegood_core::time::Millis;
use makegood_core::trace::Context;
use makegood_gateway::otlp::Collector;
use makegood_gateway::otlp::logs::{self, Line, Origin, Severity};

use crate::host::{Host, Level, Request};
use crate::start;
use crate::traces::{named, resource};

/// So many lines of an invocation are told at once, so many characters of each, and so many bytes of all.
const LINES: usize = 64;
const LONGEST: usize = 2_000;
const BYTES: usize = 32 * 1024;
/// The longest that a receiver may take.
const PATIENCE: Millis = Millis(2_000);

/// What one invocation has logged, and nobody was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Logged {
    function: &'static str,
    context: Option<Context>,
    lines: Vec<Line>,
    bytes: usize,
    left_out: u32,
    /// Nobody takes it.
    is_over: bool,
}

impl Logged {
    pub(crate) fn of(package: &'static str) -> Self {
        Self { function: package.strip_prefix("makegood-").unwrap_or(package), ..Self::default() }
    }

    fn add(&mut self, at: Millis, level: Level, line: &str) {
        let text: String = line.chars().take(LONGEST).collect();
        if self.lines.len() < LINES && self.bytes + text.len() <= BYTES {
            self.bytes += text.len();
            self.lines.push(Line { at, severity: severity(level), text });
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All of it, of which nothing is left.
    fn take(&mut self) -> Self {
        let rest = Self { function: self.function, context: self.context, ..Self::default() };
        mem::replace(self, rest)
    }
}

const fn severity(level: Level) -> Severity {
    match level {
        Level::Debug => logs::DEBUG,
        Level::Info => logs::INFO,
        Level::Warn => logs::WARN,
        Level::Error => logs::ERROR,
    }
}

/// The level from which on lines are told, by the setting `otlp_logs`: warnings where it is empty. `None`: no line is,
/// as for `off`, and for what is no level.
#[must_use]
pub fn least(setting: &str) -> Option<Level> {
    match setting {
        "debug" => Some(Level::Debug),
        "info" => Some(Level::Info),
        "" | "warn" => Some(Level::Warn),
        "error" => Some(Level::Error),
        _ => None,
    }
}

/// What is logged from here on is of this request's trace, where it came with one.
pub(crate) fn begin<H: Host>(host: &H, request: &Request) {
    if let Some(later) = host.later() {
        later.logged().borrow_mut().context = start::context(request);
    }
}

/// Keeps a line until it can be told. Hosts that have a [`later`](Host::later) call this with all that they log.
pub fn gather<H: Host>(host: &H, level: Level, line: &str) {
    let Some(later) = host.later() else { return };
    if host.config("otlp_endpoint").is_none_or(|endpoint| endpoint.is_empty()) {
        return;
    }
    let wanted = host.config("otlp_logs").unwrap_or_default();
    if least(&wanted).is_none_or(|least| level < least) {
        return;
    }
    let mut logged = later.logged().borrow_mut();
    if !logged.is_over {
        logged.add(host.now(), level, line);
    }
}

/// Tells what is kept, and keeps nothing more where nobody takes it.
pub(crate) async fn tell<H: Host>(host: &H, kept: &RefCell<Logged>) {
    let logged = kept.borrow_mut().take();
    let refused = match request(host, &logged) {
        Ok(request) => match host.fetch(request, PATIENCE).await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => format!("its collector answered {}", answer.status().as_u16()),
            Err(error) => error.to_string(),
        },
        Err(why) => why,
    };
    kept.borrow_mut().is_over = true;
    host.log(Level::Info, &format!("what was logged is told to nobody: {refused}"));
}

fn request<H: Host>(host: &H, logged: &Logged) -> Result<makegood_gateway::Request, String> {
    let [endpoint, headers, contents] =
        [host.config("otlp_endpoint"), host.config("otlp_headers"), host.config("otlp_contents")]
            .map(Option::unwrap_or_default);
    let [environment, region] = named(host);
    let origin = Origin { function: logged.function, context: logged.context };
    let resource = resource(&environment, &region);
    let told = logs::written(&logged.lines, logged.left_out, origin, resource, contents == "true");
    Collector::at(&endpoint, &headers)?.note(told).map_err(|error| error.0)
}
