// @generated from the database: do not edit, run this again.
// makegood tools reflect --table town.messages --table town.payments --filled captured_by,key,made_at,refunded_by,state,undone_at

//! `town.messages`.

/// What is written to `town.messages`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct MessagesInput {
    /// What it says
    pub text: String,
    /// Name or number of whom it goes to
    pub to: String,
}

makegood_tools::reflected!(MessagesInput, include_str!("messages.input.json"));

/// A row of `town.messages`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct MessagesRow {
    pub id: i64,
    pub key: String,
    pub made_at: i64,
    pub message_id: String,
    /// What it says
    pub text: String,
    /// Name or number of whom it goes to
    pub to: String,
}

makegood_tools::reflected!(MessagesRow, include_str!("messages.row.json"));
