//! What a conversation answers, in the three languages that it is read in. What the planner says itself, its
//! questions and summaries, comes as it says it.

use super::state::Act;
use super::zone::Tongue;

/// The sentences, each in English, German and Spanish.
const fn pick(tongue: Tongue, said: [&'static str; 3]) -> &'static str {
    let [english, german, spanish] = said;
    match tongue {
        Tongue::English => english,
        Tongue::German => german,
        Tongue::Spanish => spanish,
    }
}

/// A plan that is shown, and waits for a yes. `saga`: whose plan it would take the place of.
pub fn confirm(tongue: Tongue, plan: &str, saga: Option<&str>) -> String {
    let asks = pick(
        tongue,
        [
            "Shall I? Say yes or no, or what to change.",
            "Soll ich? Sag ja oder nein, oder was anders sein soll.",
            "¿Lo hago? Di sí o no, o qué hay que cambiar.",
        ],
    );
    match saga {
        None => format!("{} {asks}", understood(tongue, plan)),
        Some(saga) => {
            let then = pick(tongue, ["would then go on with", "ginge dann weiter mit", "seguiría entonces con"]);
            format!("{saga} {then}: {plan} {asks}")
        }
    }
}

/// A plan that nothing is done about yet.
pub fn understood(tongue: Tongue, plan: &str) -> String {
    format!("{}: {plan}", pick(tongue, ["I understood", "Ich habe verstanden", "He entendido"]))
}

/// What a message would ask of a saga.
pub fn would_ask(tongue: Tongue, saga: &str, asked: Asked<'_>) -> String {
    let what = match asked {
        Asked::Cancel => pick(tongue, ["to be undone.", "rückgängig zu werden.", "deshacerse."]),
        Asked::Change(plan) => {
            let with = pick(tongue, ["to go on with", "weiterzugehen mit", "seguir con"]);
            return format!("{} {saga} {with}: {plan}", pick(tongue, ASKS));
        }
        Asked::Yes => pick(tongue, ["to go ahead.", "loszugehen.", "seguir adelante."]),
        Asked::No => pick(tongue, ["to do none of it.", "nichts davon zu tun.", "no hacer nada."]),
    };
    format!("{} {saga} {what}", pick(tongue, ASKS))
}

const ASKS: [&str; 3] = ["That asks", "Das bittet", "Eso pide a"];

pub fn started(tongue: Tongue, plan: &str) -> String {
    format!("{}: {plan}", pick(tongue, ["I am on it", "Ich mache das", "Me pongo a ello"]))
}

/// What a model planned has its owner asked by the saga.
pub fn waits(tongue: Tongue, plan: &str) -> String {
    let yes = pick(
        tongue,
        [
            "Nothing of it happens before you say yes.",
            "Nichts davon geschieht, bevor du ja sagst.",
            "Nada de esto ocurre antes de que digas que sí.",
        ],
    );
    format!("{}. {yes}", plan.trim_end_matches('.'))
}

/// What is known only when a step was made, where another is made with it.
pub fn given(tongue: Tongue, step: &str, path: &str) -> String {
    let path = if path.is_empty() { String::new() } else { format!(" ({path})") };
    match tongue {
        Tongue::English => format!("what “{step}” gives{path}"),
        Tongue::German => format!("was „{step}“ ergibt{path}"),
        Tongue::Spanish => format!("lo que da «{step}»{path}"),
    }
}

/// What was said before is not to be done after all.
pub const fn dropped(tongue: Tongue) -> &'static str {
    pick(
        tongue,
        [
            "Then I leave it, and have done nothing of it.",
            "Dann lasse ich es, und habe nichts davon getan.",
            "Entonces lo dejo; no he hecho nada de ello.",
        ],
    )
}

/// A yes or a no to which nothing was asked; `asked`: the question that is open.
pub fn nothing_waits(tongue: Tongue, asked: Option<&str>) -> String {
    let said = pick(
        tongue,
        ["Nothing waits for a yes or a no.", "Nichts wartet auf ein Ja oder ein Nein.", "Nada espera un sí o un no."],
    );
    asked.map_or_else(|| said.to_owned(), |asked| format!("{said} {asked}"))
}

pub const fn too_much(tongue: Tongue) -> &'static str {
    pick(
        tongue,
        [
            "These are more messages about one wish than I keep, and I have done nothing about the last. Say the whole of it in one message.",
            "Das sind mehr Nachrichten zu einem Wunsch, als ich mir merke, und zur letzten habe ich nichts getan. Sag das Ganze in einer Nachricht.",
            "Son más mensajes sobre un deseo de los que guardo, y con el último no he hecho nada. Dilo todo en un solo mensaje.",
        ],
    )
}

/// Another wish of a saga is open still.
pub const fn one_at_a_time(tongue: Tongue) -> &'static str {
    pick(
        tongue,
        [
            "I am still at what you asked before, and have done nothing about this. Say it again in a moment.",
            "Ich bin noch bei dem, was du vorher wolltest, und habe hierzu nichts getan. Sag es gleich noch einmal.",
            "Sigo con lo que pediste antes, y con esto no he hecho nada. Dilo otra vez en un momento.",
        ],
    )
}

/// The conversation's saga is not touched by a message.
pub fn goes_on(tongue: Tongue, saga: &str) -> String {
    match tongue {
        Tongue::English => format!("{saga} is as it was; “cancel it” asks for all of it to be undone."),
        Tongue::German => {
            format!("{saga} bleibt, wie es war; mit „storniere alles“ wird gebeten, es rückgängig zu machen.")
        }
        Tongue::Spanish => format!("{saga} queda como estaba; «cancela todo» pide que se deshaga."),
    }
}

