//! One run of one script: a fresh Lua state with Redis's globals and nothing
//! that reaches outside, bounded in time and memory. Only a search for a
//! contrived string pattern cannot be interrupted.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use mlua::{
    ChunkMode, Error, Function, HookTriggers, Lua, LuaOptions, MultiValue, Result, StdLib, Table, Value, VmState,
};

use super::{Outcome, Reply, Script, bit, cjson, convert, digest, fault_of, raised, raised::Raised};
use crate::redis::engine::{fault::Fault, store::Store, table};

const TIME: Duration = Duration::from_secs(5);
const MEMORY: usize = 128 << 20;
const INSTRUCTIONS: u32 = 1000;

const SCRIPT: &str = "@user_script";
const OWN: &str = "=redis";
const PRELUDE: &str = include_str!("prelude.lua");

/// Whether Lua can read it; the text is Redis's if not.
pub fn compiles(code: &[u8]) -> std::result::Result<(), Fault> {
    compile(&Lua::new(), code).map(|_| ()).map_err(|error| uncompiled(&error))
}

/// What is known of a run that failed.
type Failure = RefCell<Option<String>>;

pub fn run(store: &mut Store, script: &Script<'_>) -> Outcome {
    let failure = Failure::default();
    match attempt(store, script, &failure) {
        Ok(reply) => Ok(reply),
        Err(error) => Err(match failure.take() {
            Some(text) => text,
            None => fault_of(&raised::read_error(&error), script, None),
        }
        .into()),
    }
}

fn attempt(store: &mut Store, script: &Script<'_>, failure: &Failure) -> Result<Reply> {
    let lua = Lua::new_with(StdLib::TABLE | StdLib::STRING | StdLib::MATH, LuaOptions::new())?;
    lua.set_memory_limit(MEMORY)?;
    let globals = lua.create_table()?;
    let protected = prelude(&lua, &globals)?;
    globals.raw_set("bit", bit::library(&lua)?)?;
    globals.raw_set("cjson", cjson::library(&lua)?)?;
    let redis = redis(&lua)?;
    globals.raw_set("redis", &redis)?;
    for (name, words) in [("KEYS", script.keys), ("ARGV", script.arguments)] {
        let words = words.iter().map(|word| lua.create_string(word)).collect::<Result<Vec<_>>>()?;
        globals.raw_set(name, lua.create_sequence_from(words)?)?;
    }
    let store = RefCell::new(store);
    lua.scope(|scope| {
        let perform = |words: &MultiValue| perform(&mut store.borrow_mut(), words, script.read_only);
        redis.raw_set(
            "call",
            scope.create_function(move |lua, words: MultiValue| match perform(&words) {
                Reply::Error(text) => Err(raised::table(text)),
                reply @ (Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_)) => {
                    convert::to_lua(lua, reply)
                }
            })?,
        )?;
        redis.raw_set(
            "pcall",
            scope.create_function(move |lua, words: MultiValue| convert::to_lua(lua, perform(&words)))?,
        )?;
        lock(&lua, &globals)?;
        let body = compile(&lua, script.code)?;
        let on_error = scope.create_function(|lua, error: Value| {
            *failure.borrow_mut() = Some(fault_of(&raised::read(&error), script, place(lua)));
            Ok(())
        })?;
        bound(&lua)?;
        let (ok, result): (bool, Value) = protected.call((body, on_error))?;
        match ok {
            true => convert::to_reply(&result),
            false => Err(Error::external(raised::read(&result))),
        }
    })
}

fn compile(lua: &Lua, code: &[u8]) -> Result<Function> {
    lua.load(code).set_name(SCRIPT).set_mode(ChunkMode::Text).into_function()
}

fn uncompiled(error: &Error) -> Fault {
    let text = syntax_text(error);
    format!("ERR Error compiling script (new function): {text}").into()
}

fn syntax_text(error: &Error) -> String {
    if let Error::SyntaxError { message, .. } = error { message.clone() } else { error.to_string() }
}

/// Runs the prelude; gives Lua's own `xpcall`.
fn prelude(lua: &Lua, globals: &Table) -> Result<Function> {
    let plain = lua.create_function(|lua, (error, rest): (Value, MultiValue)| {
        if error.is_error() {
            return Ok((Value::String(lua.create_string(raised::read(&error).to_string())?), rest));
        }
        let text = error.as_table().map(|table| table.raw_get::<Value>("err")).transpose()?;
        Ok((text.filter(Value::is_string).unwrap_or(error), rest))
    })?;
    let tabular = lua.create_function(|lua, error: Value| {
        if !error.is_error() {
            return Ok(error);
        }
        match raised::read(&error) {
            Raised::Table(text) => Ok(Value::Table(convert::single(lua, "err", &text)?)),
            Raised::Text(text) => Ok(Value::String(lua.create_string(text)?)),
        }
    })?;
    let protected = lua.load(PRELUDE).set_name(OWN).call((globals, plain, tabular))?;
    globals.raw_set(
        "loadstring",
        lua.create_function(|lua, (text, name): (mlua::String, Option<mlua::String>)| {
            let name = name.map_or_else(|| text.to_string_lossy(), |name| name.to_string_lossy());
            let loaded = lua.load(&*text.as_bytes()).set_name(name).set_mode(ChunkMode::Text).into_function();
            Ok(match loaded {
                Ok(function) => (Some(function), None),
                Err(error) => (None, Some(syntax_text(&error))),
            })
        })?,
    )?;
    Ok(protected)
}

