//! What the OpenAPI document says of this function.

use makegood_edge::core::error::Code;
use makegood_edge::core::saga::Report;
use makegood_edge::core::time::Millis;
use makegood_edge::describe::{Described, Operation as Says, Parameter, Place, Tag, Who, all, saga, shape};
use makegood_edge::gateway::audit::Page;
use makegood_edge::gateway::deliveries::Line;
use makegood_edge::gateway::model_use::Day;
use makegood_edge::gateway::store::Story;
use makegood_edge::gateway::views::State;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Value, json};

use crate::console::{limits, people, queue};
use crate::counts::Counted;
use crate::sagas::{Listing, Span};
use crate::{ADDRESSES, Operation};

/// All of it.
#[must_use]
pub fn described() -> Vec<Described> {
    let mut found = all(&ADDRESSES, describe);
    // The list has two addresses, and an operation's id only one place.
    for one in found.iter_mut().filter(|one| one.path == "/debug") {
        one.operation.id = "homePage";
    }
    // Pages refuse as pages.
    for one in found.iter_mut().filter(|one| is_page(one.path)) {
        one.operation.refuses_as = "text/html";
    }
    found
}

fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with("/debug") || path.starts_with("/approve")
}

/// Whether the function is of use.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Health {
    status: Status,
    database: Database,
    version: String,
    /// Where this installation says that it is.
    region: String,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename_all = "snake_case", rename = "HealthStatus")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
enum Status {
    Ok,
    Degraded,
}

/// Whether the journal answered, and how soon.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "HealthDatabase")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Database {
    ok: bool,
    took_ms: Millis,
}

/// A saga with every word of its journal.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Told {
    story: Story,
    report: Report,
    /// Its spans are at `/api/debug/traces/{trace_id}`.
    trace_id: String,
}

/// An `ExportTraceServiceRequest` of OTLP, in JSON: its ids are hexadecimal, its times and numbers decimal text.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "Traces", rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Traces {
    resource_spans: Vec<Value>,
}

/// What was used of models.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct ModelUse {
    owner: String,
    /// The newest first.
    days: Vec<Day>,
    /// Of all these days, in billionths of the currency that the prices are in.
    cost_nanos: u64,
}

/// Who signs in.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what a form has, and is never made")]
struct SignIn {
    /// An operator's token, or an API key.
    token: String,
}

/// What was delivered.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Deliveries {
    owner: String,
    deliveries: Vec<Line>,
}

/// A link, brought to its page.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what a form sends, and is never made")]
struct LinkForm {
    /// The token, or the whole link.
    token: String,
}

fn query(name: &'static str, meaning: &'static str, schema: Value, example: Value) -> Parameter {
    Parameter { name, place: Place::Query, required: false, meaning, schema, example }
}

fn owner(meaning: &'static str) -> Parameter {
    query("owner", meaning, json!({"type": "string"}), json!("anonymous"))
}

/// What a browser is sent on with.
fn sends_on(says: Says, meaning: &'static str) -> Says {
    says.by(Who::Anyone).refuses(&[Code::Forbidden, Code::Unavailable]).answers_as(
        303,
        meaning,
        vec![("text/plain", shape::<String>())],
    )
}

fn page_of_list(says: Says) -> Says {
    let text = || json!({"type": "string"});
    let time = || json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"});
    let state = json!({"type": "string", "enum": State::ALL.map(State::as_str)});
    let phase =
        "Only sagas in this phase; or `unfinished`, `ended`; or `person`: those that need one, as the sweep has seen.";
    let part = "Only sagas with this in their title or id, however it is written.";
    let by = json!({"type": "string", "enum": ["created", "changed"], "default": "created"});
    let span = json!({"type": "string", "enum": Span::ALL.map(Span::as_str)});
    let says = says
        .parameter(anybody())
        .parameter(query("phase", phase, state, json!("completed")))
        .parameter(query("tool", "Only sagas with a step of this tool.", text(), json!("book_restaurant_table")))
        .parameter(query("text", part, json!({"type": "string", "maxLength": 200}), json!("Luigi")))
        .parameter(query("span", "Only those of the last hour, day or week.", span, json!("day")))
        .parameter(query("from", "Only those from this day or minute on, in UTC.", time(), json!("2026-05-01")))
        .parameter(query("to", "Only those up to this day or minute, it included.", time(), json!("2026-05-01T12:00")))
        .parameter(query(
            "by",
            "Whether these times are of their creation, or of their last change.",
            by,
            json!("changed"),
        ));
    let says = says.means(
        "Of a text, a tool, or of what changed when, the newest 10,000 are looked at: a page may have fewer than `limit`, or none, \
         and still a next.",
    );
    one_page(says, "Only sagas that were created before this time.").parameter(query(
        "saga",
        "Beside `before`: of that time too, those that stand after this one.",
        text(),
        json!("sg_01k0000000000000000000zzzz"),
    ))
}

