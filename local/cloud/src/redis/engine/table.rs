//! The command table: name, arity as Redis counts it (the name included, a
//! negative number is a minimum), handler.

use std::{collections::HashMap, sync::LazyLock};

use bytes::Bytes;

use super::{Outcome, fault::Fault, hashes, keys, lists, sets, store::Store, strings, zsets};

pub type Handler = fn(&mut Store, &[Bytes]) -> Outcome;

static TABLE: LazyLock<HashMap<&'static str, (i32, Handler)>> = LazyLock::new(|| {
    let all = [strings::COMMANDS, keys::COMMANDS, hashes::COMMANDS, lists::COMMANDS, sets::COMMANDS, zsets::COMMANDS];
    let rows = all.into_iter().flatten();
    rows.map(|(name, arity, handler)| (*name, (*arity, *handler))).collect()
});

/// One row of the table.
pub type Row = (&'static str, i32, Handler);

/// The handler of a well-formed command.
pub fn resolve(command: &[Bytes]) -> Result<Handler, Fault> {
    let Some((given, arguments)) = command.split_first() else {
        return Err(Fault::new("ERR empty command"));
    };
    let name = String::from_utf8_lossy(given).to_ascii_uppercase();
    let Some((arity, handler)) = TABLE.get(name.as_str()) else {
        return Err(unknown(&name, given, arguments));
    };
    let words = i32::try_from(command.len()).unwrap_or(i32::MAX);
    if words == *arity || (*arity < 0 && words >= -arity) { Ok(*handler) } else { Err(Fault::arity(&name)) }
}

fn unknown(name: &str, given: &[u8], arguments: &[Bytes]) -> Fault {
    if ["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "SCRIPT", "FCALL", "FCALL_RO", "FUNCTION"].contains(&name) {
        return format!(
            "ERR {name} is not offered: the embedded engine has no Lua yet; \
             set REDIS_URL to a real Redis to run scripts"
        )
        .into();
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
