//! The models that are asked, one after the other, and what each costs.

use makegood_core::error::Error;
use makegood_core::proposal::{Asked, Provenance, Round};
use makegood_core::time::Millis;
use makegood_gateway::model::{self, Failure, Model, Question, Said, Usage};
use makegood_gateway::{Request, Response};

use crate::breakers::Pass;
use crate::host::{FetchError, Host, Level};
use crate::settings::misconfigured;

/// What the settings say of models.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// In the order in which they are asked; none: every message is read offline.
    pub chain: Vec<Candidate>,
    /// How long they may take over one message, all together.
    pub patience: Millis,
    /// How long an answer is kept; zero: none is.
    pub cache: Millis,
    /// The tools that a model may use; none named: all that are registered.
    pub tools: Vec<String>,
}

/// A model, its price, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub model: Model,
    pub price: Price,
    /// Its answer is to come piece by piece, and who says nothing for so long is left; zero: as a whole.
    pub silence: Millis,
}

/// In billionths of the currency for one token: a thousand times the price per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    pub input: u64,
    pub output: u64,
}

impl Price {
    /// What so many tokens cost, in billionths.
    #[must_use]
    pub const fn of(self, usage: Usage) -> u64 {
        let input = usage.input.saturating_mul(self.input);
        input.saturating_add(usage.output.saturating_mul(self.output))
    }

    /// Reads `0.15/0.60`: what a million tokens cost that go in, and that come out.
    fn parse(text: &str) -> Option<Self> {
        let (input, output) = text.split_once('/')?;
        Some(Self { input: thousandths(input)?, output: thousandths(output)? })
    }
}

/// A number with at most three decimals, times a thousand.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(format!("{part:0<3}").parse().ok()?)
}

impl Models {
    /// Reads what this function was given. Only functions that read messages are given any of it.
    ///
    /// # Errors
    /// Where something was set that cannot be meant.
    pub fn read<H: Host>(host: &H) -> Result<Self, Error> {
        let text = |name: &str| host.config(name).unwrap_or_default().trim().to_owned();
        let wrong = |name: &str, why: &str| misconfigured(format!("the variable `{name}` {why}"));
        let millis = |name: &'static str, default: u64| match text(name) {
            none if none.is_empty() => Ok(Millis(default)),
            number => number.parse().map(Millis).map_err(|_| wrong(name, "is not a number of milliseconds")),
        };
        let silence = millis("model_silence_ms", 0)?;
        let mut chain = Vec::new();
        for [url, name, key, price] in [
            ["model_url", "model_name", "model_key", "model_price"],
            ["fallback_model_url", "fallback_model_name", "fallback_model_key", "fallback_model_price"],
        ] {
            let model = Model { url: text(url), name: text(name), key: text(key) };
            let price = match text(price) {
                none if none.is_empty() => Price::default(),
                said => match Price::parse(&said) {
                    Some(price) => price,
                    None => return Err(wrong(price, "is not as in `0.15/0.60`: per million tokens in and out")),
                },
            };
            match (model.url.is_empty(), model.name.is_empty()) {
                (true, _) => {}
                (false, true) => return Err(wrong(name, "is empty, and there is an address for that model")),
                (false, false) => chain.push(Candidate { model, price, silence }),
            }
        }
        let tools = text("model_tools");
        let tools = tools.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Self {
            chain,
            patience: millis("model_timeout_ms", 7_000)?,
            cache: millis("model_cache_ms", 3_600_000)?,
            tools: tools.collect(),
        })
    }
}

/// A request is not worth making with less time.
const SHORTEST: Millis = Millis(250);
/// Before a second try, where the service says nothing.
const PAUSE: Millis = Millis(400);

/// What a request came to.
enum Came {
    Said(String),
    /// The same model may do better, so much later.
    Again(Millis),
    /// Another model may.
    Next,
}

