//! Scripts: those that run any other command, and a list of those that show
//! what Lua can do here.

use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::Command;

/// Scripts that run the command in their arguments. What it answered stands
/// where [`ran_by`] says.
const RUNNERS: &[&str] = &[
    "return redis.call(unpack(ARGV))",
    "return redis.pcall(unpack(ARGV))",
    "#!lua\nreturn redis.call(unpack(ARGV))",
    "#!lua flags=no-writes\nreturn redis.call(unpack(ARGV))",
];

/// One that runs it between two of its own, and gives all answers in a list.
const AMID: &str = "local before = redis.call('INCR', KEYS[1]) local r = redis.pcall(unpack(ARGV)) \
                    return {r, before, redis.call('INCR', KEYS[1])}";

/// Bodies of `EVAL`, in this order and on the same data; keys are `a` and `b`,
/// arguments `1`, `x` and `2.5`.
pub const SCRIPTS: &[&str] = &[
    "return 1",
    "return",
    "return {1, 2, nil, 3}",
    "return {1, {2, {'x', {}}}, true, false, 3.99}",
    "return -3.99",
    "return 1e30",
    "return {KEYS, ARGV}",
    "return {KEYS[3], ARGV[1]}",
    "return 'a\\nb'",
    "return {ok = 'fine'}",
    "return {ok = 'OK'}",
    "return {err = 'MY own\\nline'}",
    "return {err = 1}",
    "return {1, {err = 'b c'}}",
    "return {double = 3.1}",
    "return {map = {a = 1}}",
    "return {set = {a = true}}",
    "return {big_number = '12'}",
    "return function() end",
    "return redis.status_reply('fine')",
    "return redis.error_reply('x')",
    "return redis.error_reply('-BAD x')",
    "return redis.error_reply('-BAD')",
    "return redis.error_reply('')",
    "return redis.error_reply(1)",
    "return redis.sha1hex('a')",
    "return redis.sha1hex()",
    "return redis.call('SET', KEYS[1], ARGV[1])",
    "return redis.call('INCRBY', KEYS[1], 3)",
    "return redis.call('INCRBYFLOAT', KEYS[1], 1.1)",
    "return type(redis.call('GET', 'none'))",
    "return redis.call('SET', KEYS[1], 'v').ok",
    "return redis.call('RPUSH', KEYS[2], 'x', 1, 2.5, -1e20)",
    "return redis.call('LRANGE', KEYS[2], 0, -1)",
    "return redis.call('LPUSH', KEYS[1], 'x')",
    "return redis.pcall('LPUSH', KEYS[1], 'x')",
    "return {redis.pcall('LPUSH', KEYS[1], 'x'), 1}",
    "local e = redis.pcall('GET') return {e.err, 'end'}",
    "local ok, e = pcall(redis.call, 'GET') return {tostring(ok), type(e), e}",
    "local ok, e = pcall(redis.call, 'GET') error(e)",
    "local ok, e = pcall(function() return nothing end) return e",
    "redis.call('SET', KEYS[1], 'kept') error('then')",
    "return redis.call('GET', KEYS[1])",
    "return redis.call('GET')",
    "return redis.call('NOSUCH')",
    "return redis.call('EVAL', 'return 1', 0)",
    "return redis.call('MULTI')",
    "return redis.call('SUBSCRIBE', 'x')",
    "return redis.call()",
    "return redis.call({})",
    "return redis.call('GET', true)",
    "\n\nreturn redis.call('GET')",
    "local f = function()\n error('deep') end\nf()",
    "error('plain', 0)",
    "error({err = 'MY err'})",
    "error(redis.error_reply('MY err'))",
    "return nil + 1",
    "return KEYS[1] .. nil",
    "return nothing",
    "return print",
    "return os",
    "return io",
    "return require",
    "return dofile",
    "return loadfile",
    "x = 1",
    "KEYS = 1",
    "string.foo = 1",
    "_G.x = 1",
    "local x = 1 return x",
    "retur x",
    "return (",
    "return 'open",
    "return loadstring('return 7')()",
    "return cjson.encode({1, 2, {a = 'x/y'}, 1.5, cjson.null, true})",
    "return cjson.encode({})",
    "return cjson.encode({1, nil, 3})",
    "return cjson.encode({[1] = 1, [3] = 3, [20] = 4})",
    "return cjson.encode({f = function() end})",
    "return cjson.encode({[1.5] = 'a'})",
    "return cjson.encode('ä\\n\\\"\\\\ \\1 \\127')",
    "return cjson.encode({1e20, 12345678901234567, 0.1, -0.5})",
    "return cjson.encode(0/0)",
    "local t = cjson.decode('{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"\\\\u00e4\"}}') return {t.a[1], t.a[2], tostring(t.a[3] == cjson.null), t.a[4], t.b.c}",
    "return {bit.band(12, 10), bit.bor(12, 10), bit.bxor(12, 10), bit.bnot(0), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-8, 1), bit.rol(1, 33), bit.ror(1, 1), bit.bswap(1), bit.tobit(4294967295)}",
    "return {bit.tohex(255), bit.tohex(255, 4), bit.tohex(255, -4)}",
    "return redis.log(redis.LOG_WARNING, 'said')",
    "return redis.log('a', 'b')",
    "return redis.log('a')",
    "redis.setresp(2) return 1",
    "redis.setresp(4)",
    "#!lua\nreturn 1",
    "#!lua flags=no-writes\nreturn redis.call('SET', 'a', 'b')",
    "#!lua flags=no-writes,allow-stale\nreturn 2",
    "#!lua flags=bad\nreturn 1",
    "#!lua name=x\nreturn 1",
    "#!python\nreturn 1",
    "#!lua",
    "#!lua\n\nerror('third')",
    "return redis.call('PING')",
    "return tostring(1e15) .. tostring(0.1)",
    "return string.format('%d %s %5.2f', 3, 'x', 2.345)",
    "return table.concat({1, 2, 3}, ',')",
    "local t = {3, 1, 2} table.sort(t) return t",
    "return {unpack({1, 2, 3})}",
    "return #ARGV + tonumber(ARGV[3])",
    "return math.floor(2.7)",
    "return ('x'):rep(3)",
    "return select('#', 1, 2)",
    "return {pcall(error, 'x')}",
    "return {xpcall(function() error('x') end, function(e) return e end)}",
    "return tostring(getmetatable('').__index == string)",
    "local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return {co(1), co(5)}",
];

