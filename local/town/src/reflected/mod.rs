// @generated from the database: do not edit, run this again.
// makegood tools reflect --table town.messages --table town.payments --filled captured_by,key,made_at,refunded_by,state,undone_at

pub mod messages;
pub mod payments;