fn anybody() -> Parameter {
    owner("Yourself, or left out; an operator's: another user, or `*` for everybody.")
}

fn days() -> Parameter {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": 400, "default": 30});
    query("days", "So many days back, today included.", schema, json!(7))
}

/// Whom to ask for a trace.
fn source() -> Parameter {
    let meaning = "For operators: `tempo` reads it from Tempo, whatever the database has; left out: the database, and Tempo \
                   for what is not there.";
    query("source", meaning, json!({"type": "string", "enum": ["tempo"]}), json!("tempo"))
}

/// So many of what came before a time.
fn one_page(says: Says, before: &'static str) -> Says {
    says.parameter(query(
        "before",
        before,
        json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
        json!(1_777_636_800_000_u64),
    ))
    .parameter(limit())
    .refuses(&[Code::InvalidRequest])
}

fn limit() -> Parameter {
    let schema = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50});
    query("limit", "At most so many.", schema, json!(20))
}

/// Where a list goes on that is ordered by time and then by saga.
fn goes_on(says: Says, after: &'static str) -> Says {
    let time = json!({"type": "integer", "minimum": 0, "maximum": i64::MAX});
    says.parameter(query("after", after, time, json!(1_777_636_800_000_u64)))
        .parameter(query(
            "saga",
            "Beside `after`: of that time, only what stands after this saga.",
            json!({"type": "string"}),
            json!("sg_01k0000000000000000000zzzz"),
        ))
        .refuses(&[Code::InvalidRequest, Code::Forbidden])
}

/// Of a page of the console, which is an operator's.
fn console(says: Says) -> Says {
    let says = says.parameter(query(
        "follow",
        "`1`: the page looks again every two seconds.",
        json!({"type": "string"}),
        json!("1"),
    ));
    shows(says.refuses(&[Code::InvalidRequest]), "The page; it needs no script.")
}

fn before_row() -> Parameter {
    let row = json!({"type": "integer", "minimum": 0, "maximum": i64::MAX});
    query("before", "Only rows before this number.", row, json!(1_000))
}

/// Where the other lists of the queue go on.
fn queue_goes_on(says: Says) -> Says {
    let time = || json!({"type": "integer", "minimum": 0, "maximum": i64::MAX});
    let (text, at) = (|| json!({"type": "string"}), || json!(1_777_636_800_000_u64));
    let says = goes_on(says, "Only sagas that are woken after this time, or at it.");
    says.parameter(query("due", "Only other work that is looked for after this time, or at it.", time(), at()))
        .parameter(query(
            "work",
            "Beside `due`: of that time, only what stands after this `mark`.",
            text(),
            json!("schedule/daily"),
        ))
        .parameter(query("before", "Only dead deliveries that came before this time.", time(), at()))
        .parameter(query(
            "letter",
            "Beside `before`: of that time too, those that stand after the one of this source and key, with `/` between.",
            text(),
            json!("github/72d3162e"),
        ))
        .parameter(query("changed", "Only subscribers that changed before this time.", time(), at()))
        .parameter(query(
            "subscriber",
            "Beside `changed`: of that time too, those that stand after this one.",
            text(),
            json!("sub_01k0000000000000000000zzzz"),
        ))
}

fn node() -> Parameter {
    let place = json!({"type": "integer", "minimum": 0, "maximum": u16::MAX});
    query("node", "Beside `saga`: only the steps of it that stand after this place in its plan.", place, json!(3))
}

/// A page, and no JSON.
fn shows(says: Says, meaning: &'static str) -> Says {
    says.answers_as(200, meaning, vec![("text/html", shape::<String>())])
}

fn file(says: Says, meaning: &'static str, media: &'static str) -> Says {
    says.by(Who::Anyone).answers_as(200, meaning, vec![(media, shape::<String>())])
}

