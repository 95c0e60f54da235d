//! The command table: name, arity as Redis counts it (the name included, a
//! negative number is a minimum), handler.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;

use super::{
    Outcome, effects, fault::Fault, hashes, hub, keys, lists, lua, sets, store::Store, streams, strings, zsets,
};
use crate::redis::{access, refused};

pub type Handler = fn(&mut Store, &[Bytes]) -> Outcome;

static TABLE: LazyLock<HashMap<&'static str, (i32, Handler)>> = LazyLock::new(|| {
    let all = [
        strings::COMMANDS,
        keys::COMMANDS,
        hashes::COMMANDS,
        lists::COMMANDS,
        sets::COMMANDS,
        zsets::COMMANDS,
        streams::COMMANDS,
        lua::COMMANDS,
        hub::COMMANDS,
    ];
    let rows = all.into_iter().flatten();
    rows.map(|(name, arity, handler)| (*name, (*arity, *handler))).collect()
});

/// One row of the table.
pub type Row = (&'static str, i32, Handler);

/// The commands that consist of others, which have an arity each.
const CONTAINERS: &[(&str, &[Part])] =
    &[("XGROUP", streams::GROUP_PARTS), ("XINFO", streams::INFO_PARTS), ("SCRIPT", lua::SCRIPT_PARTS)];

/// The second word of a container, and how many words there are with it.
pub type Part = (&'static str, i32);

/// Why there is no handler for a command.
enum Unfit {
    Unknown,
    UnknownPart,
    /// Of what is named so.
    Arity(String),
}

fn look_up(name: &str, command: &[Bytes]) -> Result<Handler, Unfit> {
    let (arity, handler) = TABLE.get(name).ok_or(Unfit::Unknown)?;
    if !fits(command, *arity) {
        return Err(Unfit::Arity(name.to_owned()));
    }
    let container = CONTAINERS.iter().find(|(container, _)| *container == name);
    if let Some((_, parts)) = container {
        let part = name_of(&command[1]);
        let (_, arity) = parts.iter().find(|(name, _)| *name == part).ok_or(Unfit::UnknownPart)?;
        if !fits(command, *arity) {
            return Err(Unfit::Arity(format!("{name}|{part}")));
        }
    }
    Ok(*handler)
}

fn fits(command: &[Bytes], arity: i32) -> bool {
    let words = i32::try_from(command.len()).unwrap_or(i32::MAX);
    words == arity || (arity < 0 && words >= -arity)
}

fn name_of(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

/// The handler of a well-formed command.
pub fn resolve(command: &[Bytes]) -> Result<Handler, Fault> {
    let Some((given, arguments)) = command.split_first() else {
        return Err(Fault::new("ERR empty command"));
    };
    let name = name_of(given);
    look_up(&name, command).map_err(|unfit| match unfit {
        Unfit::Unknown => unknown(&name, given, arguments),
        Unfit::UnknownPart => {
            let given = String::from_utf8_lossy(&command[1]);
            format!("ERR unknown subcommand '{given}'. Try {name} HELP.").into()
        }
        Unfit::Arity(name) => Fault::arity(&name),
    })
}

/// Executes a command that is not empty for a script, which is refused in
/// other words.
pub fn from_script(store: &mut Store, command: &[Bytes], read_only: bool) -> Outcome {
    let name = name_of(&command[0]);
    let not_for_scripts = lua::COMMANDS.iter().any(|(own, ..)| *own == name) || refused::is_stateful(&name);
    let handler = look_up(&name, command).map_err(|unfit| match unfit {
        Unfit::Unknown if not_for_scripts => NOT_FOR_SCRIPTS,
        Unfit::Unknown | Unfit::UnknownPart => Fault::new("ERR Unknown Redis command called from script"),
        Unfit::Arity(_) => Fault::new("ERR Wrong number of args calling Redis command from script"),
    })?;
    if not_for_scripts {
        return Err(NOT_FOR_SCRIPTS);
    }
    if read_only && access::writes(&name) {
        return Err(Fault::new("ERR Write commands are not allowed from read-only scripts."));
    }
    if store.effects.is_full() && access::writes(&name) {
        return Err(TOO_MUCH);
    }
    store.expire_due();
    store.hub.observe(store.now(), "lua", command);
    effects::run(store, handler, command)
}

/// What the script has changed by then stays, as with every error of a script.
const TOO_MUCH: Fault = Fault::new("OOM a script of this emulator writes 256 MB at most; write less in one run");
const NOT_FOR_SCRIPTS: Fault = Fault::new("ERR This Redis command is not allowed from script");

fn unknown(name: &str, given: &[u8], arguments: &[Bytes]) -> Fault {
    if ["FCALL", "FCALL_RO", "FUNCTION"].contains(&name) {
        return format!("ERR {name} is not offered by the embedded engine: use EVAL").into();
    }
    let mut shown = String::new();
    for argument in arguments {
        if shown.len() >= 128 {
            break;
        }
        let room = 128 - shown.len();
        let text = String::from_utf8_lossy(&argument[..argument.len().min(room)]);
        shown.push_str(&format!("'{text}' "));
    }
    let given = String::from_utf8_lossy(&given[..given.len().min(128)]);
    format!("ERR unknown command '{given}', with args beginning with: {shown}").into()
}
