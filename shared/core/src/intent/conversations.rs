//! German, Spanish, and messages that hang on earlier ones.

use super::{Context, Reading, read, read_in};
use crate::time::Millis;

/// Monday, 23 November 2026, 10:00 in a place one hour east of Greenwich.
fn context() -> Context {
    Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() }
}

/// The parameters of the plan's steps, `tool name=value …` each.
fn shown(reading: &Reading) -> Vec<String> {
    let Reading::Plan { plan, .. } = reading else {
        return vec![format!("{reading:?}")];
    };
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let step = |step: &crate::saga::Step| {
        let params: Vec<String> = step.params.iter().map(|(name, given)| format!("{name}={}", value(given))).collect();
        format!("{} {}", step.tool, params.join(", "))
    };
    plan.steps.iter().map(step).collect()
}

const TABLE: &str = "book_restaurant_table date=2026-11-24, name=Ada, party_size=4, restaurant=Luigi's, time=19:00";
const RIDE: &str = "request_ride date=2026-11-24, destination=$table.address, passengers=4, pickup=home, time=18:30";

#[test]
fn one_wish_is_the_same_in_three_languages() {
    for message in [
        "Book a table for 4 at Luigi's tomorrow at 7pm and get us a taxi there",
        "Reserviere morgen um 19 Uhr einen Tisch für vier bei Luigi's und bestell uns ein Taxi dorthin",
        "Kannst du bitte bei Luigi's morgen um 19 Uhr einen Tisch für vier Personen reservieren und uns ein Taxi dorthin rufen?",
        "Reserva una mesa para cuatro en Luigi's mañana a las siete de la tarde y pídenos un taxi para ir allí",
    ] {
        assert_eq!(shown(&read(message, &context())), [TABLE, RIDE], "{message}");
    }
}

#[test]
fn names_and_texts_stay_as_they_were_said() {
    for (message, expected) in [
        ("Schreib Sam, dass das Essen um acht ist", "send_message text=das Essen um acht ist, to=Sam"),
        ("Dile a Ana que la cena es a las ocho", "send_message text=la cena es a las ocho, to=Ana"),
        (
            "Bestell zwei Pizzen bei Luigi's in die Hauptstraße 12",
            "dispatch_delivery address=Hauptstraße 12, items=[{\"name\":\"Pizzen\",\"quantity\":2}], vendor=Luigi's",
        ),
    ] {
        assert_eq!(shown(&read(message, &context())), [expected], "{message}");
    }
}

#[test]
fn times_are_read_as_each_language_says_them() {
    for (said, time) in [
        ("um halb acht abends", "19:30"),
        ("um Viertel vor acht", "19:45"),
        ("um fünf vor halb neun", "20:25"),
        ("um 19 Uhr 15", "19:15"),
        ("um 20.30 Uhr", "20:30"),
    ] {
        let reading = read(&format!("Reserviere morgen {said} einen Tisch für vier bei Luigi's"), &context());
        assert_eq!(shown(&reading), [TABLE.replace("19:00", time)], "{said}");
    }
    for (said, time) in [
        ("a las siete y media", "19:30"),
        ("a las nueve menos cuarto de la noche", "20:45"),
        ("a las 20:30", "20:30"),
        ("a las ocho y veinte de la tarde", "20:20"),
    ] {
        let reading = read(&format!("Reserva mañana {said} una mesa para cuatro en Luigi's"), &context());
        assert_eq!(shown(&reading), [TABLE.replace("19:00", time)], "{said}");
    }
}

