//! Lua scripts (`eval.c`, `script_lua.c`): the commands, and the scripts that
//! are known by their digest. Each run has a Lua state of its own, so that
//! nothing passes from one script to the next but through the data.

mod bit;
mod cjson;
mod convert;
mod general;
mod raised;
mod sandbox;

use std::collections::HashMap;

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

use super::{
    Outcome, Reply,
    fault::Fault,
    number,
    store::Store,
    table::{Part, Row},
};
use crate::{redis::shebang::Shebang, text::hexadecimal};

pub const COMMANDS: &[Row] = &[
    ("EVAL", -3, |s, a| eval(s, a, false)),
    ("EVAL_RO", -3, |s, a| eval(s, a, true)),
    ("EVALSHA", -3, |s, a| evalsha(s, a, false)),
    ("EVALSHA_RO", -3, |s, a| evalsha(s, a, true)),
    ("SCRIPT", -2, script),
];

pub const SCRIPT_PARTS: &[Part] = &[("LOAD", 3), ("EXISTS", -3), ("FLUSH", -2), ("KILL", 2)];

/// Scripts by the SHA-1 of their text.
#[derive(Default)]
pub struct Scripts(HashMap<String, Bytes>);

/// One script about to run.
struct Script<'a> {
    digest: &'a str,
    code: &'a [u8],
    keys: &'a [Bytes],
    arguments: &'a [Bytes],
    read_only: bool,
}

const UNKNOWN: Fault = Fault::new("NOSCRIPT No matching script. Please use EVAL.");

fn digest(text: &[u8]) -> String {
    hexadecimal(&Sha1::digest(text))
}

fn eval(store: &mut Store, args: &[Bytes], read_only: bool) -> Outcome {
    let (keys, arguments) = split(&args[1..])?;
    let name = digest(&args[0]);
    if !store.scripts.0.contains_key(&name) {
        check(&args[0])?;
        store.scripts.0.insert(name.clone(), args[0].clone());
    }
    run(store, &args[0], &name, keys, arguments, read_only)
}

fn evalsha(store: &mut Store, args: &[Bytes], read_only: bool) -> Outcome {
    let name = String::from_utf8_lossy(&args[0]).to_ascii_lowercase();
    if name.len() != 40 {
        return Err(UNKNOWN);
    }
    let (keys, arguments) = split(&args[1..])?;
    let text = store.scripts.0.get(&name).ok_or(UNKNOWN)?.clone();
    run(store, &text, &name, keys, arguments, read_only)
}

/// The keys and the other arguments, from the number of keys on.
fn split(args: &[Bytes]) -> Result<(&[Bytes], &[Bytes]), Fault> {
    let count = number::integer(&args[0])?;
    let rest = &args[1..];
    let Ok(count) = usize::try_from(count) else {
        return Err(Fault::new("ERR Number of keys can't be negative"));
    };
    rest.split_at_checked(count).ok_or(Fault::new("ERR Number of keys can't be greater than number of args"))
}

/// Whether `text` is a script at all.
fn check(text: &[u8]) -> Result<(), Fault> {
    let shebang = Shebang::parse(text)?;
    sandbox::compiles(shebang.code)
}

fn run(store: &mut Store, text: &[u8], digest: &str, keys: &[Bytes], arguments: &[Bytes], read_only: bool) -> Outcome {
    let shebang = Shebang::parse(text)?;
    if read_only && shebang.writes == Some(true) {
        return Err(Fault::new("ERR Can not execute a script with write flag using *_ro command."));
    }
    let read_only = read_only || shebang.writes == Some(false);
    sandbox::run(store, &Script { digest, code: shebang.code, keys, arguments, read_only })
}

fn script(store: &mut Store, args: &[Bytes]) -> Outcome {
    let scripts = &mut store.scripts.0;
    match (args[0].to_ascii_uppercase().as_slice(), &args[1..]) {
        (b"LOAD", [text, ..]) => {
            let name = digest(text);
            if !scripts.contains_key(&name) {
                check(text)?;
                scripts.insert(name.clone(), text.clone());
            }
            Ok(Reply::bulk(name))
        }
        (b"EXISTS", digests) => {
            let known = |digest: &Bytes| {
                let digest = String::from_utf8_lossy(digest).to_ascii_lowercase();
                scripts.contains_key(&digest).into()
            };
            Ok(Reply::Array(digests.iter().map(known).collect()))
        }
        (b"FLUSH", how) => {
            let understood = match how {
                [] => true,
                [how] => how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async"),
                _ => false,
            };
            if !understood {
                return Err(Fault::new("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
            }
            scripts.clear();
            Ok(Reply::OK)
        }
        // `KILL` is what remains.
        _ => Err(Fault::new("NOTBUSY No scripts in execution right now.")),
    }
}

/// The text of a failed run, as Redis puts it together.
fn fault_of(raised: &raised::Raised, script: &Script<'_>, place: Option<(String, usize)>) -> String {
    let text = match raised {
        raised::Raised::Table(text) => text.clone(),
        raised::Raised::Text(text) => format!("ERR {text}"),
    };
    match place {
        Some((source, line)) => format!("{text} script: {}, on {source}:{line}.", script.digest),
        None => text,
    }
}
