// @generated from the database: do not edit, run this again.
// makegood tools reflect --table shop.things --filled made

pub mod things;
