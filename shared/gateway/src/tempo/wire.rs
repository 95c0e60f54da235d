//! An answer of Tempo's as it stands in JSON, which is protobuf's own: ids in base64, enums by name, numbers of 64 bits
//! as text, and nothing where a field has its default. Lists are read one piece at a time, and texts that nobody looks
//! at stay where they are, so that no answer takes much more room than it has bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood_core::trace::{Attribute, SpanId, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::few::Few;
use crate::Malformed;

/// Of a trace: what a waterfall is made for.
pub const MOST_SPANS: usize = 10_000;
/// Of resources, and of scopes of one.
const MOST_LISTED: usize = 1_000;
const MOST_ATTRIBUTES: usize = 64;
const MOST_LINKS: usize = 8;
const LONGEST_NAME: usize = 200;
/// Of an attribute's value, or what is said of an error.
const LONGEST_TEXT: usize = 4_000;

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// A trace that was given.
#[derive(Debug)]
pub struct Given<'a> {
    pub(super) trace: TraceId,
    pub(super) groups: Vec<Group<'a>>,
    /// Spans that are not shown, as far as they were counted.
    pub left_out: usize,
    /// Tempo says that it has not all of it.
    pub partial: bool,
}

/// The spans of one resource and scope.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub resource: Option<&'a RawValue>,
    pub scope: Option<&'a RawValue>,
    pub service: String,
    pub library: String,
    pub spans: Vec<Span<'a>>,
}

/// A span whose ids are ids. Times are nanoseconds.
#[derive(Debug)]
pub(super) struct Span<'a> {
    pub id: SpanId,
    pub parent: Option<SpanId>,
    /// To spans of the same trace.
    pub links: Vec<SpanId>,
    pub name: String,
    pub kind: usize,
    pub start: u64,
    pub end: Option<u64>,
    /// 1: it went well; 2: it did not.
    pub code: usize,
    pub message: String,
    pub attributes: Vec<Pair<'a>>,
}

/// An attribute, its value as it was written.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Pair<'a> {
    pub key: String,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
}

impl<'a> Given<'a> {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Where it is not what Tempo answers with.
    pub fn read(body: &'a [u8], trace: TraceId) -> Result<Self, Malformed> {
        let outer: Outer<'a> =
            serde_json::from_slice(body).map_err(|error| Malformed(format!("a trace that is none: {error}")))?;
        let inner = outer.trace.unwrap_or_default();
        let partial = outer.status.is_some_and(|status| ["\"PARTIAL\"", "1"].contains(&status.get()));
        let mut given = Self { trace, groups: Vec::new(), left_out: 0, partial };
        let mut room = MOST_SPANS;
        for list in [inner.resource_spans, inner.batches, outer.resource_spans, outer.batches] {
            given.left_out += list.left_out;
            for resource in list.kept {
                given.take(resource, &mut room);
            }
        }
        Ok(given)
    }

    fn take(&mut self, resource: &'a RawValue, room: &mut usize) {
        let Ok(of_resource) = serde_json::from_str::<OfResource<'a>>(resource.get()) else {
            self.left_out += 1;
            return;
        };
        let service = of_resource.resource.map(|resource| service(resource.get())).unwrap_or_default();
        self.left_out += of_resource.scope_spans.left_out;
        for scope in of_resource.scope_spans.kept {
            let Ok(of_scope) = serde_json::from_str::<OfScope<'a>>(scope.get()) else {
                self.left_out += 1;
                continue;
            };
            let all = of_scope.spans.kept.len() + of_scope.spans.left_out;
            let spans: Vec<Span<'a>> =
                of_scope.spans.kept.into_iter().take(*room).filter_map(|span| Span::read(span, self.trace)).collect();
            self.left_out += all - spans.len();
            *room -= spans.len();
            if !spans.is_empty() {
                let scope = of_scope.scope;
                let library: Option<Named> = scope.and_then(|scope| serde_json::from_str(scope.get()).ok());
                let library = library.unwrap_or_default().name;
                let (resource, service) = (of_resource.resource, service.clone());
                self.groups.push(Group { resource, scope, service, library, spans });
            }
        }
    }

    /// There is no span in it that can be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl<'a> Span<'a> {
    /// `None` where it is of another trace, or nobody could name it.
    fn read(span: &'a RawValue, trace: TraceId) -> Option<Self> {
        let written: Written<'a> = serde_json::from_str(span.get()).ok()?;
        let of_trace = |id: &str| trace_id(id) == Some(trace);
        // It was asked for by its id, and need not be told it.
        if !written.trace_id.is_empty() && !of_trace(&written.trace_id) {
            return None;
        }
        let links = written.links.kept.iter().filter(|link| of_trace(&link.trace_id));
        let end = written.end_time_unix_nano.number();
        Some(Self {
            id: span_id(&written.span_id)?,
            parent: span_id(&written.parent_span_id),
            links: links.filter_map(|link| span_id(&link.span_id)).collect(),
            name: beginning(&written.name, LONGEST_NAME),
            kind: written.kind.place(&KINDS),
            start: written.start_time_unix_nano.number(),
            end: (end > 0).then_some(end),
            code: written.status.code.place(&CODES),
            message: beginning(&written.status.message, LONGEST_TEXT),
            attributes: written.attributes.kept,
        })
    }
}

