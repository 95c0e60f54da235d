//! What people ask of a saga: the request it becomes, and the sentence that tells what is so now.

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Ask, Decide};
use super::figures::{LONGEST, line};
use super::reader::Reader;
use super::view::Phase;

/// One request about one saga.
#[derive(Debug, PartialEq)]
pub struct Order<'a> {
    /// As the user gave it.
    pub saga: &'a str,
    /// The last part of the address.
    pub verb: &'static str,
    pub body: Option<Value>,
}

/// The answer to every one of them.
#[derive(Debug, Deserialize)]
pub struct Answered {
    pub saga: String,
    pub phase: Phase,
}

/// The request that a verb becomes.
pub fn order(ask: &Ask) -> Order<'_> {
    let decide = |given: &Decide| {
        let mut body = json!({"step": given.step, "note": given.note});
        if let (Some(hash), Some(body)) = (&given.hash, body.as_object_mut()) {
            body.insert("hash".to_owned(), json!(hash));
        }
        Some(body)
    };
    let (saga, verb, body) = match ask {
        Ask::Cancel(one) => (&one.saga, "cancel", None),
        Ask::Pause(one) => (&one.saga, "pause", None),
        Ask::Resume(one) => (&one.saga, "resume", None),
        Ask::Approve(given) => (&given.saga, "approve", decide(given)),
        Ask::Reject(given) => (&given.saga, "reject", decide(given)),
        Ask::Event(given) => {
            let mut body = json!({"name": given.name, "payload": given.payload});
            if let (Some(key), Some(body)) = (&given.key, body.as_object_mut()) {
                body.insert("key".to_owned(), json!(key));
            }
            (&given.saga, "events", Some(body))
        }
        Ask::Retry(given) => (&given.saga, "retry", given.step.as_ref().map(|step| json!({"step": step}))),
        Ask::Resolve(given) => {
            let output = given.output.clone().unwrap_or_default();
            let body = json!({"step": given.step, "done": given.done, "output": output, "note": given.note});
            (&given.saga, "resolve", Some(body))
        }
        Ask::Replan(given) => {
            let mut body = json!({"plan": given.plan, "note": given.note});
            if let (Some(replaces), Some(body)) = (given.replaces, body.as_object_mut()) {
                body.insert("replaces".to_owned(), json!(replaces));
            }
            (&given.saga, "replan", Some(body))
        }
    };
    Order { saga, verb, body }
}

