//! The same do again: after its answer, without its answer, and at the same time.

use futures_util::future::join_all;
use makegood_core::saga::{Answer, Op, Outcome};
use serde_json::Value;

use crate::scene::{Scene, Subject, in_progress, shown, told};
use crate::transport::Transport;
use crate::verdict::Fault;

/// How many dos are sent at once.
const MANY: usize = 20;

/// How often so many are sent, each time under a key of their own.
const ROUNDS: usize = 3;

pub(super) async fn a_repeat_gives_the_same_output<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let first = scene.done(&subject).await?;
    for _ in 0..2 {
        let again = scene.act(&subject).await;
        same(&first, &again, "The same do was sent again under one key", || twice(scene))?;
    }
    Ok(())
}

pub(super) async fn a_lost_do_is_answered_by_its_repeat<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    scene.lose(Op::Do, &subject, None).await;
    let did = "A do was sent, its answer was lost, and it was sent again under the same key";
    agreed(scene, &subject, did).await
}

pub(super) async fn a_do_cut_off_midway_is_settled_by_its_repeat<T: Transport>(
    scene: &Scene<'_, T>,
) -> Result<(), Fault> {
    for moment in scene.moments().await? {
        let subject = scene.fresh().await?;
        scene.hang_up(Op::Do, &subject, None, moment).await;
        let did = format!(
            "A do was sent, the connection was cut {} ms later, and it was repeated under the same key",
            moment.as_millis()
        );
        agreed(scene, &subject, &did).await?;
    }
    Ok(())
}

pub(super) async fn many_dos_at_once_act_once<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let did = format!("{MANY} dos were sent at once under one key");
    for _ in 0..ROUNDS {
        let subject = scene.fresh().await?;
        let answers = join_all((0..MANY).map(|_| scene.act(&subject))).await;
        let settled = scene.settled_act(&subject).await;
        let Outcome::Ok(Answer::Output(output)) = &settled else {
            return Err(Fault::new(did, "the output in the end", told(&settled), stranded(scene)));
        };
        for answer in &answers {
            if in_progress(answer) {
                continue;
            }
            if matches!(answer, Outcome::Ok(_)) {
                same(output, answer, &did, || twice(scene))?;
            } else {
                let expected = "the same output for each, or a 409 with the code in_progress";
                return Err(Fault::new(did, expected, told(answer), stranded(scene)));
            }
        }
    }
    Ok(())
}

pub(super) async fn other_parameters_under_a_used_key_never_act_anew<T: Transport>(
    scene: &Scene<'_, T>,
) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let first = scene.done(&subject).await?;
    // Without a valid variation, parameters that hold nothing are still other ones.
    let other = subject.other.clone().unwrap_or_default();
    let said = scene.act(&subject.with(&other)).await;
    let answered_as_before = matches!(&said, Outcome::Ok(Answer::Output(output)) if *output == first);
    if !answered_as_before && !matches!(said, Outcome::Refused(_)) {
        return Err(Fault::new(
            "A do was sent with other parameters, under a key that was used before",
            "a refusal (4xx), or the output of the first do",
            told(&said),
            "one key then stands for two effects, and the undo by that key finds only one of them",
        ));
    }
    let again = scene.act(&subject).await;
    let did = "A do was repeated after its key had been tried with other parameters";
    same(&first, &again, did, || "what was done under a key can be overwritten, and then is never undone".to_owned())
}

/// The do ends with an output, and with the same one from then on.
async fn agreed<T: Transport>(scene: &Scene<'_, T>, subject: &Subject, did: &str) -> Result<(), Fault> {
    let settled = scene.settled_act(subject).await;
    let Outcome::Ok(Answer::Output(output)) = &settled else {
        return Err(Fault::new(did, "the output that was lost", told(&settled), stranded(scene)));
    };
    let again = scene.act(subject).await;
    same(output, &again, did, || twice(scene))
}

fn same(first: &Value, again: &Outcome, did: &str, matters: impl FnOnce() -> String) -> Result<(), Fault> {
    if matches!(again, Outcome::Ok(Answer::Output(output)) if output == first) {
        return Ok(());
    }
    Err(Fault::new(did, format!("the same output each time, {}", shown(first)), told(again), matters()))
}

fn twice<T: Transport>(scene: &Scene<'_, T>) -> String {
    format!(
        "a lost answer would carry out {} twice, or have the saga go on with an output that is not true",
        scene.deed()
    )
}

fn stranded<T: Transport>(scene: &Scene<'_, T>) -> String {
    format!(
        "after a lost answer a saga would take {} for refused or wait for it forever, although it may have been carried out",
        scene.deed()
    )
}
