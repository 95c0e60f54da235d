//! Every check, in the order in which they are made, and whom each is asked of.
//!
//! A check is named by its function. Each has keys of its own, so that one failure does not lead to
//! the next.

mod acting;
mod refusing;
mod repeating;
mod telling;
mod undoing;

use makegood_core::id::SagaId;
use makegood_core::tool::{Class, Definition, Repeat};

use crate::Kit;
use crate::scene::Scene;
use crate::transport::Transport;
use crate::verdict::{Check, Fault, Outcome, Verdict};

/// Whether a check is asked, or why it is not.
type Asked = Result<(), &'static str>;

/// What the tool declares about itself, as reasons to ask or not to ask.
struct Declared<'k> {
    definition: &'k Definition,
    refused: bool,
}

impl Declared<'_> {
    fn effect(&self) -> Asked {
        let query = self.definition.class == Class::Query;
        if query { Err("a query changes nothing") } else { Ok(()) }
    }

    fn query(&self) -> Asked {
        let query = self.definition.class == Class::Query;
        if query { Ok(()) } else { Err("it is not a query") }
    }

    fn keyed(&self) -> Asked {
        self.effect()?;
        match self.definition.repeat {
            Repeat::Keyed { .. } => Ok(()),
            Repeat::Never => Err("it declares `repeat: never`, so a saga never repeats it"),
        }
    }

    fn status(&self) -> Asked {
        self.effect()?;
        if self.definition.status { Ok(()) } else { Err("it does not declare `status`") }
    }

    fn undo(&self) -> Asked {
        let undoable = self.definition.class == Class::Compensatable;
        if undoable { Ok(()) } else { Err("only what is compensatable can be undone") }
    }

    fn no_undo(&self) -> Asked {
        let undoable = self.definition.class == Class::Compensatable;
        if undoable { Err("it can be undone") } else { Ok(()) }
    }

    fn fence(&self) -> Asked {
        self.undo()?;
        if self.definition.fence { Ok(()) } else { Err("it does not declare `fence`") }
    }

    /// A saga's key reaches the tool for something, so that a call without one is an error.
    fn needs_key(&self) -> Asked {
        self.keyed().or(self.status()).or(self.fence())
    }

    fn refused(&self) -> Asked {
        if self.refused { Ok(()) } else { Err("the sample has no `refused` parameters") }
    }

    fn required(&self) -> Asked {
        let nothing = serde_json::json!({});
        let needs = !self.definition.input.check(&nothing).is_empty();
        if needs { Ok(()) } else { Err("its input schema requires nothing") }
    }
}

pub(crate) async fn run<T: Transport>(kit: &Kit<T>, saga: SagaId) -> Verdict {
    let declared = Declared { definition: &kit.definition, refused: kit.sample.refused.is_some() };
    let mut round = Round { scene: Scene::new(kit, saga), checks: Vec::new(), in_vain: false };
    macro_rules! ask {
        ($asked:expr, $module:ident::$check:ident) => {
            round.ask(stringify!($check), $asked, $module::$check).await
        };
    }

    ask!(Ok(()), acting::a_do_succeeds);
    round.in_vain = !round.scene_works();
    ask!(Ok(()), acting::the_sample_fits_the_input_schema);
    ask!(Ok(()), acting::the_output_fits_its_schema);
    ask!(declared.query(), acting::a_query_answers_again);

    ask!(declared.keyed(), repeating::a_repeat_gives_the_same_output);
    ask!(declared.keyed(), repeating::a_lost_do_is_answered_by_its_repeat);
    ask!(declared.keyed(), repeating::a_do_cut_off_midway_is_settled_by_its_repeat);
    ask!(declared.keyed(), repeating::many_dos_at_once_act_once);
    ask!(declared.keyed(), repeating::other_parameters_under_a_used_key_never_act_anew);

    ask!(declared.refused(), refusing::the_refused_sample_is_refused);
    ask!(declared.keyed().and(declared.refused()), refusing::a_refusal_is_repeated);
    ask!(declared.keyed().and(declared.refused()), refusing::a_refusal_stays_when_it_would_succeed_now);
    ask!(Ok(()), refusing::malformed_json_is_refused);
    ask!(declared.required(), refusing::missing_parameters_are_refused);
    ask!(declared.needs_key(), refusing::a_missing_key_is_refused);
    ask!(declared.no_undo(), refusing::what_cannot_be_undone_says_so);

    ask!(declared.undo(), undoing::an_undo_takes_back_what_was_done);
    ask!(declared.undo(), undoing::a_second_undo_succeeds);
    ask!(declared.undo(), undoing::a_lost_undo_is_answered_by_its_repeat);
    ask!(declared.undo(), undoing::an_undo_cut_off_midway_is_settled_by_its_repeat);
    ask!(declared.undo().and(declared.fence().or(declared.keyed())), undoing::a_do_after_its_undo_does_not_act);
    ask!(declared.fence(), undoing::an_undo_of_nothing_succeeds);
    ask!(declared.fence(), undoing::a_late_do_meets_a_tombstone);
    ask!(declared.fence().and(declared.refused()), undoing::an_undo_after_a_refusal_leaves_a_tombstone);
    ask!(declared.fence(), undoing::an_undo_finds_a_do_whose_answer_was_lost);
    ask!(declared.fence(), undoing::an_undo_that_races_its_do_wins);

    ask!(declared.status(), telling::status_of_an_unused_key_is_none);
    ask!(declared.status(), telling::status_of_a_do_is_done_with_its_output);
    ask!(declared.status(), telling::status_tells_a_do_whose_answer_was_lost);
    ask!(declared.status().and(declared.refused()), telling::status_of_a_refusal_is_refused);
    ask!(declared.status().and(declared.undo()), telling::status_of_an_undo_is_undone);
    ask!(declared.status().and(declared.fence()), telling::status_of_a_tombstone_is_undone);

    round.in_vain = false;
    ask!(Ok(()), acting::every_answer_comes_in_time);
    Verdict {
        tool: kit.definition.name.clone(),
        version: kit.definition.version.clone(),
        checks: round.checks,
        left: round.scene.into_left(),
    }
}

struct Round<'k, T> {
    scene: Scene<'k, T>,
    checks: Vec<Check>,
    /// Without a do that succeeds there is nothing to ask.
    in_vain: bool,
}

impl<'k, T: Transport> Round<'k, T> {
    async fn ask(
        &mut self,
        name: &'static str,
        asked: Asked,
        check: impl AsyncFnOnce(&Scene<'k, T>) -> Result<(), Fault>,
    ) {
        let in_vain = if self.in_vain { Err("no do has succeeded yet") } else { Ok(()) };
        let outcome = match asked.and(in_vain) {
            Err(why) => Outcome::NotAsked(why.to_owned()),
            Ok(()) => {
                let found = check(&self.scene).await;
                self.scene.clean_up().await;
                found.map_or_else(Outcome::Failed, |()| Outcome::Passed)
            }
        };
        self.checks.push(Check { name, outcome });
    }

    fn scene_works(&self) -> bool {
        self.checks.iter().all(|check| check.outcome == Outcome::Passed)
    }
}