/// Sentences that hold a detail which is not served, or a denial: none of them may become a plan.
const HELD: [&str; 42] = [
    "Überweise Sam 50 Euro, wenn er fertig ist",
    "Überweise Sam morgen 50 Euro",
    "Überweise Sam jeden Monat 50 Euro",
    "Überweise Sam höchstens 50 Euro",
    "Überweise Sam etwa 50 Euro",
    "Überweise Sam 50 Euro oder 60 Euro",
    "Überweise Sam und Bob 50 Euro",
    "Überweise Sam nicht 50 Euro",
    "Überweise niemandem 50 Euro",
    "Überweise Sam die Hälfte von 50 Euro",
    "Überweise Sam 50 Euro erst nach dem Essen",
    "Reserviere keinen Tisch für 4 bei Luigi's morgen um 19 Uhr",
    "Reserviere einen ruhigen Tisch für 4 bei Luigi's morgen um 19 Uhr",
    "Reserviere einen Tisch für 4 bei Luigi's morgen nach 19 Uhr",
    "Reserviere einen Tisch für 4 bei Luigi's morgen ab 19 Uhr",
    "Reserviere einen Tisch für mindestens 4 bei Luigi's morgen um 19 Uhr",
    "Reserviere einen Tisch für 4 bei Luigi's morgen um 19 Uhr draußen",
    "Reserviere einen Tisch für 4 bei Luigi's übernächsten Freitag um 19 Uhr",
    "Reserviere zwei Tische für 4 bei Luigi's morgen um 19 Uhr",
    "Reserviere einen Tisch bei Nonna spätestens morgen um 19 Uhr für 4",
    "Bestell eine Pizza ohne Zwiebeln bei Luigi's für höchstens 10 Euro nach Hause",
    "Bestell jeden Freitag eine Pizza bei Luigi's nach Hause",
    "Ruf ein Taxi mit Kindersitz zum Bahnhof morgen um 8",
    "Sollte ich Sam 50 Euro überweisen?",
    "Vielleicht überweise Sam 50 Euro",
    "Schreib Sam oder Bob, dass ich komme",
    "Schreib Sam morgen, dass ich komme",
    "Paga 50 euros a Sam si ha terminado",
    "Paga 50 euros a Sam mañana",
    "Paga 50 euros a Sam cada mes",
    "Paga como mucho 50 euros a Sam",
    "Paga unos 50 euros a Sam",
    "Paga 50 euros a Sam y a Bob",
    "No pagues 50 euros a Sam",
    "Paga la mitad de 50 euros a Sam",
    "No reserves una mesa para 4 en Luigi's mañana a las 19:00",
    "Reserva una mesa tranquila para 4 en Luigi's mañana a las 19:00",
    "Reserva una mesa para 4 en Luigi's mañana después de las 19:00",
    "Reserva una mesa para 4 en Luigi's mañana a las 19:00 en la terraza",
    "Reserva una mesa para al menos 4 en Luigi's mañana a las 19:00",
    "Pide una pizza cada viernes de Luigi's a casa",
    "¿Debería pagar 50 euros a Sam?",
];

#[test]
fn a_detail_that_is_not_understood_holds_the_message_in_every_language() {
    let done = HELD.iter().filter(|message| matches!(read(message, &context()), Reading::Plan { .. }));
    assert_eq!(done.collect::<Vec<_>>(), Vec::<&&str>::new(), "must not be done");
}

const BOOK: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";
const EVENING: &str = "Book a table for 4 at Luigi's tomorrow at 7pm and get us a ride there";

#[test]
fn a_later_message_changes_what_was_wished_before() {
    for (earlier, message, expected) in [
        (BOOK, "make it six", vec![TABLE.replace("=4", "=6")]),
        (BOOK, "on Friday instead", vec![TABLE.replace("11-24", "11-27")]),
        (BOOK, "Sakura instead of Luigi's", vec![TABLE.replace("Luigi's", "Sakura")]),
        (EVENING, "make it six people", vec![TABLE.replace("=4", "=6"), RIDE.replace("=4", "=6")]),
        (EVENING, "forget the ride", vec![TABLE.to_owned()]),
        (EVENING, "we don't need a taxi after all", vec![TABLE.to_owned()]),
        (EVENING, "vergiss das Taxi", vec![TABLE.to_owned()]),
        (EVENING, "al final no necesitamos taxi", vec![TABLE.to_owned()]),
        (BOOK, "and get us a ride there", vec![TABLE.to_owned(), RIDE.to_owned()]),
        ("Book a table for 4 at Luigi's tomorrow", "at seven", vec![TABLE.to_owned()]),
        ("Book a table at Luigi's tomorrow at 7pm", "four", vec![TABLE.to_owned()]),
        ("Book a table for 4 tomorrow at 7pm", "Luigi's", vec![TABLE.to_owned()]),
        (BOOK, "What's the weather in Rome?", vec!["get_weather_data date=2026-11-23, place=Rome".to_owned()]),
    ] {
        assert_eq!(shown(&read_in(message, &[earlier], &context())), expected, "{earlier} … {message}");
    }
}

