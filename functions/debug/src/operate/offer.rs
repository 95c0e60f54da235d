//! What can be asked of a saga as it stands, and of which of its steps: each verb with what will happen, the request that
//! asks for it, and the command that does the same. The engine has the last word: what has no place by then it refuses.

use makegood_edge::core::guard::Role;
use makegood_edge::core::saga::{Ask, Op, Phase, Report, Standing, StepReport, Wait};
use makegood_edge::core::tool::Class;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::links::{agreed, is_agreed};
use makegood_edge::serde_json::{Value, json};

use super::another;

/// Names in one sentence.
const MOST_NAMES: usize = 8;

/// One verb, about the whole saga or one of its steps.
pub struct Offer {
    /// As the address has it.
    pub verb: &'static str,
    /// Its button.
    pub label: &'static str,
    /// What will happen, in sentences.
    pub says: String,
    pub body: Value,
    /// What its reader may add: members of the body, each with what it is.
    pub fields: &'static [Field],
    /// What comes after `makegood saga`.
    pub command: String,
    /// It cannot be taken back.
    pub grave: bool,
}

/// A field of a dialog, and the member of the body that it becomes.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Json,
    /// A plan, in JSON: the saga's own from the start.
    Plan,
}

const NOTE: Field = Field { name: "note", label: "How you know, or why (for people)", kind: Kind::Text };
const OUTPUT: Field =
    Field { name: "output", label: "What it gave, in JSON: steps after it may refer to it", kind: Kind::Json };
const PAYLOAD: Field = Field { name: "payload", label: "What it brings, in JSON", kind: Kind::Json };

/// How far a saga has come, as verbs depend on it.
pub struct Way {
    /// It is being undone, or was when it got stuck.
    pub back: bool,
    /// Its point of no return is behind it.
    pub past: bool,
    /// What became of that point is not known yet.
    pub at_large: bool,
}

impl Way {
    fn of(report: &Report) -> Self {
        let pivots = || report.steps.iter().filter(|step| step.class == Class::Pivot);
        Self {
            back: report.back,
            past: pivots().any(|step| matches!(step.standing, Standing::Done | Standing::Skipped)),
            at_large: pivots().any(is_open),
        }
    }
}

/// What becomes of it is not known yet: it was called, and nothing was heard that ends it.
pub fn is_open(step: &StepReport) -> bool {
    match step.standing {
        Standing::Running | Standing::Held => true,
        Standing::Waiting | Standing::Queued => !step.attempts.is_empty(),
        Standing::Pending
        | Standing::Asking
        | Standing::Skipped
        | Standing::Done
        | Standing::Refused
        | Standing::Undoing
        | Standing::Undone
        | Standing::Fenced
        | Standing::Abandoned => false,
    }
}

/// What can be asked about one step; nothing where nothing can.
pub fn of_step(story: &Story, report: &Report, step: &StepReport, reader: &Principal) -> Vec<Offer> {
    match step.standing {
        Standing::Held => held(story, step, &Way::of(report)),
        Standing::Asking => match &step.approval {
            Some(ask) if !is_agreed(step, ask) && may_decide(story, step, ask, reader) => {
                let mut offers = decisions(story, step, ask);
                // Nobody agrees twice.
                if agreed(step).any(|by| by == reader.name) {
                    offers.retain(|offer| offer.verb != "approve");
                }
                offers
            }
            Some(_) | None => Vec::new(),
        },
        Standing::Waiting => match &step.wait {
            Some(Wait::Event { name, .. }) => vec![event(story, step, name)],
            Some(Wait::ForMs(_) | Wait::Until(_)) | None => Vec::new(),
        },
        Standing::Pending
        | Standing::Running
        | Standing::Queued
        | Standing::Skipped
        | Standing::Done
        | Standing::Refused
        | Standing::Undoing
        | Standing::Undone
        | Standing::Fenced
        | Standing::Abandoned => Vec::new(),
    }
}

/// Whether the engine takes a held step up again: of an effect that may have happened, and that would happen twice, it
/// asks no second time.
pub fn is_retriable(step: &StepReport) -> bool {
    step.standing == Standing::Held && step.code.as_deref() != Some("unknown_outcome")
}

fn held(story: &Story, step: &StepReport, way: &Way) -> Vec<Offer> {
    let (saga, id) = (story.id.as_str(), step.id.as_str());
    let undo = step.held == Some(Op::Undo);
    let mut offers = Vec::new();
    if is_retriable(step) {
        let says = match step.held {
            Some(Op::Undo) => format!(
                "The undo of {id} is sent to its partner again, under the key that it knows. Where it succeeds, the rest goes \
                 on being undone."
            ),
            Some(Op::Status) => {
                format!("The partner of {id} is asked again what became of it. Asking changes nothing there.")
            }
            Some(Op::Do) | None => format!(
                "{id} is asked for once more: under a new key where it was refused for good, and under its old one, or by \
                 its status, where it may have happened. It does not happen twice. The saga goes on with it."
            ),
        };
        offers.push(Offer {
            verb: "retry",
            label: "Try it again",
            says,
            body: json!({"step": id}),
            fields: &[],
            command: format!("retry {saga} {}", word(id)),
            grave: false,
        });
    }
    if !(undo && way.back) {
        offers.push(Offer {
            verb: "resolve",
            label: "It is done",
            says: format!(
                "You say that {id} happened, by its partner or by your hand. It is not called again, and counts as done \
                 with what you say that it gave. {}",
                if way.back { "It is undone with the rest, or held again." } else { "The saga goes on after it." }
            ),
            body: json!({"step": id, "done": true}),
            fields: &[OUTPUT, NOTE],
            command: format!("resolve {saga} {} --done --output '{{}}'", word(id)),
            grave: true,
        });
    }
    let must_be_done = !way.back && step.class != Class::Pivot && (way.past || way.at_large);
    if !must_be_done {
        let says = if undo {
            format!(
                "You say that you have undone {id} by hand, or that there was nothing to undo. Its partner is not called \
                 again, and the rest goes on being undone."
            )
        } else {
            format!(
                "You say that {id} did not happen, and never will. It counts as refused, and what was done before it is \
                 undone, the latest first."
            )
        };
        offers.push(Offer {
            verb: "resolve",
            label: if undo { "It is undone by hand" } else { "It did not happen" },
            says,
            body: json!({"step": id, "done": false}),
            fields: &[NOTE],
            command: format!("resolve {saga} {} --not-done --note 'how you know'", word(id)),
            grave: true,
        });
    }
    offers
}

