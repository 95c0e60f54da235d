//! Schedules.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::conversation::described::PLANS;
use makegood_edge::core::error::Code;
use makegood_edge::core::time::Millis;
use makegood_edge::describe::{Operation as Says, Parameter, Place, Tag};
use makegood_edge::gateway::schedules::Fired;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::json;

use super::sagas::dinner;
use crate::schedules::{Body, Wanted};
use crate::verbs::Nothing;

/// A schedule, without its plan.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Schedule {
    schedule: String,
    cron: String,
    /// What its plan says of itself.
    title: String,
    paused: bool,
    /// The queue knows of it as it is. Until then it is told again every minute.
    armed: bool,
    created_at: Millis,
    updated_at: Millis,
    /// Why a firing started nothing, of late.
    #[schemars(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    last_error_at: Option<Millis>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Schedules {
    schedules: Vec<Schedule>,
}

/// A schedule with its plan.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct WholeSchedule {
    #[schemars(flatten)]
    schedule: Schedule,
    #[schemars(flatten)]
    wanted: Wanted,
    /// What became of the last twenty, the newest first.
    firings: Vec<Fired>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Deleted {
    schedule: String,
    deleted: bool,
}

fn schedule() -> Parameter {
    Parameter {
        name: "schedule",
        place: Place::Path,
        required: true,
        meaning: "The schedule's id: yours, or the one that it was given.",
        schema: json!({"type": "string"}),
        example: json!("every-monday"),
    }
}

fn one(id: &'static str, summary: &'static str) -> Says {
    Says::new(id, Tag::Schedules, summary).parameter(schedule()).refuses(&[Code::NotFound])
}

pub(super) fn list() -> Says {
    Says::new("listSchedules", Tag::Schedules, "Your schedules").answers::<Schedules>(200, "All of them.")
}

pub(super) fn create() -> Says {
    Says::new("createSchedule", Tag::Schedules, "Has a plan started by the clock")
        .means("A repeat with the same `id` makes no second one.")
        .takes::<Body>(vec![(
            "monday",
            json!({"id": "every-monday", "cron": "CRON_TZ=Europe/Berlin 0 9 * * 1", "plan": dinner()}),
        )])
        .refuses(&PLANS)
        .answers::<Schedule>(200, "You had this one already.")
        .answers::<Schedule>(201, "It is made.")
        .leads_to("showSchedule", "schedule", "/schedule")
        .leads_to("pauseSchedule", "schedule", "/schedule")
        .leads_to("resumeSchedule", "schedule", "/schedule")
        .leads_to("deleteSchedule", "schedule", "/schedule")
        .answers::<Schedule>(202, "It is made, and the queue is yet to be told.")
}

pub(super) fn show() -> Says {
    one("showSchedule", "A schedule with its plan and its last firings").answers::<WholeSchedule>(200, "All of it.")
}

pub(super) fn delete() -> Says {
    one("deleteSchedule", "Starts nothing any more")
        .means("Its sagas go on.")
        // The queue may refuse what it is told.
        .refuses(&[Code::InvalidRequest])
        .answers::<Deleted>(200, "It is gone.")
}

fn turned(id: &'static str, summary: &'static str) -> Says {
    one(id, summary)
        .may_take::<Nothing>(vec![("nothing", json!({}))])
        .answers::<Schedule>(200, "It is so.")
        .answers::<Schedule>(202, "It is so, and the queue is yet to be told.")
}

pub(super) fn pause() -> Says {
    turned("pauseSchedule", "Starts nothing for a while")
}

pub(super) fn resume() -> Says {
    turned("resumeSchedule", "Goes on")
}
