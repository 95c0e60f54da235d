//! What a tool must turn down, and that a refusal is an answer like any other: given once, kept.

use makegood_core::saga::{Answer, Outcome};
use makegood_core::tool::Class;
use makegood_gateway::Response;

use crate::scene::{Scene, Subject, told, told_raw};
use crate::transport::{Broken, Transport};
use crate::verdict::Fault;

pub(super) async fn the_refused_sample_is_refused<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    refused(scene, &subject).await.map(drop)
}

pub(super) async fn a_refusal_is_repeated<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let first = refused(scene, &subject).await?;
    let again = scene.act(&unwanted(&subject)).await;
    if matches!(&again, Outcome::Refused(refusal) if refusal.code == first) {
        return Ok(());
    }
    Err(Fault::new(
        "A refused do was sent again under the same key",
        format!("the same refusal, {first}"),
        told(&again),
        "whoever lost the first answer must learn from the second what was decided",
    ))
}

/// The world may have changed between a do and its repeat. Other parameters stand in for another world.
pub(super) async fn a_refusal_stays_when_it_would_succeed_now<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let first = refused(scene, &subject).await?;
    let again = scene.act(&subject).await;
    if matches!(again, Outcome::Refused(_)) {
        return Ok(());
    }
    Err(Fault::new(
        "A do was refused, and its key was then used again in a way that would have succeeded",
        format!("a refusal, as before ({first})"),
        told(&again),
        format!(
            "a saga that was refused turns round; a duplicate that arrives late would then carry out {} with nobody left to undo it",
            scene.deed()
        ),
    ))
}

pub(super) async fn malformed_json_is_refused<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    for (what, body) in [("half a JSON object", r#"{"a":"#), ("no body at all", ""), ("a list", "[]")] {
        let subject = scene.fresh().await?;
        let answer = scene.raw("do", Some(&subject.key), body).await;
        turned_down(scene, &subject, &answer, &format!("A do was sent with {what} in place of its parameters"))?;
        not_acted(scene, &subject, &format!("A do with {what} in place of its parameters was turned down")).await?;
    }
    Ok(())
}

pub(super) async fn missing_parameters_are_refused<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let answer = scene.raw("do", Some(&subject.key), "{}").await;
    turned_down(scene, &subject, &answer, "A do was sent without any of the parameters that the schema requires")?;
    not_acted(scene, &subject, "A do without its parameters was turned down").await
}

pub(super) async fn a_missing_key_is_refused<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let body = serde_json::Value::Object(subject.params.clone()).to_string();
    let answer = scene.raw("do", None, body).await;
    if is_refusal(&answer) {
        return Ok(());
    }
    if matches!(&answer, Ok(response) if response.status().is_success()) {
        scene.leave("which was done without a key, so that no undo finds it");
    }
    Err(Fault::new(
        "A do was sent without the idempotency-key header",
        "a refusal (4xx)",
        told_raw(&answer),
        "what was done without a key can be neither repeated nor undone",
    ))
}

pub(super) async fn what_cannot_be_undone_says_so<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let query = scene.kit.definition.class == Class::Query;
    let output = if query { None } else { Some(scene.done(&subject).await?) };
    let said = scene.undo(&subject, output.as_ref()).await;
    if matches!(said, Outcome::Refused(_)) {
        return Ok(());
    }
    Err(Fault::new(
        "An undo was sent, although the definition says that the tool cannot undo",
        "a clear refusal (4xx)",
        told(&said),
        "a 2xx would pass for an effect that was taken back, and after a 5xx an undo is tried again for good",
    ))
}

/// Sends what the sample wants to be refused; gives the refusal's code.
async fn refused<T: Transport>(scene: &Scene<'_, T>, subject: &Subject) -> Result<String, Fault> {
    let said = scene.act(&unwanted(subject)).await;
    let Outcome::Refused(refusal) = said else {
        return Err(Fault::new(
            "A do was sent with the sample's `refused` parameters",
            "a refusal (4xx)",
            told(&said),
            "only a clear no lets a saga turn round at once; anything else is taken for unknown",
        ));
    };
    Ok(refusal.code)
}

fn unwanted(subject: &Subject) -> Subject {
    subject.with(subject.refused.as_ref().unwrap_or(&subject.params))
}

fn turned_down<T: Transport>(
    scene: &Scene<'_, T>,
    subject: &Subject,
    answer: &Result<Response, Broken>,
    did: &str,
) -> Result<(), Fault> {
    if is_refusal(answer) {
        return Ok(());
    }
    scene.suspect(subject);
    Err(Fault::new(
        did,
        "a refusal (4xx)",
        told_raw(answer),
        "a 2xx acts on something that nobody asked for, and a 5xx is taken for unknown and tried again in vain",
    ))
}

/// Where the tool can be asked, it says that nothing was done.
async fn not_acted<T: Transport>(scene: &Scene<'_, T>, subject: &Subject, did: &str) -> Result<(), Fault> {
    let definition = &scene.kit.definition;
    if !definition.status || definition.class == Class::Query {
        return Ok(());
    }
    let state = scene.status(subject).await;
    // A status that says nothing is found by the checks of status.
    if !matches!(state, Outcome::Ok(Answer::WasDone(_) | Answer::InProgress { .. })) {
        return Ok(());
    }
    scene.suspect(subject);
    Err(Fault::new(
        did,
        "the state none or refused from then on",
        told(&state),
        "a refusal means that there was no effect, so nobody would undo this one",
    ))
}

/// The engine's reading: a 4xx but for those that mean "later" or "unknown".
fn is_refusal(answer: &Result<Response, Broken>) -> bool {
    answer.as_ref().is_ok_and(|response| {
        matches!(makegood_gateway::tool::outcome(makegood_core::saga::Op::Do, response), Outcome::Refused(_))
    })
}
