// @generated from the database: do not edit, run this again.
// makegood tools reflect --table town.messages --table town.payments --filled captured_by,key,made_at,refunded_by,state,undone_at

//! `town.payments`.

/// What is written to `town.payments`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct PaymentsInput {
    /// Amount in minor units, such as cents
    pub amount_minor: i64,
    /// Three capital letters, such as EUR
    // Not in the schema: (currency ~ '^[A-Z]{3}$'::text)
    pub currency: String,
    /// Who is to be paid
    pub payee: String,
}

makegood_tools::reflected!(PaymentsInput, include_str!("payments.input.json"));

/// A row of `town.payments`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct PaymentsRow {
    /// Amount in minor units, such as cents
    pub amount_minor: i64,
    pub captured_by: Option<String>,
    /// Three capital letters, such as EUR
    // Not in the schema: (currency ~ '^[A-Z]{3}$'::text)
    pub currency: String,
    pub id: i64,
    pub key: String,
    pub made_at: i64,
    /// Who is to be paid
    pub payee: String,
    pub payment_id: String,
    pub refunded_by: Option<String>,
    pub state: String,
    pub undone_at: Option<i64>,
}

makegood_tools::reflected!(PaymentsRow, include_str!("payments.row.json"));