impl Pair<'_> {
    /// What is a list, a map or none of what we know stands there as it was written.
    pub fn read(&self) -> (String, Attribute) {
        let written = self.value.map(RawValue::get).unwrap_or_default();
        let any: Any = serde_json::from_str(written).unwrap_or_default();
        let value = match (any.string_value, any.bool_value, any.int_value.and_then(|text| text.parse().ok())) {
            (Some(text), ..) => Attribute::Text(beginning(&text, LONGEST_TEXT)),
            (_, Some(flag), _) => Attribute::Flag(flag),
            (_, _, Some(number)) => Attribute::Number(number),
            _ => Attribute::Text(beginning(written, LONGEST_TEXT)),
        };
        (beginning(&self.key, LONGEST_NAME), value)
    }
}

/// What a resource says that it is.
fn service(resource: &str) -> String {
    let described: Described<'_> = serde_json::from_str(resource).unwrap_or_default();
    let named = described.attributes.kept.iter().find(|pair| pair.key == "service.name").map(Pair::read);
    match named {
        Some((_, Attribute::Text(name))) => beginning(&name, LONGEST_NAME),
        Some((_, Attribute::Number(_) | Attribute::Flag(_))) | None => String::new(),
    }
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn trace_id(text: &str) -> Option<TraceId> {
    decoded(text).map(TraceId).or_else(|| TraceId::parse(&text.to_ascii_lowercase()))
}

fn span_id(text: &str) -> Option<SpanId> {
    decoded(text).map(SpanId).or_else(|| SpanId::parse(&text.to_ascii_lowercase()))
}

/// Bytes that name something: none other are as many in hexadecimal digits.
fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = STANDARD.decode(text).ok()?;
    <[u8; N]>::try_from(bytes).ok().filter(|id| *id != [0; N])
}

/// A number or a text, which may be that of a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u64),
    Text(String),
}

impl Default for Scalar {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Scalar {
    /// Zero where it is none.
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().unwrap_or_default(),
        }
    }

    /// The place of a name among these, or the number that stands for it.
    fn place(&self, names: &[&str]) -> usize {
        let place = match self {
            Self::Number(number) => usize::try_from(*number).ok().filter(|place| *place < names.len()),
            Self::Text(text) => names.iter().position(|name| name == text),
        };
        place.unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outer<'a> {
    #[serde(borrow)]
    trace: Option<Inner<'a>>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    batches: Few<&'a RawValue, MOST_LISTED>,
    #[serde(borrow)]
    resource_spans: Few<&'a RawValue, MOST_LISTED>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Inner<'a> {
    #[serde(borrow)]
    batches: Few<&'a RawValue, MOST_LISTED>,
    #[serde(borrow)]
    resource_spans: Few<&'a RawValue, MOST_LISTED>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OfResource<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_spans: Few<&'a RawValue, MOST_LISTED>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OfScope<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    spans: Few<&'a RawValue, MOST_SPANS>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Described<'a> {
    #[serde(borrow)]
    attributes: Few<Pair<'a>, MOST_ATTRIBUTES>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written<'a> {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: Scalar,
    start_time_unix_nano: Scalar,
    end_time_unix_nano: Scalar,
    #[serde(borrow)]
    attributes: Few<Pair<'a>, MOST_ATTRIBUTES>,
    links: Few<WrittenLink, MOST_LINKS>,
    status: WrittenStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WrittenLink {
    trace_id: String,
    span_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenStatus {
    code: Scalar,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Any {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<String>,
}
