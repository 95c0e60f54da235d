//! Undo: after its do, again, before it, without it, and at the same time.

use std::time::Duration;

use futures_util::future::join;
use makegood_core::saga::{Answer, Op, Outcome};
use tokio::time::sleep;

use crate::scene::{Scene, Subject, told};
use crate::transport::Transport;
use crate::verdict::Fault;

pub(super) async fn an_undo_takes_back_what_was_done<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    let said = scene.undo(&subject, Some(&output)).await;
    if said == Outcome::Ok(Answer::Undone { found: true }) {
        return Ok(());
    }
    Err(Fault::new(
        "A do was carried out, and then undone with its output",
        "`undone: true`",
        told(&said),
        format!(
            "a saga that turns round could not take back {}, or would report that there was nothing to take back",
            scene.deed()
        ),
    ))
}

pub(super) async fn a_second_undo_succeeds<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    scene.lose(Op::Undo, &subject, Some(&output)).await;
    for _ in 0..2 {
        let said = scene.undo(&subject, Some(&output)).await;
        undone(&said, "An undo was sent again under the same key", held_up)?;
    }
    Ok(())
}

pub(super) async fn a_lost_undo_is_answered_by_its_repeat<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    scene.lose(Op::Undo, &subject, Some(&output)).await;
    let said = scene.settled_undo(&subject, Some(&output)).await;
    undone(&said, "An undo was sent, its answer was lost, and it was sent again", held_up)
}

pub(super) async fn an_undo_cut_off_midway_is_settled_by_its_repeat<T: Transport>(
    scene: &Scene<'_, T>,
) -> Result<(), Fault> {
    for moment in scene.moments().await? {
        let subject = scene.fresh().await?;
        let output = scene.done(&subject).await?;
        scene.hang_up(Op::Undo, &subject, Some(&output), moment).await;
        let said = scene.settled_undo(&subject, Some(&output)).await;
        let cut = moment.as_millis();
        undone(&said, &format!("An undo was sent, cut off {cut} ms later, and repeated"), held_up)?;
    }
    Ok(())
}

pub(super) async fn a_do_after_its_undo_does_not_act<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let output = scene.done(&subject).await?;
    let said = scene.undo(&subject, Some(&output)).await;
    undone(&said, "A do was carried out, and then undone with its output", held_up)?;
    let late = scene.act(&subject).await;
    // A tool that only remembers its answers may give the old one: that is no new effect.
    let recalled = matches!(&late, Outcome::Ok(Answer::Output(again)) if *again == output);
    if matches!(late, Outcome::Refused(_)) || (recalled && !scene.kit.definition.fence) {
        return Ok(());
    }
    let did = "A do was carried out and undone, and then a duplicate of it arrived";
    Err(Fault::new(did, "a refusal", told(&late), resurrected(scene)))
}

pub(super) async fn an_undo_of_nothing_succeeds<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let said = scene.undo(&subject, None).await;
    if said == Outcome::Ok(Answer::Undone { found: false }) {
        return Ok(());
    }
    Err(Fault::new(
        "An undo was sent under a key that was never used",
        "`undone: false`",
        told(&said),
        "a saga undoes every step that it has started, whether or not its do arrived; an error here leaves it stuck",
    ))
}

pub(super) async fn a_late_do_meets_a_tombstone<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let said = scene.undo(&subject, None).await;
    undone(&said, "An undo was sent under a key that was never used", held_up)?;
    fenced(scene, &subject, "An undo was sent before its do, and then the do arrived after all").await
}

pub(super) async fn an_undo_after_a_refusal_leaves_a_tombstone<T: Transport>(
    scene: &Scene<'_, T>,
) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    let refused = subject.with(subject.refused.as_ref().unwrap_or(&subject.params));
    scene.lose(Op::Do, &refused, None).await;
    let said = scene.undo(&refused, None).await;
    undone(&said, "A do was refused, and its key was undone all the same", held_up)?;
    fenced(scene, &subject, "A refused do was undone, and then a do arrived under its key that would succeed").await
}

pub(super) async fn an_undo_finds_a_do_whose_answer_was_lost<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let subject = scene.fresh().await?;
    scene.lose(Op::Do, &subject, None).await;
    let said = scene.undo(&subject, None).await;
    if said == Outcome::Ok(Answer::Undone { found: true }) {
        return Ok(());
    }
    Err(Fault::new(
        "A do was sent, its answer was lost, and it was undone by its key, with `output: null`",
        "`undone: true`",
        told(&said),
        format!("a saga without the answer has only the key; {} would stay carried out", scene.deed()),
    ))
}

pub(super) async fn an_undo_that_races_its_do_wins<T: Transport>(scene: &Scene<'_, T>) -> Result<(), Fault> {
    let moments = scene.moments().await?;
    // The do is first, and then the undo, by as much as makes them meet at another point each time.
    let races =
        moments.iter().map(|moment| (Duration::ZERO, *moment)).chain([(Duration::from_millis(1), Duration::ZERO)]);
    for (first, second) in races {
        let subject = scene.fresh().await?;
        let act = async {
            sleep(first).await;
            scene.act(&subject).await
        };
        let undo = async {
            sleep(second).await;
            scene.settled_undo(&subject, None).await
        };
        let (_, said) = join(act, undo).await;
        undone(&said, "A do and its undo were sent at the same time", held_up)?;
        fenced(scene, &subject, "A do and its undo were sent at the same time, and then the do once more").await?;
        if scene.kit.definition.status {
            let state = scene.status(&subject).await;
            if state != Outcome::Ok(Answer::WasUndone) {
                let did = "A do and its undo were sent at the same time";
                return Err(Fault::new(did, "the state undone in the end", told(&state), resurrected(scene)));
            }
        }
    }
    Ok(())
}

/// The do is refused under this key, now and later.
async fn fenced<T: Transport>(scene: &Scene<'_, T>, subject: &Subject, did: &str) -> Result<(), Fault> {
    let late = scene.settled_act(subject).await;
    if matches!(late, Outcome::Refused(_)) {
        return Ok(());
    }
    Err(Fault::new(did, "a refusal of the do", told(&late), resurrected(scene)))
}

fn undone(said: &Outcome, did: &str, matters: fn() -> String) -> Result<(), Fault> {
    if matches!(said, Outcome::Ok(Answer::Undone { .. })) {
        return Ok(());
    }
    Err(Fault::new(did, "a 2xx with `undone`", told(said), matters()))
}

fn held_up() -> String {
    "undos are repeated until they succeed; one that never does leaves the saga stuck, for a person to look at"
        .to_owned()
}

fn resurrected<T: Transport>(scene: &Scene<'_, T>) -> String {
    format!(
        "a duplicate that was late on its way would carry out {} after the saga had made everything good",
        scene.deed()
    )
}
