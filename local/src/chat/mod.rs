//! `makegood chat`: a conversation with a running installation, in the terminal. It speaks HTTP like any other
//! client, and decides nothing.

pub mod events;

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::{Value, json};

use crate::cli::Chat;
use crate::saga::client::Installation;
use crate::saga::figures::{LONGEST, line};
use events::Event;

/// Says the message, or what is typed, and prints what comes of it.
pub async fn run(chat: &Chat) -> anyhow::Result<()> {
    let installation = Installation::new(&chat.url, chat.token.as_deref())?;
    let mut talk = Talk { chat, installation, conversation: chat.conversation.clone().map(Value::from) };
    if !chat.message.is_empty() {
        return talk.say(&chat.message.join(" ")).await;
    }
    let asks = io::stdin().is_terminal();
    loop {
        if asks {
            print!("> ");
            io::stdout().flush()?;
        }
        let mut typed = String::new();
        if io::stdin().lock().read_line(&mut typed)? == 0 {
            return Ok(());
        }
        if typed.trim().is_empty() {
            continue;
        }
        match talk.say(typed.trim()).await {
            // Who sits there can say it again.
            Err(error) if asks => eprintln!("makegood: {error:#}"),
            said => said?,
        }
    }
}

struct Talk<'a> {
    chat: &'a Chat,
    installation: Installation,
    conversation: Option<Value>,
}

impl Talk<'_> {
    async fn say(&mut self, message: &str) -> anyhow::Result<()> {
        let mut body = json!({"message": message});
        let zone = self.chat.time_zone.clone().or_else(zone_of_terminal);
        for (name, value) in [
            ("conversation", self.conversation.clone()),
            ("time_zone", zone.map(Value::from)),
            ("locale", self.chat.locale.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        let mut conversation = None;
        let json = self.chat.json;
        self.installation
            .follow("/api/chat", &body, |event| {
                conversation = event.data.get("conversation").cloned().or(conversation.take());
                if json {
                    println!("{}", json!({"event": event.name, "data": event.data}));
                } else {
                    told(&event).iter().for_each(|told| println!("{told}"));
                }
            })
            .await?;
        self.conversation = conversation.or(self.conversation.take());
        Ok(())
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
