//! What is said to the user, in the language of the message. The only place that has these texts in German and
//! Spanish; elsewhere they are in English.
//!
//! A text is known by its English, in which `{}` stands for what is quoted: names, words of the user, hours, days. A
//! text that is not here is said in English.

use super::Reading;
use super::language::Language;

/// English, German, Spanish; what is more special stands before what is less.
#[rustfmt::skip]
const TEXTS: &[[&str; 3]] = &[
    ["Gladly; I only need to know a little more. {}", "Gern, mir fehlt nur noch etwas. {}", "Con gusto; solo me falta saber algo más. {}"],
    ["The table", "Der Tisch", "La mesa"],
    ["The table at {}", "Der Tisch bei {}", "La mesa en {}"],
    ["The ride", "Die Fahrt", "El viaje"],
    ["The delivery", "Die Lieferung", "La entrega"],
    ["The delivery from {}", "Die Lieferung von {}", "La entrega de {}"],
    ["The payment", "Die Zahlung", "El pago"],
    ["The payment to {}", "Die Zahlung an {}", "El pago a {}"],
    ["The message", "Die Nachricht", "El mensaje"],
    ["The message to {}", "Die Nachricht an {}", "El mensaje a {}"],
    ["The calendar entry", "Der Kalendereintrag", "La entrada del calendario"],
    ["The calendar entry {}", "Der Kalendereintrag {}", "La entrada del calendario {}"],
    ["The weather", "Das Wetter", "El tiempo"],
    ["The way", "Der Weg", "El camino"],
    ["The search", "Die Suche", "La búsqueda"],
    ["on which day", "an welchem Tag", "qué día"],
    ["at what time", "um wie viel Uhr", "a qué hora"],
    ["for how many people", "für wie viele Personen", "para cuántas personas"],
    ["at which restaurant", "in welchem Restaurant", "en qué restaurante"],
    ["from where", "von wo", "desde dónde"],
    ["where to", "wohin", "adónde"],
    ["from which shop or restaurant", "von welchem Laden oder Restaurant", "de qué tienda o restaurante"],
    ["to which address", "an welche Adresse", "a qué dirección"],
    ["what shall it bring", "was soll gebracht werden", "qué hay que llevar"],
    ["how much, and in which currency", "wie viel, und in welcher Währung", "cuánto, y en qué moneda"],
    ["to whom", "an wen", "a quién"],
    ["what shall it say", "was soll darin stehen", "qué tiene que decir"],
    ["what is it called", "wie heißt er", "cómo se llama"],
    ["for which place", "für welchen Ort", "para qué lugar"],
    ["for which day", "für welchen Tag", "para qué día"],
    ["one person at a time, please: to whom first", "bitte eine Person nach der anderen: an wen zuerst", "de una persona en una, por favor: a quién primero"],
    ["the amount is said more than once: how much in all", "der Betrag steht mehrmals da: wie viel insgesamt", "el importe aparece más de una vez: cuánto en total"],
    ["I send messages at once, not at an hour to come; may I send it now", "ich schicke Nachrichten sofort und nicht später; darf ich sie jetzt schicken", "envío los mensajes al momento, no más tarde; puedo enviarlo ahora"],
    ["that is too far away: on which day instead", "das ist zu weit weg: an welchem Tag stattdessen", "eso queda demasiado lejos: qué día entonces"],
    ["that could be two days: on which day", "das könnten zwei Tage sein: an welchem Tag", "podrían ser dos días: qué día"],
    ["{} of which currency", "{} in welcher Währung", "{} en qué moneda"],
    ["{} on {} is past: at what time instead", "{} am {} ist vorbei: um wie viel Uhr stattdessen", "{} el {} ya ha pasado: a qué hora entonces"],
    ["{} is past: on which day instead", "{} ist vorbei: an welchem Tag stattdessen", "{} ya ha pasado: qué día entonces"],
    ["does {} mean {} or {}", "heißt {} {} oder {}", "{} significa {} o {}"],
    ["{} is not a day of the calendar: on which day", "{} ist kein Tag im Kalender: an welchem Tag", "{} no es un día del calendario: qué día"],
    ["{} is not one day: on which day", "{} ist nicht ein Tag: an welchem Tag", "{} no es un solo día: qué día"],
    ["{} is not a {}: on which day", "{} ist kein {}: an welchem Tag", "{} no es {}: qué día"],
    ["on which day of {}, Saturday or Sunday", "an welchem Tag des Wochenendes, Samstag oder Sonntag", "qué día del fin de semana, sábado o domingo"],
    ["{} is not a time: at what time", "{} ist keine Uhrzeit: um wie viel Uhr", "{} no es una hora: a qué hora"],
    ["I cannot read {} as an amount: how much, as in 25.50 EUR", "{} kann ich nicht als Betrag lesen: wie viel, etwa 25,50 EUR", "no puedo leer {} como importe: cuánto, por ejemplo 25,50 EUR"],
    ["{} is more than can be paid at once: how much instead", "{} ist mehr, als auf einmal gezahlt werden kann: wie viel stattdessen", "{} es más de lo que se puede pagar de una vez: cuánto entonces"],
    ["nobody can come of 0 people: for how many", "null Personen können nicht kommen: für wie viele", "con 0 personas no viene nadie: para cuántas"],
    ["{} are more than the 20 that one table takes: for how many people", "{} sind mehr als die 20 an einem Tisch: für wie viele Personen", "{} son más de las 20 que caben en una mesa: para cuántas personas"],
    ["{} are more than the 8 that one ride takes: for how many", "{} sind mehr als die 8 in einem Wagen: für wie viele", "{} son más de las 8 que caben en un viaje: para cuántas"],
    ["{} cannot be ordered: how many", "{} kann nicht bestellt werden: wie viele", "{} no se puede pedir: cuántos"],
    ["it begins and ends at {}: where to", "sie beginnt und endet bei {}: wohin", "empieza y termina en {}: adónde"],
    ["{} cannot be taken back, so it has to come last; may it", "{} lässt sich nicht zurücknehmen und muss daher zuletzt kommen; darf das so sein", "{} no se puede deshacer, así que tiene que ir al final; puede ser"],
    ["Is {} the hour, or how many people come?", "Ist {} die Uhrzeit, oder kommen so viele?", "¿{} es la hora, o cuántas personas vienen?"],
    ["Of which of these is that the {}? Please say it with its name.", "Zu was davon gehört das? Bitte mit Namen sagen.", "¿De cuál de ellos es eso? Dilo con su nombre, por favor."],
    ["These wishes wait for each other in a circle: in which order shall I do them?", "Diese Wünsche warten im Kreis aufeinander: in welcher Reihenfolge soll ich sie erledigen?", "Estos deseos se esperan unos a otros: ¿en qué orden los hago?"],
    ["I do not understand {} in {}, and have done nothing. Say it without, or in other words.", "{} in {} verstehe ich nicht und habe nichts getan. Bitte ohne das oder mit anderen Worten sagen.", "No entiendo {} en {} y no he hecho nada. Dilo sin eso, o con otras palabras."],
    ["I cannot wait for a condition yet, so I have done nothing about {}. Please tell me outright what to do.", "Auf eine Bedingung kann ich noch nicht warten und habe daher nichts getan: {}. Bitte sag mir direkt, was ich tun soll.", "Aún no puedo esperar a una condición, así que no he hecho nada: {}. Dime directamente qué hacer."],
    ["I cannot wait for a condition, nor choose: {} in {}. Please tell me outright what to do.", "Ich kann nicht auf eine Bedingung warten und nicht wählen: {} in {}. Bitte sag mir direkt, was ich tun soll.", "No puedo esperar a una condición ni elegir: {} en {}. Dime directamente qué hacer."],
    ["Which of them shall I do: what comes before “or”, or {}?", "Was davon soll ich tun: das vor dem „oder“, oder {}?", "¿Qué hago: lo que va antes de la «o», o {}?"],
    ["{} and the rest do not go together for me: what shall I do?", "{} und der Rest passen für mich nicht zusammen: was soll ich tun?", "{} y lo demás no encajan: ¿qué hago?"],
    ["{} ends in a question mark: shall I do it? Then say it without.", "{} endet mit einem Fragezeichen: soll ich es tun? Dann bitte ohne.", "{} es una pregunta: ¿lo hago? Entonces dilo sin preguntar."],
    ["Is all of {} the message, or is a part of it for me to do? Please put the message in quotes.", "Ist {} ganz die Nachricht, oder soll ich etwas davon tun? Bitte setze die Nachricht in Anführungszeichen.", "¿{} es todo el mensaje, o tengo que hacer una parte? Pon el mensaje entre comillas."],
    ["Is {} a wish of its own? Please say it as a sentence of its own.", "Ist {} ein eigener Wunsch? Bitte als eigenen Satz sagen.", "¿{} es otro deseo? Dilo en una frase aparte."],
    ["I am not sure what not to do in {}: please say only what I shall do.", "Ich bin nicht sicher, was ich nicht tun soll: {}. Bitte sag nur, was ich tun soll.", "No estoy seguro de qué no hacer en {}: di solo lo que tengo que hacer."],
    ["I need the time itself: at what time?", "Ich brauche die genaue Zeit: um wie viel Uhr?", "Necesito la hora exacta: ¿a qué hora?"],
    ["Then I do nothing: {}. Tell me what I shall do instead.", "Dann tue ich nichts: {}. Sag mir, was ich stattdessen tun soll.", "Entonces no hago nada: {}. Dime qué hago en su lugar."],
    ["I cannot cancel or change what was arranged before, not yet, so I have done nothing about {}. A saga that is still running can be cancelled on its own page.", "Was vorher vereinbart war, kann ich noch nicht absagen oder ändern und habe nichts getan: {}. Ein Vorgang, der noch läuft, lässt sich auf seiner Seite abbrechen.", "Aún no puedo cancelar ni cambiar lo que ya estaba acordado, así que no he hecho nada: {}. Lo que sigue en marcha se puede cancelar en su página."],
    ["I did not understand {}, and have done nothing. {}", "{} habe ich nicht verstanden und nichts getan. {}", "No he entendido {} y no he hecho nada. {}"],
    ["I cannot do this, and have done nothing: {}. {}", "Das kann ich nicht und habe nichts getan: {}. {}", "Esto no lo puedo hacer y no he hecho nada: {}. {}"],
    [super::reading::OFFERS, "Ich kann Tische und Fahrten buchen, Lieferungen bestellen, Geld überweisen, Nachrichten schicken, Termine eintragen und nach Restaurants, freien Tischen, Wetter und Wegen sehen. Zum Beispiel: „Reserviere morgen um 19 Uhr einen Tisch für 4 bei Luigi's und bestell uns ein Taxi dorthin“.", "Puedo reservar mesas y viajes, pedir entregas, pagar, enviar mensajes, apuntar cosas en el calendario y mirar restaurantes, mesas libres, el tiempo y el camino. Por ejemplo: «Reserva una mesa para 4 en Luigi's mañana a las 19:00 y pídenos un taxi para ir»."],
    ["at {} or {}", "bei {} oder {}", "en {} o {}"],
    ["{} or {} people", "{} oder {} Personen", "{} o {} personas"],
    ["{} people or {} people", "{} oder {} Personen", "{} o {} personas"],
    ["{} or {}", "{} oder {}", "{} o {}"],
];