/// What was asked of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    Cancel,
    /// With the new plan's summary.
    Change(&'a str),
    Yes,
    No,
}

/// What became of it; `None`: that is not known yet.
pub fn became(tongue: Tongue, saga: &str, asked: Asked<'_>, act: Option<Act>, why: Option<&str>) -> String {
    let told = match act {
        None => pick(
            tongue,
            [
                "was asked, and has not answered yet: its steps are under way. It stays asked; look there.",
                "ist gefragt und hat noch nicht geantwortet: Schritte sind unterwegs. Es bleibt dabei; sieh dort nach.",
                "tiene la petición y aún no ha respondido: hay pasos en curso. La petición sigue en pie; míralo allí.",
            ],
        ),
        Some(Act::Heard) => match asked {
            Asked::Cancel => pick(
                tongue,
                [
                    "is being undone: what was done of it is taken back.",
                    "wird rückgängig gemacht: was davon getan ist, wird zurückgenommen.",
                    "se está deshaciendo: lo que se hizo se retira.",
                ],
            ),
            Asked::Change(plan) => {
                let goes_on = pick(tongue, ["goes on with", "geht weiter mit", "sigue con"]);
                return format!("{saga} {goes_on}: {plan}");
            }
            Asked::Yes => pick(tongue, ["goes ahead.", "geht los.", "sigue adelante."]),
            Asked::No => pick(
                tongue,
                [
                    "has heard your no: none of it is done.",
                    "hat dein Nein gehört: nichts davon wird getan.",
                    "ha oído tu no: no se hace nada.",
                ],
            ),
        },
        Some(Act::Completed) => pick(
            tongue,
            [
                "is completed already: what it arranged stands, and I cannot change or undo it. A new wish in a whole sentence starts anew; what stands is for its partners to cancel.",
                "ist schon abgeschlossen: was es veranlasst hat, bleibt, und ich kann es nicht ändern oder zurücknehmen. Ein neuer Wunsch in einem ganzen Satz fängt neu an; absagen kann man das Bestehende bei den Partnern.",
                "ya está completa: lo que dispuso queda, y no puedo cambiarlo ni deshacerlo. Un deseo nuevo en una frase entera empieza otra; lo que queda se cancela con sus socios.",
            ],
        ),
        Some(Act::MadeGood) => pick(
            tongue,
            [
                "is undone already: nothing of it is left. Say the whole wish anew.",
                "ist schon rückgängig gemacht: nichts davon ist übrig. Sag den ganzen Wunsch neu.",
                "ya está deshecha: no queda nada de ella. Di el deseo entero de nuevo.",
            ],
        ),
        Some(Act::Unwinding) => pick(
            tongue,
            [
                "is being undone already. Say the whole wish anew when it is.",
                "wird schon rückgängig gemacht. Sag den ganzen Wunsch neu, wenn das getan ist.",
                "ya se está deshaciendo. Di el deseo entero de nuevo cuando termine.",
            ],
        ),
        Some(Act::Past) => pick(
            tongue,
            [
                "is past its point of no return: it is carried out to its end, and nothing of it was changed.",
                "hat den Punkt ohne Umkehr hinter sich: es wird zu Ende geführt, und nichts daran wurde geändert.",
                "ha pasado el punto sin retorno: se lleva a su fin, y no se ha cambiado nada.",
            ],
        ),
        Some(Act::Stuck) => pick(
            tongue,
            [
                "is stuck, and needs a person before that can be: its page says which step, and what can be done.",
                "hängt fest und braucht erst einen Menschen: seine Seite sagt, an welchem Schritt, und was zu tun ist.",
                "está atascada y necesita antes a una persona: su página dice en qué paso, y qué se puede hacer.",
            ],
        ),
        Some(Act::Unasked) => {
            pick(tongue, ["waits for no yes or no.", "wartet auf kein Ja oder Nein.", "no espera ningún sí o no."])
        }
        Some(Act::Early) => pick(
            tongue,
            [
                "had not asked yet when you said yes, so nothing is agreed to. See what it asks, and say it again.",
                "hatte noch nicht gefragt, als du ja sagtest, also ist nichts vereinbart. Sieh, was es fragt, und sag es noch einmal.",
                "aún no había preguntado cuando dijiste que sí, así que nada está acordado. Mira lo que pregunta y dilo otra vez.",
            ],
        ),
        Some(Act::Refused) => {
            let refused = pick(
                tongue,
                ["could not be given that plan", "konnte diesen Plan nicht bekommen", "no pudo recibir ese plan"],
            );
            return format!("{saga} {refused}: {}", why.unwrap_or_default());
        }
    };
    format!("{saga} {told}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_wish_is_told_with_the_saga_in_every_language() {
        let acts = [
            None,
            Some(Act::Heard),
            Some(Act::Completed),
            Some(Act::MadeGood),
            Some(Act::Unwinding),
            Some(Act::Past),
            Some(Act::Stuck),
            Some(Act::Unasked),
            Some(Act::Early),
            Some(Act::Refused),
        ];
        for act in acts {
            let told = [Tongue::English, Tongue::German, Tongue::Spanish]
                .map(|tongue| became(tongue, "sg_1", Asked::Cancel, act, Some("It was done by hand.")));
            let unlike = told.iter().collect::<std::collections::BTreeSet<_>>();
            assert!(unlike.len() == 3 && told.iter().all(|text| text.starts_with("sg_1 ")), "{told:?}");
        }
    }
}
