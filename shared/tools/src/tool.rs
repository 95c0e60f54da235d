//! A tool, and the definition that is made of it.

use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Example, Limit, PlanRule, Rate, Retry};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::class::{Class, Promise};
use crate::shape::Shape;
use crate::subset::{OutsideSubset, within};

/// One tool: what it takes, what it gives, and how it behaves. Whatever is declared here, a saga counts on.
pub trait Tool {
    /// An object. `#[serde(deny_unknown_fields)]` makes a mistyped parameter an error also where a plan is not
    /// typed.
    type Input: Shape + DeserializeOwned + JsonSchema + Send + 'static;
    /// A field that may be missing should be written as `null`: a reference to what is left out is refused.
    type Output: Shape + DeserializeOwned + JsonSchema + Send + 'static;
    /// [`Query`](crate::Query), [`Compensatable`](crate::Compensatable), [`Pivot`](crate::Pivot) or
    /// [`Retriable`](crate::Retriable).
    type Class: Class;

    /// What it is called, what it costs, and how long it takes.
    fn about() -> About;

    /// How it behaves when it is asked twice.
    fn class() -> Self::Class;
}

/// What a definition says whatever the class. The fields are those of [`Definition`].
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Lower snake case.
    pub name: &'static str,
    /// A registered version is never changed: a change is a new version.
    pub version: &'static str,
    /// For people, a few words.
    pub title: &'static str,
    /// For people and models, a sentence or two.
    pub description: &'static str,
    /// What people say for it.
    pub examples: Vec<Example>,
    pub timeout_ms: Millis,
    pub estimate_ms: Millis,
    pub retry: Retry,
    /// In cents of the demo currency.
    pub cost_minor: i64,
    pub cost_tokens: u64,
    pub rules: Vec<PlanRule>,
    pub concurrency: Vec<Limit>,
    pub rate: Option<Rate>,
    /// The headers that let its calls in, each with the name of a secret of the operator's.
    pub secrets: Map<String, Value>,
    /// The hosts that its calls may go to.
    pub hosts: Vec<String>,
}

impl About {
    /// With a time-out of 5 s, an estimate of 50 ms, the usual retries, and nothing else.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str, title: &'static str, description: &'static str) -> Self {
        Self {
            name,
            version,
            title,
            description,
            examples: Vec::new(),
            timeout_ms: Millis(5_000),
            estimate_ms: Millis(50),
            retry: Retry::default(),
            cost_minor: 0,
            cost_tokens: 0,
            rules: Vec::new(),
            concurrency: Vec::new(),
            rate: None,
            secrets: Map::new(),
            hosts: Vec::new(),
        }
    }
}

/// What is registered for `T`.
///
/// # Errors
/// Where the schema of its input or output has what ours lacks: every place, and what is wrong there.
pub fn definition<T: Tool>() -> Result<Definition, OutsideSubset> {
    let About {
        name,
        version,
        title,
        description,
        examples,
        timeout_ms,
        estimate_ms,
        retry,
        cost_minor,
        cost_tokens,
        rules,
        concurrency,
        rate,
        secrets,
        hosts,
    } = T::about();
    let Promise { class, repeat, status, fence, approval } = T::class().promise();
    let (input, output) = (within(schema::<T::Input>(true)), within(schema::<T::Output>(false)));
    let (input, output) = match (input, output) {
        (Ok(input), Ok(output)) => (input, output),
        (input, output) => {
            let of = |side: &str, result: Result<_, OutsideSubset>| result.err().map(|error| error.of(name, side));
            let faults = [of("input", input), of("output", output)];
            return Err(OutsideSubset(faults.into_iter().flatten().flat_map(|fault| fault.0).collect()));
        }
    };
    Ok(Definition {
        name: name.to_owned(),
        version: version.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        examples,
        class,
        repeat,
        status,
        fence,
        timeout_ms,
        estimate_ms,
        retry,
        cost_minor,
        cost_tokens,
        approval,
        rules,
        concurrency,
        rate,
        secrets,
        hosts,
        mcp: None,
        input,
        output,
    })
}

/// The schema of a type, without references to others: what is read of an input, or written of an output.
fn schema<T: JsonSchema>(input: bool) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let settings = if input { settings.for_deserialize() } else { settings.for_serialize() };
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
