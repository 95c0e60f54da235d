//! `makegood chat`: a conversation with a running installation, in the terminal. It speaks HTTP like any other
//! client, and decides nothing.

pub mod events;

use std::cell::RefCell;
use std::io::{self, BufRead, IsTerminal};
use std::pin::pin;

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::Asking;
use crate::saga::client::Installation;
use crate::saga::figures::{LONGEST, line};
use events::Event;

#[derive(Debug, Args)]
pub struct Chat {
    /// What you want done; without it, lines are read until the input ends
    #[arg(value_name = "MESSAGE")]
    pub message: Vec<String>,
    #[command(flatten)]
    pub asking: Asking,
    /// The conversation that it goes on with [default: a new one]
    #[arg(long, value_name = "ID")]
    pub conversation: Option<String>,
    /// Where you are: `Europe/Berlin`, `+02:00` [default: TZ, where it names a zone; else Greenwich]
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// The language of the answers: `en`, `de`, `es`
    #[arg(long, value_name = "LOCALE")]
    pub locale: Option<String>,
    /// Prints every event as it comes, a line of JSON each
    #[arg(long)]
    pub json: bool,
}

/// Says the message, or what is typed, and prints what comes of it.
pub async fn run(chat: &Chat) -> anyhow::Result<()> {
    let installation = chat.asking.installation()?;
    let talk = Talk { chat, installation, conversation: RefCell::new(chat.conversation.clone().map(Value::from)) };
    if !chat.message.is_empty() {
        return talk.say(&chat.message.join(" ")).await;
    }
    let asks = io::stdin().is_terminal();
    let mut lines = lines(asks);
    let mut next = lines.recv().await;
    while let Some(line) = next.take() {
        let mut said = pin!(talk.say(&line));
        let said = tokio::select! {
            said = &mut said => said,
            // Who types more has seen enough: the saga goes on by itself. What is said next needs the conversation.
            more = lines.recv(), if asks => {
                next = more;
                if talk.conversation.borrow().is_some() { Ok(()) } else { said.await }
            }
        };
        match said {
            // Who sits there can say it again.
            Err(error) if asks => eprintln!("makegood: {error:#}"),
            said => said?,
        }
        if next.is_none() {
            next = lines.recv().await;
        }
    }
    Ok(())
}

/// What is typed, line by line, until the input ends.
fn lines(asks: bool) -> UnboundedReceiver<String> {
    let (sender, lines) = unbounded_channel();
    // It may block for as long as nobody types, also when all else is over.
    std::thread::spawn(move || {
        if asks {
            println!("Say what you want done; Ctrl-D ends.");
        }
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let line = line.trim().to_owned();
            if !line.is_empty() && sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

struct Talk<'a> {
    chat: &'a Chat,
    installation: Installation,
    conversation: RefCell<Option<Value>>,
}

impl Talk<'_> {
    async fn say(&self, message: &str) -> anyhow::Result<()> {
        let mut body = json!({"message": message});
        let zone = self.chat.time_zone.clone().or_else(zone_of_terminal);
        for (name, value) in [
            ("conversation", self.conversation.borrow().clone()),
            ("time_zone", zone.map(Value::from)),
            ("locale", self.chat.locale.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        let json = self.chat.json;
        let follow = self.installation.follow("/api/chat", &body, |event| {
            if let Some(conversation) = event.data.get("conversation") {
                self.conversation.replace(Some(conversation.clone()));
            }
            if json {
                println!("{}", json!({"event": event.name, "data": event.data}));
            } else {
                told(&event).iter().for_each(|told| println!("{told}"));
            }
        });
        follow.await
    }
}

/// The zone that the environment names, where it names one as the IANA does.
fn zone_of_terminal() -> Option<String> {
    std::env::var("TZ").ok().filter(|zone| zone.contains('/') && !zone.starts_with([':', '/']))
}

/// An event as people read it; what partners and users wrote cannot steer the terminal.
fn told(event: &Event) -> Vec<String> {
    let text = |name: &str| event.data[name].as_str().map(|text| line(text, 20 * LONGEST));
    let ids = |name: &str| {
        let steps = event.data[name].as_array().into_iter().flatten();
        let ids = steps.filter_map(|step| step.as_str().or_else(|| step["step"].as_str()));
        ids.map(|id| line(id, LONGEST)).collect::<Vec<_>>().join(", ")
    };
    match event.name.as_str() {
        "answer" => text("say").into_iter().collect(),
        "saga" => vec![format!("{} ({})", text("title").unwrap_or_default(), text("saga").unwrap_or_default())],
        "step" => {
            let detail = text("detail").map(|detail| format!(": {detail}")).unwrap_or_default();
            vec![format!("  {} {}{detail}", text("step").unwrap_or_default(), text("standing").unwrap_or_default())]
        }
        "end" => {
            let mut lines = vec![text("phase").unwrap_or_default().replace('_', " ")];
            lines.extend(text("cause").map(|cause| format!("  because: {cause}")));
            lines.extend(Some(ids("undone")).filter(|ids| !ids.is_empty()).map(|ids| format!("  undone: {ids}")));
            lines.extend(Some(ids("left")).filter(|ids| !ids.is_empty()).map(|ids| format!("  left: {ids}")));
            lines
        }
        "pause" => {
            let saga = text("saga").unwrap_or_default();
            vec![format!("  … it goes on; `makegood saga show {saga}` tells how it stands.")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, data: Value) -> Vec<String> {
        told(&Event { name: name.to_owned(), data })
    }

    #[test]
    fn every_event_is_told_and_none_steers_the_terminal() {
        assert_eq!(of("answer", json!({"say": "How many\u{1b}[2J?"})), ["How many [2J?"]);
        assert_eq!(of("saga", json!({"saga": "sg_1", "title": "A table."})), ["A table. (sg_1)"]);
        assert_eq!(of("step", json!({"step": "table", "standing": "done", "detail": null})), ["  table done"]);
        let end = json!({"phase": "made_good", "cause": "It was refused.", "undone": ["ride", "table"], "left": []});
        assert_eq!(of("end", end), ["made good", "  because: It was refused.", "  undone: ride, table"]);
        assert_eq!(of("end", json!({"phase": "stuck", "left": [{"step": "table"}]})), ["stuck", "  left: table"]);
        assert_eq!(of("pause", json!({"saga": "sg_1"})).len(), 1);
        assert!(of("later", json!({})).is_empty());
    }
}
