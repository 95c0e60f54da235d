//! The library `bit` (Lua BitOp): 32-bit integers, signed when shown.

use mlua::{Lua, Result, Table, Variadic};

pub fn library(lua: &Lua) -> Result<Table> {
    let bit = lua.create_table()?;
    let one = |operation: fn(u32) -> u32| lua.create_function(move |_, x: f64| Ok(shown(operation(word(x)))));
    let fold = |operation: fn(u32, u32) -> u32| {
        lua.create_function(move |_, (first, rest): (f64, Variadic<f64>)| {
            Ok(shown(rest.iter().fold(word(first), |all, next| operation(all, word(*next)))))
        })
    };
    let shift = |operation: fn(u32, u32) -> u32| {
        lua.create_function(move |_, (x, n): (f64, f64)| Ok(shown(operation(word(x), word(n) & 31))))
    };
    bit.raw_set("tobit", one(|x| x)?)?;
    bit.raw_set("bnot", one(|x| !x)?)?;
    bit.raw_set("bswap", one(u32::swap_bytes)?)?;
    bit.raw_set("band", fold(|a, b| a & b)?)?;
    bit.raw_set("bor", fold(|a, b| a | b)?)?;
    bit.raw_set("bxor", fold(|a, b| a ^ b)?)?;
    bit.raw_set("lshift", shift(|x, n| x << n)?)?;
    bit.raw_set("rshift", shift(|x, n| x >> n)?)?;
    bit.raw_set("arshift", shift(|x, n| (x.cast_signed() >> n).cast_unsigned())?)?;
    bit.raw_set("rol", shift(u32::rotate_left)?)?;
    bit.raw_set("ror", shift(u32::rotate_right)?)?;
    bit.raw_set("tohex", lua.create_function(|_, (x, n): (f64, Option<f64>)| Ok(tohex(word(x), n)))?)?;
    Ok(bit)
}

/// The number modulo 2^32, rounded as adding 2^52 + 2^51 rounds it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the remainder fits")]
fn word(number: f64) -> u32 {
    number.round_ties_even().rem_euclid(4_294_967_296.0) as u32
}

fn shown(word: u32) -> f64 {
    f64::from(word.cast_signed())
}

/// `n` digits, the lowest ones; a negative `n` asks for capitals.
fn tohex(x: u32, n: Option<f64>) -> String {
    let n = n.map_or(8, |n| word(n).cast_signed());
    let digits = usize::try_from(n.unsigned_abs().min(8)).unwrap_or(8);
    let all = if n < 0 { format!("{x:08X}") } else { format!("{x:08x}") };
    all[8 - digits..].to_owned()
}