/// What is so now, in one sentence.
pub fn sentence(ask: &Ask, answered: &Answered, reader: &Reader) -> String {
    let saga = line(&answered.saga, LONGEST);
    let forward = answered.phase == Phase::Forward;
    let said = match ask {
        Ask::Cancel(_) if forward => {
            return format!("{saga} is carried out all the same: its point of no return is behind it, or may be.");
        }
        Ask::Cancel(_) if answered.phase == Phase::Completed => {
            return format!("{saga} is completed: it was too late to cancel it.");
        }
        Ask::Pause(_) if forward => {
            let resume = reader.command(&format!("resume {saga}"));
            return format!("{saga} is paused: nothing new is started until `{resume}`.");
        }
        Ask::Resume(_) if forward => return format!("{saga} goes on."),
        Ask::Cancel(_) | Ask::Pause(_) | Ask::Resume(_) => String::new(),
        Ask::Approve(given) => format!("Your yes to `{}` counts: ", line(&given.step, LONGEST)),
        Ask::Reject(given) => format!("Your no to `{}` counts: ", line(&given.step, LONGEST)),
        Ask::Event(given) => format!("`{}` has come: ", line(&given.name, LONGEST)),
        Ask::Retry(given) => match &given.step {
            Some(step) => format!("`{}` was taken up again: ", line(step, LONGEST)),
            None => "What was held was taken up again: ".to_owned(),
        },
        Ask::Resolve(given) => {
            let word = if given.done { "is done" } else { "is not done" };
            format!("`{}` {word}, on your word: ", line(&given.step, LONGEST))
        }
        Ask::Replan(_) if forward => {
            let resume = reader.command(&format!("resume {saga}"));
            return format!("{saga} has the other plan now. If it is paused, it goes on after `{resume}`.");
        }
        Ask::Replan(_) => "It has the other plan now: ".to_owned(),
    };
    let now = match answered.phase {
        Phase::Forward => "is under way".to_owned(),
        Phase::Unwinding => "is being undone".to_owned(),
        Phase::Completed => "is completed".to_owned(),
        Phase::MadeGood => "was made good, and nothing of it is left".to_owned(),
        Phase::Stuck => format!("is stuck, and `{}` tells what it needs", reader.command(&format!("explain {saga}"))),
        Phase::Other => "is in a state that this version of the command does not know".to_owned(),
    };
    format!("{said}{saga} {now}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::saga::{Saga, SagaVerb};
    use clap::Parser;

    fn ask(line: &str) -> Ask {
        let cli = Cli::try_parse_from(["makegood", "saga"].into_iter().chain(line.split(' '))).unwrap();
        let Some(Command::Saga(Saga { verb: SagaVerb::Ask(ask), .. })) = cli.command else {
            panic!("{line} asks nothing")
        };
        ask
    }

    fn body(line: &str) -> Option<Value> {
        order(&ask(line)).body
    }

    fn told(line: &str, phase: Phase) -> String {
        sentence(&ask(line), &Answered { saga: "sg_1".to_owned(), phase }, &Reader::default())
    }

    #[test]
    fn every_verb_asks_what_the_api_takes() {
        assert_eq!(order(&ask("cancel 1")), Order { saga: "1", verb: "cancel", body: None });
        assert_eq!(body("pause 1"), None);
        assert_eq!(body("retry 1"), None);
        assert_eq!(body("retry 1 pay"), Some(json!({"step": "pay"})));
        assert_eq!(body("approve 1 pay"), Some(json!({"step": "pay", "note": ""})));
        assert_eq!(body("reject 1 pay --hash 0f --note no"), Some(json!({"step": "pay", "hash": "0f", "note": "no"})));
        assert_eq!(body("event 1 rain --payload [1]"), Some(json!({"name": "rain", "payload": [1]})));
        assert_eq!(body("event 1 paid --key inv-7"), Some(json!({"name": "paid", "payload": null, "key": "inv-7"})));
        assert_eq!(
            body("resolve 1 pay --done --output {}"),
            Some(json!({"step": "pay", "done": true, "output": {}, "note": ""}))
        );
        assert_eq!(
            body("resolve 1 pay --not-done"),
            Some(json!({"step": "pay", "done": false, "output": null, "note": ""}))
        );
    }

    #[test]
    fn the_sentence_says_what_is_so_and_not_what_was_hoped() {
        assert_eq!(
            told("cancel 1", Phase::Forward),
            "sg_1 is carried out all the same: its point of no return is behind it, or may be."
        );
        assert_eq!(told("cancel 1", Phase::Completed), "sg_1 is completed: it was too late to cancel it.");
        assert_eq!(told("cancel 1", Phase::MadeGood), "sg_1 was made good, and nothing of it is left.");
        assert_eq!(
            told("pause 1", Phase::Forward),
            "sg_1 is paused: nothing new is started until `makegood saga resume sg_1`."
        );
        assert_eq!(told("resume 1", Phase::Forward), "sg_1 goes on.");
        assert_eq!(told("resume 1", Phase::Completed), "sg_1 is completed.");
        assert_eq!(told("reject 1 pay", Phase::Unwinding), "Your no to `pay` counts: sg_1 is being undone.");
        assert_eq!(
            told("retry 1", Phase::Stuck),
            "What was held was taken up again: sg_1 is stuck, and `makegood saga explain sg_1` tells what it needs."
        );
    }

    #[test]
    fn another_plan_is_read_from_its_file() {
        let plan = json!({"summary": "Out", "steps": []});
        let file = std::env::temp_dir().join(format!("makegood-replan-{}.json", std::process::id()));
        std::fs::write(&file, plan.to_string()).unwrap();
        let line = format!("replan 1 --plan {} --note rain", file.display());
        let (asked, said) = (order(&ask(&line)).body, told(&line, Phase::Forward));
        let second = order(&ask(&format!("{line} --replaces 1"))).body;
        std::fs::remove_file(&file).unwrap();
        assert_eq!(asked, Some(json!({"plan": plan, "note": "rain"})));
        assert_eq!(second, Some(json!({"plan": plan, "note": "rain", "replaces": 1})));
        assert_eq!(said, "sg_1 has the other plan now. If it is paused, it goes on after `makegood saga resume sg_1`.");
        let missing = Cli::try_parse_from(["makegood", "saga", "replan", "1", "--plan", "/nowhere/plan.json"]);
        let told = missing.unwrap_err().to_string();
        assert!(told.contains("--plan") && told.contains("No such file"), "{told}");
    }

    #[test]
    fn a_resolution_says_which_way() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).is_ok();
        assert!(!parse("makegood saga resolve 1 pay"));
        assert!(!parse("makegood saga resolve 1 pay --done --not-done"));
        assert!(!parse("makegood saga resolve 1 pay --not-done --output {}"));
        assert!(!parse("makegood saga event 1 rain --payload {"));
    }
}