const DAYS: [[&str; 3]; 19] = [
    ["Monday", "Montag", "lunes"],
    ["Tuesday", "Dienstag", "martes"],
    ["Wednesday", "Mittwoch", "miércoles"],
    ["Thursday", "Donnerstag", "jueves"],
    ["Friday", "Freitag", "viernes"],
    ["Saturday", "Samstag", "sábado"],
    ["Sunday", "Sonntag", "domingo"],
    ["January", "Januar", "enero"],
    ["February", "Februar", "febrero"],
    ["March", "März", "marzo"],
    ["April", "April", "abril"],
    ["May", "Mai", "mayo"],
    ["June", "Juni", "junio"],
    ["July", "Juli", "julio"],
    ["August", "August", "agosto"],
    ["September", "September", "septiembre"],
    ["October", "Oktober", "octubre"],
    ["November", "November", "noviembre"],
    ["December", "Dezember", "diciembre"],
];

/// The reading, with what it says in the language.
pub(super) fn spoken(reading: Reading, language: Language) -> Reading {
    match reading {
        Reading::Ask { question, missing, intents } => {
            Reading::Ask { question: say(&question, language), missing, intents }
        }
        Reading::Unclear { message } => Reading::Unclear { message: say(&message, language) },
        Reading::Refused { message } => Reading::Refused { message: say(&message, language) },
        plan @ Reading::Plan { .. } => plan,
    }
}