/// Other commands about scripts.
pub const COMMANDS: &[&[&str]] = &[
    &["EVAL", "return 1"],
    &["EVAL", "return 1", "-1"],
    &["EVAL", "return 1", "2", "k"],
    &["EVAL", "return 1", "x"],
    &["EVAL_RO", "return redis.call('SET', 'a', 'b')", "0"],
    &["EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "a"],
    &["EVAL_RO", "#!lua\nreturn 1", "0"],
    &["EVAL_RO", "#!lua flags=no-writes\nreturn 1", "0"],
    &["EVALSHA", "x", "0"],
    &["EVALSHA", "x", "y"],
    &["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
    &["EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"],
    &["EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "0"],
    &["EVALSHA_RO", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
    &["SCRIPT", "LOAD", "return 'loaded'"],
    &["SCRIPT", "LOAD", "return ("],
    &["SCRIPT", "LOAD"],
    &["SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "none"],
    &["SCRIPT", "EXISTS"],
    &["SCRIPT", "FLUSH", "NOW"],
    &["SCRIPT", "FLUSH", "ASYNC"],
    &["SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"],
    &["SCRIPT", "FLUSH"],
    &["SCRIPT", "KILL"],
    &["SCRIPT", "NOSUCH"],
    &["SCRIPT"],
];

/// A command that concerns scripts; some of them run `command`.
pub fn around(command: Command, rng: &mut StdRng) -> Command {
    let with = |words: &[&str], rest: &[String]| -> Command {
        words.iter().map(|word| (*word).to_owned()).chain(rest.iter().cloned()).collect()
    };
    match rng.random_range(0..10) {
        0..4 => with(&["EVAL", RUNNERS.choose(rng).copied().unwrap_or_default(), "0"], &command),
        4 => with(&["EVAL_RO", RUNNERS[0], "0"], &command),
        5..7 => with(&["EVAL", AMID, "1", ["ka", "count"].choose(rng).copied().unwrap_or_default()], &command),
        7..9 => {
            let script = SCRIPTS.choose(rng).copied().unwrap_or_default();
            with(&["EVAL", script, "2", "ka", "kb", "1", "x", "2.5"], &[])
        }
        _ => with(COMMANDS.choose(rng).copied().unwrap_or_default(), &[]),
    }
}

/// The command that `command` runs, if it is a script that does, and whether
/// its answer is the first of a list.
pub fn ran_by(command: &[String]) -> Option<(&[String], bool)> {
    let script = command.get(1)?.as_str();
    match command[0].as_str() {
        "EVAL" | "EVAL_RO" if RUNNERS.contains(&script) => Some((command.get(3..)?, false)),
        "EVAL" if script == AMID => Some((command.get(4..)?, true)),
        _ => None,
    }
}