#[test]
fn a_change_is_understood_however_it_is_led_to() {
    let one = |text: &str| vec![text.to_owned()];
    let later = |text: &str| one(&TABLE.replace("19:00", text));
    let paid = |payee: &str, amount: u32| {
        vec![
            format!("authorise_payment amount_minor={amount}, currency=EUR, payee={payee}"),
            "capture_payment payment_id=$pay.payment_id".to_owned(),
        ]
    };
    let ordered = |items: &str| one(&format!("dispatch_delivery address=home, items=[{items}], vendor=Luigi's"));
    for (earlier, message, expected) in [
        (BOOK, "oh and put it under Whitfield", one(&TABLE.replace("Ada", "Whitfield"))),
        (BOOK, "can we push it back an hour?", later("20:00")),
        (BOOK, "eine halbe Stunde früher bitte", later("18:30")),
        (BOOK, "una hora más tarde", later("20:00")),
        (BOOK, "earlier, 6:30", later("18:30")),
        (BOOK, "one more person is coming", one(&TABLE.replace("=4", "=5"))),
        (BOOK, "it's for three", one(&TABLE.replace("=4", "=3"))),
        (BOOK, "same time but at Sakura", one(&TABLE.replace("Luigi's", "Sakura"))),
        (BOOK, "Ben can't come, so we're only three", one(&TABLE.replace("=4", "=3"))),
        (BOOK, "cámbialo a Sakura", one(&TABLE.replace("Luigi's", "Sakura"))),
        (EVENING, "I'd rather walk, cancel the taxi", one(TABLE)),
        (EVENING, "the table can stay but drop the taxi", one(TABLE)),
        (EVENING, "skip the taxi, we'll walk", one(TABLE)),
        (EVENING, "Das Taxi brauchen wir doch nicht", one(TABLE)),
        (EVENING, "das Taxi kannst du weglassen", one(TABLE)),
        (
            "Get me a taxi to the airport tomorrow at 7am",
            "make it 6:30",
            one("request_ride date=2026-11-24, destination=the airport, passengers=1, pickup=home, time=06:30"),
        ),
        (
            "Get me a taxi to the airport tomorrow at 7am",
            "change the pickup to the library",
            one("request_ride date=2026-11-24, destination=the airport, passengers=1, pickup=the library, time=07:00"),
        ),
        ("Pay Anna 20 euros", "no, 30", paid("Anna", 3000)),
        ("Pay Anna 20 euros", "sorry, Ben not Anna", paid("Ben", 2000)),
        ("Order a pizza from Luigi's to home", "make it two pizzas", ordered(r#"{"name":"pizzas","quantity":2}"#)),
        (
            "Order a pizza from Luigi's to home",
            "and a cola",
            ordered(r#"{"name":"pizza","quantity":1},{"name":"cola","quantity":1}"#),
        ),
    ] {
        assert_eq!(shown(&read_in(message, &[earlier], &context())), expected, "{earlier} … {message}");
    }
}

#[test]
fn a_change_that_is_not_wholly_understood_changes_nothing() {
    for message in [
        "make it six if Bob comes",
        "make it around six",
        "at 8 or 9",
        "maybe on Friday",
        "make it quieter",
        "we have two kids",
        "up to six",
        "it's 8",
        "a bit later",
    ] {
        let reading = read_in(message, &[BOOK], &context());
        assert!(!matches!(reading, Reading::Plan { .. }), "{message}: {reading:#?}");
    }
    for message in [
        "forget it",
        "never mind",
        "vergiss es",
        "olvídalo",
        "bah, olvídalo",
        "ach, vergiss es einfach",
        "you know what, forget the whole thing",
        "no wait, don't",
        "mejor no, déjalo",
    ] {
        assert!(matches!(read_in(message, &[BOOK], &context()), Reading::Refused { .. }), "{message}");
    }
    // What was given up is not taken up again.
    let reading = read_in("make it six", &[BOOK, "forget it"], &context());
    assert!(!matches!(reading, Reading::Plan { .. }), "{reading:#?}");
}

/// These were carried out once: `don't, drop that` was taken for what is not to be dropped.
#[test]
fn what_is_taken_back_in_the_same_breath_is_not_done() {
    for message in [
        "Send Ben 20 euros. No, actually don't, drop that.",
        "Schick Ben 20 Euro. Nein, doch nicht, lass das.",
        "Schick Ben 20 Euro, nein, lass es.",
        "Manda 50 euros a Diego. No, déjalo, no le mandes nada.",
        "Pay Ben 20 euros. No, leave it, don't send anything.",
        "Schick Ben 20 Euro. Ach nein, doch nicht, lass es sein.",
    ] {
        let reading = read(message, &context());
        assert!(matches!(reading, Reading::Ask { .. } | Reading::Refused { .. }), "{message}: {reading:#?}");
    }
}

#[test]
fn german_and_spanish_are_read_as_they_are_spoken() {
    let ride = "request_ride date=2026-11-24, destination=museo, passengers=2, pickup=home, time=09:00";
    for (message, expected) in [
        ("Mach uns mal einen Tisch klar bei Luigi's, morgen um 19 Uhr, wir sind zu viert", TABLE),
        ("¿Me coges mesa en Luigi's para mañana a las siete de la tarde? Seríamos cuatro", TABLE),
        ("Dentro de un día quiero cenar en Luigi's a las 19:00, reserva mesa para cuatro", TABLE),
        ("Necesitamos un taxi al museo mañana a las 9:00, somos dos", ride),
        (
            "Reserva Casa Pepe para cuatro mañana a las 19:00 a nombre de Robles",
            "book_restaurant_table date=2026-11-24, name=Robles, party_size=4, restaurant=Casa Pepe, time=19:00",
        ),
        ("Gib bitte Lee Bescheid, dass ich nicht komme", "send_message text=ich nicht komme, to=Lee"),
        ("Lass Lee wissen, dass ich komme", "send_message text=ich komme, to=Lee"),
        (
            "Erinnere mich morgen um 18 Uhr daran, Ben 50 Euro zu überweisen",
            "add_calendar_event date=2026-11-24, duration_minutes=15, time=18:00, title=Ben 50 Euro zu überweisen",
        ),
        (
            "Pon \"yoga\" en mi calendario mañana de 9:00 a 10:15",
            "add_calendar_event date=2026-11-24, duration_minutes=75, time=09:00, title=yoga",
        ),
        ("Wirds morgen in Kiel regnen?", "get_weather_data date=2026-11-24, place=Kiel"),
        ("Brauche ich morgen in Kiel einen Regenschirm?", "get_weather_data date=2026-11-24, place=Kiel"),
        ("¿Cuántos grados hará mañana en Sevilla?", "get_weather_data date=2026-11-24, place=Sevilla"),
        (
            "Pide una docena de churros de Bakers a casa. Mil gracias",
            r#"dispatch_delivery address=home, items=[{"name":"churros","quantity":12}], vendor=Bakers"#,
        ),
    ] {
        assert_eq!(shown(&read(message, &context())), [expected], "{message}");
    }
    for message in [
        "Auf gar keinen Fall Bob bezahlen!",
        "Ni se te ocurra reservar en Luigi's",
        "De ninguna manera le pagues a Bob",
    ] {
        assert!(matches!(read(message, &context()), Reading::Refused { .. }), "{message}");
    }
    for message in [
        "Tom meint, er braucht morgen um 8 ein Taxi",
        "Nuria quiere que le mande 30 euros",
        "Igual necesitamos un taxi",
    ] {
        assert!(matches!(read(message, &context()), Reading::Ask { .. }), "{message}");
    }
}

#[test]
fn how_many_come_now_is_not_when_they_come() {
    let three = TABLE.replace("party_size=4", "party_size=3");
    for message in ["make it now only 3", "we are now 3", "wir sind jetzt doch nur zu dritt"] {
        assert_eq!(shown(&read_in(message, &[BOOK], &context())), [three.as_str()], "{message}");
    }
    let at_eight = TABLE.replace("19:00", "20:00");
    assert_eq!(shown(&read_in("now 8pm please", &[BOOK], &context())), [at_eight]);
}

#[test]
fn a_text_that_is_told_later_is_told_without_the_word_that_leads_to_it() {
    let reading = read_in("que llego tarde", &["Manda un mensaje a Pablo"], &context());
    assert_eq!(shown(&reading), ["send_message text=llego tarde, to=Pablo"]);
}

#[test]
fn a_question_is_no_place() {
    for message in ["how warm will it be on saturday?", "how cold does it get tomorrow?"] {
        let reading = read(message, &context());
        assert!(!matches!(reading, Reading::Plan { .. }), "{message}: {reading:#?}");
    }
}

#[test]
fn a_number_that_could_be_the_hour_or_the_people_is_asked_about() {
    let reading = read_in("seven", &["Book a table at Luigi's tomorrow"], &context());
    assert!(matches!(&reading, Reading::Ask { question, .. } if question.contains("the hour")), "{reading:#?}");
}

#[test]
fn a_message_may_correct_itself() {
    let message = format!("{BOOK}. Actually, make it six.");
    assert_eq!(shown(&read(&message, &context())), [TABLE.replace("=4", "=6")]);
}

#[test]
fn any_conversation_has_a_reading() {
    let pieces = [
        "reserviere",
        "einen",
        "tisch",
        "für",
        "vier",
        "halb",
        "acht",
        "viertel",
        "vor",
        "nach",
        "um",
        "19",
        "uhr",
        "am",
        "24.",
        "dezember",
        "überweise",
        "25",
        "euro",
        "1.250,75",
        "dass",
        "nicht",
        "kein",
        "mach",
        "draus",
        "reserva",
        "una",
        "mesa",
        "a",
        "las",
        "la",
        "una",
        "y",
        "media",
        "menos",
        "cuarto",
        "de",
        "tarde",
        "mil",
        "treinta",
        "cinco",
        "¿",
        "que",
        "viene",
        "viernes",
        "no",
        "olvida",
        "make",
        "it",
        "six",
        "instead",
        "of",
        "forget",
        "the",
        "ride",
        "to",
        "from",
        ",",
        ".",
        "?",
        "\"",
        "und",
        "zu",
        "kannst",
        "du",
        "buchen",
        "99999999999",
        "ß",
        "İ",
        "🍕",
        "'",
    ];
    let mut state = 7_u32;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % limit
    };
    for _ in 0..3000 {
        let mut said =
            |most: usize| -> String { (0..next(most)).map(|_| format!("{} ", pieces[next(pieces.len())])).collect() };
        let (first, second, message) = (said(16), said(8), said(16));
        let _ = read_in(&message, &[&first, &second, BOOK], &context());
        let _ = read_in(&message, &[EVENING], &context());
    }
}

#[test]
fn a_long_message_is_read_in_every_language() {
    for piece in ["und ", "nicht ", "reservieren ", "halb ", "y ", "treinta y ", "a las ", "xyzvw ", "tischx ", "24. "]
    {
        let message: String = piece.chars().cycle().take(super::MAX_CHARACTERS - 30).collect();
        let _ = read_in(&format!("ich möchte bitte {message}"), &[BOOK], &context());
        let _ = read_in(&format!("quiero por favor {message}"), &[BOOK], &context());
    }
}

#[test]
fn a_question_is_in_the_language_of_the_message_or_of_the_conversation() {
    let asked = |message: &str, earlier: &[&str]| {
        let reading = read_in(message, earlier, &context());
        let Reading::Ask { question, .. } = reading else {
            panic!("{message}: {reading:#?}");
        };
        question
    };
    let german = "Gern, mir fehlt nur noch etwas. Der Tisch bei Luigi's: an welchem Tag und um wie viel Uhr?";
    assert_eq!(asked("Reserviere einen Tisch für 4 bei Luigi's", &[]), german);
    let spanish = "Con gusto; solo me falta saber algo más. La mesa en Luigi's: ¿qué día y a qué hora?";
    assert_eq!(asked("Reserva una mesa para 4 en Luigi's", &[]), spanish);
    let hour = asked("6", &["Reserviere einen Tisch bei Luigi's morgen"]);
    assert_eq!(hour, "Ist 6 die Uhrzeit, oder kommen so viele?");
}