/// The library `redis`, save `call` and `pcall`.
fn redis(lua: &Lua) -> Result<Table> {
    let redis = lua.create_table()?;
    for (name, value) in [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)] {
        redis.raw_set(name, value)?;
    }
    for (name, value) in [("REPL_NONE", 0), ("REPL_AOF", 1), ("REPL_SLAVE", 2), ("REPL_REPLICA", 2), ("REPL_ALL", 3)] {
        redis.raw_set(name, value)?;
    }
    let reply = |field: &'static str| {
        lua.create_function(move |lua, words: MultiValue| {
            let Some(Value::String(text)) = words.front().filter(|_| words.len() == 1) else {
                return convert::single(lua, "err", "ERR wrong number or type of arguments");
            };
            let text = text.to_string_lossy();
            convert::single(lua, field, &if field == "err" { error_text(&text) } else { text })
        })
    };
    redis.raw_set("error_reply", reply("err")?)?;
    redis.raw_set("status_reply", reply("ok")?)?;
    redis.raw_set(
        "sha1hex",
        lua.create_function(|_, words: MultiValue| {
            let text = words.front().filter(|_| words.len() == 1);
            let text = text.ok_or_else(|| raised::table("ERR wrong number of arguments"))?;
            Ok(digest(&convert::to_argument(text).unwrap_or_default()))
        })?,
    )?;
    redis.raw_set(
        "log",
        lua.create_function(|_, words: MultiValue| match words.front() {
            Some(level) if words.len() > 1 && convert::number(level).is_none() => {
                Err(raised::table("ERR First argument must be a number (log level)."))
            }
            Some(_) if words.len() > 1 => Ok(()),
            Some(_) | None => Err(raised::table("ERR redis.log() requires two arguments or more.")),
        })?,
    )?;
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    redis.raw_set("set_repl", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    redis.raw_set(
        "setresp",
        lua.create_function(|_, version: f64| match version {
            2.0 => Ok(()),
            3.0 => Err(raised::table("ERR RESP3 is not offered in scripts.")),
            _ => Err(raised::table("ERR RESP version must be 2 or 3.")),
        })?,
    )?;
    Ok(redis)
}

/// A text of one word is given a code; a leading minus does not count.
fn error_text(text: &str) -> String {
    let text = text.strip_prefix('-').unwrap_or(text);
    if text.contains(' ') { text.to_owned() } else { format!("ERR {text}") }
}

/// Puts an empty table before the globals, that refuses to be written.
fn lock(lua: &Lua, globals: &Table) -> Result<()> {
    let refuse = lua.create_function(|lua, _: MultiValue| -> Result<()> {
        Err(raised::text(lua, "Attempt to modify a readonly table"))
    })?;
    let real = globals.clone();
    let look_up = lua.create_function(move |lua, (_, name): (Value, Value)| {
        let value: Value = real.raw_get(&name)?;
        if value.is_nil() {
            let name = name.to_string()?;
            let text = format!("Script attempted to access nonexistent global variable '{name}'");
            return Err(raised::text(lua, &text));
        }
        Ok(value)
    })?;
    for library in ["bit", "cjson", "coroutine", "math", "redis", "string", "table"] {
        let guard = lua.create_table()?;
        guard.raw_set("__newindex", &refuse)?;
        globals.raw_get::<Table>(library)?.set_metatable(Some(guard))?;
    }
    let (front, guard) = (lua.create_table()?, lua.create_table()?);
    guard.raw_set("__index", look_up)?;
    guard.raw_set("__newindex", refuse)?;
    guard.raw_set("__metatable", false)?;
    front.set_metatable(Some(guard))?;
    globals.raw_set("_G", &front)?;
    lua.set_globals(front)
}

/// Ends the script when its time is up.
fn bound(lua: &Lua) -> Result<()> {
    let end = Instant::now() + TIME;
    let over = || raised::table("ERR Script killed: it ran for longer than 5 seconds.");
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(INSTRUCTIONS), move |lua, _| {
        if Instant::now() < end {
            return Ok(VmState::Continue);
        }
        // From now on always, lest the script catch the error and go on.
        lua.set_global_hook(HookTriggers::new().every_nth_instruction(1), move |_, _| Err(over()))?;
        Err(over())
    })
}

/// Where the script was: its chunk and the line.
fn place(lua: &Lua) -> Option<(String, usize)> {
    for level in 0.. {
        let frame = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let name = source.source.map(std::borrow::Cow::into_owned).filter(|name| name != OWN);
            name.filter(|_| matches!(source.what, "Lua" | "main")).zip(frame.current_line())
        });
        match frame {
            Some(None) => {}
            Some(found) => return found,
            None => break,
        }
    }
    None
}

/// Executes what a script asks for.
fn perform(store: &mut Store, words: &MultiValue, read_only: bool) -> Reply {
    let error = |text: &str| Reply::Error(text.to_owned());
    if words.is_empty() {
        return error("ERR Please specify at least one argument for this redis lib call");
    }
    let Some(command) = words.iter().map(convert::to_argument).collect::<Option<Vec<_>>>() else {
        return error("ERR Lua redis lib command arguments must be strings or integers");
    };
    table::from_script(store, &command, read_only).unwrap_or_else(|fault| Reply::Error(fault.text().to_owned()))
}
