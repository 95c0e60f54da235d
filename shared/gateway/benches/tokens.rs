//! What it costs to believe a token whose key is at hand: to take it apart, check its signature, and read what it says.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../tests/tokens/keys.rs"]
mod keys;

use divan::{Bencher, black_box};
use keys::{ALGS, ISSUER, Signer, published, rules};
use makegood_core::time::Millis;
use makegood_gateway::jwt::{Jwks, Token, issuers};

const NOW: u64 = 1_777_636_800;

fn main() {
    divan::main();
}

#[divan::bench(args = ALGS)]
fn verify(bencher: Bencher<'_, '_>, alg: &'static str) {
    let issuer = issuers("", &rules(&format!("{ISSUER}/keys"))).unwrap().remove(0);
    let keys = Jwks::read(published().to_string().as_bytes()).unwrap();
    let text = Signer { alg, now: NOW }.with(|_, _| {});
    let verify = || issuer.verify(&Token::parse(black_box(&text)).unwrap(), &keys, Millis(NOW * 1000)).unwrap();
    bencher.bench(verify);
}