/// A text in the language; in English, where it has none.
pub(super) fn say(text: &str, language: Language) -> String {
    let column = match language {
        Language::English => return text.to_owned(),
        Language::German => 1,
        Language::Spanish => 2,
    };
    if let Some(day) = day(text, column) {
        return day;
    }
    let found = TEXTS.iter().find_map(|texts| Some((texts.get(column)?, holes(texts.first()?, text)?)));
    let Some((template, holes)) = found else {
        return text.to_owned();
    };
    let mut said = String::with_capacity(text.len());
    let mut holes = holes.into_iter();
    for (count, part) in template.split("{}").enumerate() {
        if count > 0 {
            let hole = holes.next().unwrap_or_default();
            let own = hole.starts_with('“');
            said.push_str(&if own { hole.to_owned() } else { say(hole, language) });
        }
        said.push_str(part);
    }
    said
}

/// `and` between the parts of a question.
pub(super) fn and(language: Language) -> &'static str {
    match language {
        Language::English => "and",
        Language::German => "und",
        Language::Spanish => "y",
    }
}

/// `Thursday, 24 December 2026`.
fn day(text: &str, column: usize) -> Option<String> {
    let (weekday, rest) = text.split_once(", ")?;
    let [number, month, year] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let named = |name: &str| DAYS.iter().find(|names| names.first() == Some(&name))?.get(column).copied();
    let (weekday, month) = (named(weekday)?, named(month)?);
    Some(match column {
        1 => format!("{weekday}, {number}. {month} {year}"),
        _ => format!("{weekday}, {number} de {month} de {year}"),
    })
}