/// Asks the models from `first` on until one answers, or the time is up. Each is tried twice at most, and
/// has half of the time that is left, as long as another comes after it. Answers with its place in the chain.
pub async fn ask<H: Host>(
    host: &H,
    models: &Models,
    first: usize,
    deadline: Millis,
    question: &Question,
    round: Round,
    how: &mut Provenance,
) -> Option<(usize, String)> {
    for (place, candidate) in models.chain.iter().enumerate().skip(first) {
        let left = deadline.since(host.now());
        let is_last = place + 1 == models.chain.len();
        let until = host.now() + if is_last { left } else { Millis(left.0 / 2) };
        for attempt in 0..2 {
            if until.since(host.now()) < SHORTEST {
                break;
            }
            // One whose breaker is open is not waited for: the next is asked.
            let Some(pass) = Pass::ask(host, &candidate.model.name) else { break };
            match once(host, pass, candidate, until, question, round, how).await {
                Came::Said(text) => return Some((place, text)),
                Came::Again(wait) if attempt == 0 && host.now() + wait + SHORTEST < until => host.sleep(wait).await,
                Came::Again(_) | Came::Next => break,
            }
        }
    }
    None
}

async fn fetch<H: Host>(
    host: &H,
    pass: Pass<'_>,
    request: Request,
    silence: Millis,
    patience: Millis,
) -> Result<Response, FetchError> {
    let answered = if silence == Millis(0) {
        host.fetch(request, patience).await
    } else {
        host.fetch_pieces(request, silence, patience).await
    };
    pass.tell(host, &answered);
    answered
}

async fn once<H: Host>(
    host: &H,
    pass: Pass<'_>,
    candidate: &Candidate,
    until: Millis,
    question: &Question,
    round: Round,
    how: &mut Provenance,
) -> Came {
    let began = host.now();
    let (name, silence) = (&candidate.model.name, candidate.silence);
    let streamed = silence > Millis(0);
    let answered = match model::request(&candidate.model, question, streamed) {
        Err(cause) => Err((Came::Next, "unreachable".to_owned(), cause.to_string())),
        Ok(request) => match fetch(host, pass, request, silence, until.since(began)).await {
            Err(FetchError::NotSent(cause)) => Err((Came::Again(PAUSE), "unreachable".to_owned(), cause)),
            Err(FetchError::Unknown(cause)) if host.now() + SHORTEST < until => {
                // Who hangs is not waited for a second time.
                let silent = streamed && host.now().since(began) >= silence;
                let (came, what) = if silent { (Came::Next, "silent") } else { (Came::Again(PAUSE), "no_answer") };
                Err((came, what.to_owned(), cause))
            }
            Err(FetchError::Unknown(cause)) => Err((Came::Next, "timed_out".to_owned(), cause)),
            Ok(response) => model::answer(&response).map_err(|failure| match failure {
                Failure::Later { after, code } => (Came::Again(after.unwrap_or(PAUSE)), code, String::new()),
                Failure::Sometime { code } => {
                    (Came::Next, code, "it says when to come again, and not in seconds".to_owned())
                }
                Failure::Never { code, cause } => (Came::Next, code, cause),
            }),
        },
    };
    let took = host.now().since(began);
    let (came, outcome, usage) = match answered {
        Err((came, outcome, cause)) => {
            host.log(Level::Warn, &format!("the model {name} gave no answer: {outcome} {cause}"));
            (came, outcome, Usage::default())
        }
        Ok(answer) => {
            let (came, outcome) = match answer.said {
                Said::Text(text) => (Came::Said(text), "answered"),
                // No tools are offered as such: who calls one all the same has not understood.
                Said::Calls(_) => (Came::Next, "called_a_tool"),
                Said::Refusal(_) => (Came::Next, "refused"),
                Said::Cut => (Came::Next, "cut_off"),
            };
            (came, outcome.to_owned(), answer.usage)
        }
    };
    how.note(Asked {
        model: name.clone(),
        round,
        outcome,
        took_ms: took.0,
        tokens_in: usage.input,
        tokens_out: usage.output,
        cost_nanos: candidate.price.of(usage),
    });
    came
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_to_a_thousandth_per_million() {
        let price = Price::parse("0.075/0.3").unwrap();
        assert_eq!(price, Price { input: 75, output: 300 });
        // 1000 tokens in for 0.075 a million: 0.000075.
        assert_eq!(price.of(Usage { input: 1_000, output: 10 }), 78_000);
        assert_eq!(Price::parse("2/10"), Some(Price { input: 2_000, output: 10_000 }));
        for wrong in ["", "1", "a/b", "0.0001/1", "-1/1", "1/", ".5/1", "1/2/3"] {
            assert_eq!(Price::parse(wrong), None, "{wrong}");
        }
    }
}
