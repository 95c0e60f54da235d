//! What a case is: a sentence, and what has to hold for it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::host::Kind;
use crate::site::Site;

/// Nothing here takes longer, on a busy machine.
const LONGEST: Duration = Duration::from_secs(120);

/// How much time an invocation has on the host that a case wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    Normal,
    /// Hardly any: a saga yields after every frontier.
    Hurried,
}

type Run = Box<dyn Fn(Arc<Site>) -> Pin<Box<dyn Future<Output = ()> + Send>>>;

/// One case. It panics where something is not as it should be.
pub struct Case {
    pub name: &'static str,
    pub pace: Pace,
    /// Why it is left out on a host.
    pub left_out: fn(Kind) -> Option<&'static str>,
    run: Run,
}

impl Case {
    /// A case for every host.
    pub fn new<F>(name: &'static str, run: impl Fn(Arc<Site>) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let run: Run = Box::new(move |site| Box::pin(run(site)));
        Self { name, pace: Pace::Normal, left_out: |_| None, run }
    }

    /// The same on a host with hardly any time for an invocation.
    pub fn hurried(self) -> Self {
        Self { pace: Pace::Hurried, ..self }
    }

    /// The same, left out where `left_out` says why.
    pub fn unless(self, left_out: fn(Kind) -> Option<&'static str>) -> Self {
        Self { left_out, ..self }
    }

    /// Runs it to its end, or to the panic that says what is wrong.
    ///
    /// # Errors
    /// What the panic said.
    pub async fn run(&self, site: Arc<Site>) -> Result<(), String> {
        let task = tokio::spawn((self.run)(site));
        let stop = task.abort_handle();
        match tokio::time::timeout(LONGEST, task).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failed)) => Err(match failed.try_into_panic() {
                Ok(payload) => match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
                    (Some(said), _) => said.clone(),
                    (None, Some(said)) => (*said).to_owned(),
                    (None, None) => "it panicked without a word".to_owned(),
                },
                Err(cancelled) => cancelled.to_string(),
            }),
            Err(_) => {
                stop.abort();
                Err(format!("it did not end within {LONGEST:?}"))
            }
        }
    }
}