/// What stands in the text where the template has holes; `None` where it is another text.
fn holes<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = template.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // What the user said stands in quotes, whatever it holds.
        let from = if rest.starts_with('“') { rest.find('”').map_or(0, |end| end + '”'.len_utf8()) } else { 0 };
        let end = if parts.peek().is_none() {
            rest.len().checked_sub(part.len()).filter(|end| rest.get(*end..) == Some(part))?
        } else {
            from + rest.get(from..)?.find(part)?
        };
        found.push(rest.get(..end)?);
        rest = rest.get(end + part.len()..)?;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_said_in_the_language_with_what_it_quotes() {
        for (text, german, spanish) in [
            ("on which day", "an welchem Tag", "qué día"),
            ("The table at Luigi's", "Der Tisch bei Luigi's", "La mesa en Luigi's"),
            (
                "Tuesday, 14 July 2026 is past: on which day instead",
                "Dienstag, 14. Juli 2026 ist vorbei: an welchem Tag stattdessen",
                "martes, 14 de julio de 2026 ya ha pasado: qué día entonces",
            ),
            ("nothing that is known", "nothing that is known", "nothing that is known"),
        ] {
            assert_eq!(say(text, Language::German), german);
            assert_eq!(say(text, Language::Spanish), spanish);
            assert_eq!(say(text, Language::English), text);
        }
    }

    #[test]
    fn every_text_has_as_many_holes_in_each_language() {
        for [english, german, spanish] in TEXTS {
            let holes = |text: &str| text.matches("{}").count();
            assert!(holes(german) <= holes(english) && holes(spanish) <= holes(english), "{english}");
        }
    }
}
