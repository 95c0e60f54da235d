// @generated from the database: do not edit, run this again.
// makegood tools reflect --table shop.things --filled made

//! `shop.things`.

/// What is written to `shop.things`. What is for sale.
// Not in the schema: (low < high)
// Not in the schema: ((price < 100.5) OR (colour = 'red'::shop.colour))
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct ThingsInput {
    #[serde(rename = "Odd Name")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odd_name: Option<makegood_tools::Json>,
    // Not in the schema: (VALUE ~ '^[A-Z]+$'::text)
    pub code: String,
    pub colour: Colour,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    pub high: i32,
    // Not in the schema: a UUID
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub low: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it costs, in euros
    pub price: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<i32>>,
    // Not in the schema: the type pg_catalog.int8range, of which any JSON is taken here
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<makegood_tools::Json>,
    // Not in the schema: left out, it is '{}'::text[]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
}

makegood_tools::reflected!(ThingsInput, include_str!("things.input.json"));

/// A row of `shop.things`. What is for sale.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
#[serde(deny_unknown_fields)]
pub struct ThingsRow {
    #[serde(rename = "Odd Name")]
    pub odd_name: Option<makegood_tools::Json>,
    // Not in the schema: (VALUE ~ '^[A-Z]+$'::text)
    pub code: String,
    pub colour: Colour,
    pub day: Option<String>,
    pub high: i32,
    pub id: i64,
    // Not in the schema: a UUID
    pub key: Option<String>,
    pub low: i32,
    pub made: String,
    pub note: Option<String>,
    /// What it costs, in euros
    pub price: f64,
    pub ratio: Option<f32>,
    pub share: Option<i32>,
    pub sizes: Option<Vec<Option<i32>>>,
    // Not in the schema: the type pg_catalog.int8range, of which any JSON is taken here
    pub span: Option<makegood_tools::Json>,
    pub tags: Vec<Option<String>>,
    pub twice: Option<i32>,
    pub r#type: String,
}

makegood_tools::reflected!(ThingsRow, include_str!("things.row.json"));

/// The enum `colour`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]
pub enum Colour {
    #[serde(rename = "red")]
    Red,
    #[serde(rename = "dark blue")]
    DarkBlue,
    #[serde(rename = "Self")]
    VSelf,
}
