//! Does a signature fit? One module an algorithm; all that is secret stays with whoever signed.

pub mod ed25519;
mod number;
pub mod p256;
pub mod rsa;