/// Where nobody is named its owner decides, and no role does it for them.
fn may_decide(story: &Story, step: &StepReport, ask: &Ask, reader: &Principal) -> bool {
    let mine = story.owner == reader.name;
    let approver = reader.role >= Role::Approver && !mine;
    let named = story.nodes.iter().find(|node| node.ix == step.ix).and_then(|node| node.approval.as_ref());
    named.is_some_and(|approval| approval.asks(&reader.name, approver)) || mine && ask.by.is_empty()
}

fn decisions(story: &Story, step: &StepReport, ask: &Ask) -> Vec<Offer> {
    let (saga, id) = (story.id.as_str(), step.id.as_str());
    let decide = |verb, label, says, grave| Offer {
        verb,
        label,
        says,
        body: json!({"step": id, "hash": ask.hash}),
        fields: &[NOTE],
        command: format!("{verb} {saga} {} --hash {}", word(id), word(&ask.hash)),
        grave,
    };
    let others = if ask.quorum > 1 { format!(", when {} have agreed", ask.quorum) } else { String::new() };
    vec![
        decide("approve", "Approve", format!("{id} is made with exactly the parameters below{others}."), false),
        decide(
            "reject",
            "Reject",
            format!("{id} is not made. What was done before it is undone, the latest first."),
            true,
        ),
    ]
}

fn event(story: &Story, step: &StepReport, name: &str) -> Offer {
    Offer {
        verb: "events",
        label: "Bring it",
        says: format!("{} has its event, {name}, and goes on with what you say that it brings.", step.id),
        body: json!({"name": name}),
        fields: &[PAYLOAD],
        command: format!("event {} {} --payload '{{}}'", story.id, word(name)),
        grave: false,
    }
}

/// What can be asked of the saga as a whole.
pub fn of_saga(story: &Story, report: &Report) -> Vec<Offer> {
    let way = Way::of(report);
    let saga = &story.id;
    let mut offers = Vec::new();
    let held: Vec<&StepReport> = report.steps.iter().filter(|step| is_retriable(step)).collect();
    if held.len() > 1 {
        offers.push(Offer {
            verb: "retry",
            label: "Try all that is held again",
            says: format!("These are taken up again, as far as that is safe: {}.", names(&held)),
            body: json!({}),
            fields: &[],
            command: format!("retry {saga}"),
            grave: false,
        });
    }
    if story.phase == Phase::Forward && report.paused.is_some() {
        offers.push(Offer {
            verb: "resume",
            label: "Resume",
            says: "It goes on where it stands, with the tools as they were when its plan was made.".to_owned(),
            body: json!({}),
            fields: &[],
            command: format!("resume {saga}"),
            grave: false,
        });
    } else if story.phase == Phase::Forward {
        offers.push(Offer {
            verb: "pause",
            label: "Pause",
            says:
                "Nothing new is started until somebody resumes it. What is under way is settled, and a deadline still \
                   counts. When nothing is under way any more, it can be given another plan too."
                    .to_owned(),
            body: json!({}),
            fields: &[],
            command: format!("pause {saga}"),
            grave: false,
        });
    }
    offers.extend(another::offer(story, report, &way));
    let may_turn = match story.phase {
        Phase::Forward => !way.past,
        Phase::Stuck => !way.back && !way.past && !way.at_large,
        Phase::Unwinding | Phase::Completed | Phase::MadeGood => false,
    };
    if may_turn {
        offers.push(Offer {
            verb: "cancel",
            label: "Cancel it",
            says: cancelled(report, &way),
            body: json!({}),
            fields: &[],
            command: format!("cancel {saga}"),
            grave: true,
        });
    }
    offers
}

fn cancelled(report: &Report, way: &Way) -> String {
    let stands = |step: &&StepReport| step.standing == Standing::Done && step.class == Class::Compensatable;
    let done: Vec<&StepReport> = report.steps.iter().filter(stands).collect();
    let undone = if done.is_empty() {
        "Nothing that stands has to be undone.".to_owned()
    } else {
        format!("These are undone, the latest first: {}.", names(&done))
    };
    let large = if way.at_large {
        " Its point of no return is under way: should that turn out to be done, the saga is carried out all the same."
    } else {
        ""
    };
    format!("It is made good. {undone} What is under way is settled first, and what was not begun never is.{large}")
}

fn names(steps: &[&StepReport]) -> String {
    let some: Vec<&str> = steps.iter().take(MOST_NAMES).map(|step| step.id.as_str()).collect();
    let more = steps.len().saturating_sub(MOST_NAMES);
    if more > 0 { format!("{} and {more} more", some.join(", ")) } else { some.join(", ") }
}

/// As a shell takes it for one word.
pub fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~:".contains(&byte);
    let flat = !text.is_empty() && !text.starts_with(['-', '~']) && text.bytes().all(plain);
    if flat { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
