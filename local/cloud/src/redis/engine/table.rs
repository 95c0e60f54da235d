//! The command table: name, arity as Redis counts it (the name included, a
//! negative number is a minimum), handler.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;

use super::{Outcome, fault::Fault, hashes, hub, keys, lists, lua, sets, store::Store, streams, strings, zsets};
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

/// Why there is no handler for a command.
enum Unfit {
    Unknown,
    Arity,
}

fn look_up(name: &str, words: usize) -> Result<Handler, Unfit> {
    let (arity, handler) = TABLE.get(name).ok_or(Unfit::Unknown)?;
    let words = i32::try_from(words).unwrap_or(i32::MAX);
    if words == *arity || (*arity < 0 && words >= -arity) { Ok(*handler) } else { Err(Unfit::Arity) }
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
    look_up(&name, command.len()).map_err(|unfit| match unfit {
        Unfit::Unknown => unknown(&name, given, arguments),
        Unfit::Arity => Fault::arity(&name),
    })
}

/// Executes a command that is not empty for a script, which is refused in
/// other words.
pub fn from_script(store: &mut Store, command: &[Bytes], read_only: bool) -> Outcome {
    let name = name_of(&command[0]);
    let not_for_scripts = lua::COMMANDS.iter().any(|(own, ..)| *own == name) || refused::is_stateful(&name);
    let handler = look_up(&name, command.len()).map_err(|unfit| match unfit {
        Unfit::Unknown if !not_for_scripts => Fault::new("ERR Unknown Redis command called from script"),
        Unfit::Arity => Fault::new("ERR Wrong number of args calling Redis command from script"),
        Unfit::Unknown => NOT_FOR_SCRIPTS,
    })?;
    if not_for_scripts {
        return Err(NOT_FOR_SCRIPTS);
    }
    if read_only && access::writes(&name) {
        return Err(Fault::new("ERR Write commands are not allowed from read-only scripts."));
    }
    store.hub.observe(store.now(), "lua", command);
    handler(store, &command[1..])
}

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