fn describe(operation: Operation) -> Says {
    let new = |id, summary| Says::new(id, Tag::Observation, summary);
    let people = |id, summary| Says::new(id, Tag::People, summary);
    let about = |id, summary| Says::new(id, Tag::Description, summary);
    match operation {
        Operation::Health => new("getHealth", "Is this installation of use: does its journal answer")
            .by(Who::Anyone)
            .answers::<Health>(200, "It does.")
            .answers::<Health>(503, "It does not. Ask again later; why not stands in the log."),
        Operation::Sagas => page_of_list(new("listSagas", "Your sagas, the newest first"))
            .answers::<Listing>(200, "One page of them; `next_before` is the `before` of the next, and `next_saga`, if there is one, its `saga`."),
        Operation::Saga => new("getStory", "One saga with its plan, its journal and its report")
            .parameter(saga())
            .parameter(query("follow", "For the page only.", json!({"type": "string"}), json!("1")))
            .refuses(&[Code::InvalidId, Code::InvalidRequest, Code::NotFound])
            .answers::<Told>(200, "All that is known of it."),
        Operation::Trace => new("getTrace", "A trace's spans, as OpenTelemetry has them")
            .means(
                "Of all of the trace's sagas that you may see. What users and partners said is left out. A saga names its \
                 trace as `trace_id`; it is that of its caller's `traceparent`, where that came with one. A trace of no \
                 saga here is read from Tempo for operators, where one is configured, with all that Tempo has of it.",
            )
            .parameter(source())
            .parameter(Parameter {
                name: "trace_id",
                place: Place::Path,
                required: true,
                meaning: "A trace's id.",
                schema: json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
                example: json!("019de368f6fa0102030405060708090a"),
            })
            .refuses(&[Code::InvalidId, Code::InvalidRequest, Code::NotFound])
            .answers::<Traces>(200, "Its spans. One that is under way has no end."),
        Operation::Counts => new("getCounts", "How many sagas there are in which phase, and what their tools did")
            .parameter(anybody())
            .parameter(days())
            .refuses(&[Code::InvalidRequest])
            .answers::<Counted>(200, "Sagas of all times; calls of tools of these days."),
        Operation::Models => new("getModelUse", "What you have used of models, by day and model")
            .parameter(days())
            .refuses(&[Code::InvalidRequest])
            .answers::<ModelUse>(200, "The days on which a model was asked."),
        Operation::Webhooks => one_page(
            new("listDeliveries", "What strangers have delivered for you, the newest first")
                .parameter(owner("Yourself, or left out; an operator's: another user.")),
            "Only deliveries that came before this time.",
        )
        .answers::<Deliveries>(200, "How each stands, and what came of it; not what is in it."),
        Operation::Audit => new("listAudit", "Who did what, the newest first: for operators")
            .parameter(before_row())
            .parameter(limit())
            .refuses(&[Code::InvalidRequest, Code::Forbidden])
            .answers::<Page>(200, "Rows of the chain, and its head: keep that elsewhere (docs/AUDIT.md)."),
        Operation::Queue => queue_goes_on(new(
            "getQueue",
            "What waits to be woken, and what came to nothing: for operators",
        ))
        .parameter(limit())
        .answers::<queue::Told>(200, "What the database holds; the queue's own dead letters are not among it."),
        Operation::People => goes_on(
            new("listApprovals", "The steps that wait for a person's decision, or need one to go on: for operators"),
            "Only steps that changed after this time, or at it.",
        )
        .parameter(node())
        .parameter(limit())
        .answers::<people::Told>(200, "Those first that changed longest ago."),
        Operation::Breakers => new("getBreakers", "How circuit breakers stand, as `listBreakers` says it: for operators")
            .refuses(&[Code::Forbidden, Code::Unavailable])
            .answers::<limits::Told>(200, "Those that Redis knows, and those that the configuration forces."),
        Operation::QueuePage => console(queue_goes_on(new(
            "queuePage",
            "What waits to be woken, and what came to nothing, as a page for operators",
        ))),
        Operation::PeoplePage => console(goes_on(
            new("approvalsPage", "What waits for a person, as a page for operators"),
            "Only steps that changed after this time, or at it.",
        ))
        .parameter(node()),
        Operation::LimitsPage => {
            console(new("limitsPage", "Breakers, and how often who may come, as a page for operators"))
        }
        Operation::ToolsPage => shows(
            new("toolsPage", "Tools and what became of their calls, as a page for operators")
                .parameter(days())
                .parameter(query(
                    "after",
                    "Only tools whose names come after this.",
                    json!({"type": "string"}),
                    json!("book_restaurant_table"),
                ))
                .refuses(&[Code::InvalidRequest]),
            "The page; it needs no script.",
        ),
        Operation::HealthPage => {
            console(new("healthPage", "What this function depends on, and how it answers, as a page for operators"))
        }
        Operation::SecurityPage => {
            console(new("securityPage", "Who did what, as a page for operators").parameter(before_row()))
        }
        Operation::SagasPage => shows(
            page_of_list(new("sagasPage", "Everybody's sagas, as a page, for operators")),
            "The page; to look, it needs no script.",
        ),
        Operation::ChatPage => file(
            new("chatPage", "Where people talk to the agent, as a page"),
            "The page, the same for everybody: what is said there, its script sends to the other addresses.",
            "text/html",
        ),
        Operation::ChatStylesheet => file(new("chatStylesheet", "The stylesheet of that page"), "It.", "text/css"),
        Operation::ChatScript => file(new("chatScript", "What that page asks, and of whom"), "It.", "text/javascript"),
        Operation::CardScript => file(new("cardScript", "How it shows a plan"), "It.", "text/javascript"),
        Operation::LoginPage => {
            file(new("loginPage", "Where an operator signs in to the pages"), "The page, with its form.", "text/html")
        }
        Operation::Login => sends_on(new("login", "Has the browser keep a token for the pages"), "To the list.")
            .takes_form::<SignIn>(vec![("key", json!({"token": "mk_0123456789abcdef_…"}))])
            .refuses(&[Code::Unauthenticated]),
        Operation::Logout => sends_on(new("logout", "Has the browser forget it"), "To where one signs in."),
        Operation::SagaPage => shows(
            new("sagaPage", "One saga, as a page for operators: its times, its steps, its journal")
                .parameter(saga())
                .parameter(query(
                    "follow",
                    "`1`: where no script runs, the page looks again every two seconds, until the saga rests.",
                    json!({"type": "string"}),
                    json!("1"),
                ))
                .refuses(&[Code::InvalidId, Code::InvalidRequest, Code::NotFound]),
            "The page; it needs no script.",
        ),
        Operation::TracePage => shows(
            new("tracePage", "One saga as a waterfall, as a page for operators: calls, waits and undos in time")
                .parameter(Parameter {
                    name: "trace_id",
                    place: Place::Path,
                    required: true,
                    meaning: "A trace's id.",
                    schema: json!({"type": "string", "pattern": "^[0-9a-fA-F]{32}$"}),
                    example: json!("4bf92f3577b34da6a3ce929d0e0e4736"),
                })
                .parameter(query(
                    "from",
                    "The place of the first row; a page has 500.",
                    json!({"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0}),
                    json!(500),
                ))
                .parameter(query(
                    "all",
                    "`1`: what is alike, as the parts of a fan-out, has its rows too.",
                    json!({"type": "string"}),
                    json!("1"),
                ))
                .parameter(query(
                    "span",
                    "The rows among which this span is.",
                    json!({"type": "string"}),
                    json!("00f067aa0ba902b7"),
                ))
                .parameter(query(
                    "follow",
                    "`1`: where no script runs, the page looks again every five seconds, until the saga rests.",
                    json!({"type": "string"}),
                    json!("1"),
                ))
                .parameter(source())
                .refuses(&[Code::InvalidId, Code::InvalidRequest, Code::NotFound]),
            "The page; it needs no script.",
        ),
        Operation::TraceStylesheet => {
            file(new("traceStylesheet", "The stylesheet of the waterfall"), "It.", "text/css")
        }
        Operation::TraceScript => file(
            new("traceScript", "What the waterfall has where scripts run"),
            "A keyboard, zoom, a panel, the reader's zone, and what is new.",
            "text/javascript",
        ),
        Operation::ConsoleStylesheet => {
            file(new("consoleStylesheet", "The stylesheet of the pages of sagas"), "It.", "text/css")
        }
        Operation::ConsoleScript => file(
            new("consoleScript", "What the pages of sagas have where scripts run"),
            "Verbs, each after a confirmation, views of one's own, and what is new. It asks by its reader's token.",
            "text/javascript",
        ),
        Operation::Stylesheet => file(new("stylesheet", "The stylesheet of the pages"), "It.", "text/css"),
        Operation::ApprovalForm => people("approvalForm", "Where a link is brought to decide with it, as a page")
            .by(Who::Anyone)
            .means(
                "The token stands behind the `#` of the link, which is not sent; a script brings it, or whoever reads.",
            )
            .answers_as(200, "A form, the same for everybody.", vec![("text/html", shape::<String>())]),
        Operation::Approval => people("approvalPage", "What a link asks for, as a page on which it is decided")
            .by(Who::Anyone)
            .means("From this installation's own page only. It decides nothing: its buttons do, by `decideByForm`.")
            .takes_form::<LinkForm>(vec![("token", json!({"token": "0".repeat(64)}))])
            .refuses(&[Code::BodyTooLarge, Code::Forbidden, Code::NotFound, Code::Conflict, Code::Unavailable])
            .answers_as(200, "What will be done; it needs no script.", vec![("text/html", shape::<String>())])
            .answers_as(410, "The link has expired.", vec![("text/html", shape::<String>())]),
        Operation::ApprovalStylesheet => {
            file(people("approvalStylesheet", "The stylesheet of these pages"), "It.", "text/css")
        }
        Operation::ApprovalScript => {
            file(people("approvalScript", "What brings the token from a link's address"), "It.", "text/javascript")
        }
        Operation::DocumentStylesheet => {
            file(about("docsStylesheet", "The stylesheet of the page that shows this document"), "It.", "text/css")
        }
        Operation::DocumentPage => file(about("docsPage", "This document as a page"), "The page.", "text/html"),
        Operation::Document => about("getOpenApi", "This document")
            .by(Who::Anyone)
            .answers::<std::collections::BTreeMap<String, Value>>(200, "OpenAPI 3.1."),
    }
}
