//! One do, and nothing going wrong.

use makegood_core::saga::{Answer, Op, Outcome};
use makegood_core::tool::Schema;
use serde_json::Value;

use crate::scene::{Scene, shown, told};
use crate::transport::Transport;
use crate::verdict::Fault;

pub(super) async fn a_do_succeeds<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let said = scene.settled_act(&subject).await;
    if matches!(said, Outcome::Ok(Answer::Output(_))) {
        return Ok(());
    }
    Err(Fault::new(
        format!("A do was sent to {} with the sample's `params`", scene.kit.base),
        "a 2xx with the output as JSON",
        told(&said),
        "nothing else can be asked before one do succeeds; see that the address is right and the sample is valid now",
    ))
}

pub(super) async fn the_sample_fits_the_input_schema<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let params = Value::Object(subject.params);
    fits(
        &scene.kit.definition.input,
        &params,
        "The sample's `params` were checked against the input schema",
        "plans with these parameters are turned down before they start, although the tool would take them",
    )
}

pub(super) async fn the_output_fits_its_schema<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    fits(
        &scene.kit.definition.output,
        &output,
        "The output of a do was checked against the output schema",
        "later steps refer to fields by that schema, and a saga that finds none stops halfway",
    )
}

pub(super) async fn a_query_answers_again<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    for _ in 0..2 {
        let output = scene.done(&subject).await?;
        fits(
            &scene.kit.definition.output,
            &output,
            "A query was asked twice under one key",
            "a query is asked again after every crash, and the next step needs its output each time",
        )?;
    }
    Ok(())
}

pub(super) async fn every_answer_comes_in_time<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let late = scene.timed_out();
    let Some(first) = late.first() else { return Ok(()) };
    let verb = match first {
        Op::Do => "a do",
        Op::Undo => "an undo",
        Op::Status => "a status",
    };
    Err(Fault::new(
        "The time of every call in this run was taken",
        format!("an answer within the declared timeout_ms of {}", scene.kit.definition.timeout_ms),
        format!("none in time to {} of them, {verb} first", late.len()),
        "a call that takes longer counts as unknown: it is sent again, or undone, while it is still being worked on",
    ))
}

fn fits(schema: &Schema, value: &Value, did: &str, matters: &str) -> Result<(), Fault> {
    let Some(violation) = schema.check(value).into_iter().next() else { return Ok(()) };
    let place = if violation.path.is_empty() { "the whole value" } else { &violation.path };
    Err(Fault::new(did, format!("that {place} {}", violation.message), shown(value), matters))
}
