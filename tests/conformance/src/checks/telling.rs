//! Status: what a tool says has become of a key must be what became of it.

use makegood_core::saga::{Answer, Op, Outcome};
use makegood_core::tool::Repeat;

use crate::scene::{Scene, shown, told};
use crate::transport::Transport;
use crate::verdict::Fault;

pub(super) async fn status_of_an_unused_key_is_none<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let state = scene.status(&subject).await;
    expect(
        state == Outcome::Ok(Answer::NeverSeen),
        "The status of a key was asked for that was never used",
        "the state none",
        &state,
        "a saga would wait for, or count on, something that never happened",
    )
}

pub(super) async fn status_of_a_do_is_done_with_its_output<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    let state = scene.status(&subject).await;
    expect(
        matches!(&state, Outcome::Ok(Answer::WasDone(told)) if *told == output),
        "A do was carried out, and its status was asked for",
        &format!("the state done with the output that the do gave, {}", shown(&output)),
        &state,
        "the status stands in for a lost answer: later steps, and the undo, work with what it says",
    )
}

pub(super) async fn status_tells_a_do_whose_answer_was_lost<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    scene.lose(Op::Do, &subject, None).await;
    let state = scene.status(&subject).await;
    expect(
        matches!(state, Outcome::Ok(Answer::WasDone(_))),
        "A do was sent, its answer was lost, and its status was asked for",
        "the state done with its output",
        &state,
        &format!("a saga would take {} for not done, and do it again or forget to undo it", scene.deed()),
    )
}

pub(super) async fn status_of_a_refusal_is_refused<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let refused = subject.with(subject.refused.as_ref().unwrap_or(&subject.params));
    scene.lose(Op::Do, &refused, None).await;
    let state = scene.status(&subject).await;
    // Where nothing is kept under a key, a refused call may be as good as none.
    let forgotten = scene.kit.definition.repeat == Repeat::Never && state == Outcome::Ok(Answer::NeverSeen);
    expect(
        forgotten || matches!(state, Outcome::Ok(Answer::WasRefused(_))),
        "A do was refused, and its status was asked for",
        "the state refused",
        &state,
        "a saga that lost the refusal would go on as if the step could still succeed",
    )
}

pub(super) async fn status_of_an_undo_is_undone<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    scene.lose(Op::Undo, &subject, Some(&output)).await;
    let state = scene.status(&subject).await;
    expect(
        state == Outcome::Ok(Answer::WasUndone),
        "A do was carried out and undone, and its status was asked for",
        "the state undone",
        &state,
        "a saga could not tell an effect that stands from one that was taken back",
    )
}

pub(super) async fn status_of_a_tombstone_is_undone<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    scene.lose(Op::Undo, &subject, None).await;
    let state = scene.status(&subject).await;
    expect(
        state == Outcome::Ok(Answer::WasUndone),
        "A key was undone before its do arrived, and its status was asked for",
        "the state undone",
        &state,
        "a saga would take the key for unused, although every do under it is refused from now on",
    )
}

fn expect(holds: bool, did: &str, expected: &str, came: &Outcome, matters: &str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::new(did, expected, told(came), matters)) }
}
