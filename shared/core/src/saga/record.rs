//! Reading a record of the journal. The fields of all facts lie side by side in it, so it is read in one pass: what
//! serde makes of a tagged enum that is flattened reads a record into a tree first, and that again.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::effect::Op;
use super::fact::{Cause, Fact, Record};
use crate::time::Millis;

/// A record before it is known which fields its fact must have.
#[derive(Deserialize)]
struct Flat {
    at: Millis,
    inv: u32,
    #[serde(rename = "type")]
    kind: Kind,
    node: Option<u32>,
    op: Option<Op>,
    attempt: Option<u32>,
    #[serde(default)]
    round: u32,
    params: Option<Map<String, Value>>,
    took: Option<Millis>,
    #[serde(default, deserialize_with = "even_null")]
    output: Option<Value>,
    code: Option<String>,
    detail: Option<String>,
    reason: Option<String>,
    again: Option<Millis>,
    found: Option<bool>,
    until: Option<Millis>,
    why: Option<String>,
    hash: Option<u64>,
    by: Option<String>,
    approve: Option<bool>,
    note: Option<String>,
    done: Option<bool>,
    name: Option<String>,
    epoch: Option<u32>,
    from: Option<u32>,
    kept: Option<Vec<u32>>,
    retired: Option<Vec<u32>>,
    cause: Option<Cause>,
    nodes: Option<Vec<u32>>,
}

/// The names of the facts.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Started,
    Done,
    Refused,
    Unsettled,
    UndoStarted,
    Undone,
    Held,
    Waiting,
    Queued,
    Shut,
    Skipped,
    Asked,
    Decided,
    Retried,
    Resolved,
    Received,
    Paused,
    Resumed,
    Replanned,
    Unwinding,
    Yielded,
    Completed,
    MadeGood,
    Stuck,
}

/// An output that is `null` is one all the same.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::deserialize(deserializer)?;
        let (at, inv) = (flat.at, flat.inv);
        Ok(Self { at, inv, fact: flat.fact().map_err(D::Error::missing_field)? })
    }
}

/// A fact with the fields that it must have, and those that may be missing.
macro_rules! fact {
    ($flat:ident, $kind:ident, $($must:ident)* $(; $may:ident: $value:expr)*) => {
        Fact::$kind { $($must: $flat.$must.ok_or(stringify!($must))?,)* $($may: $value,)* }
    };
}

impl Flat {
    /// The fact, or the name of the field that it lacks.
    fn fact(self) -> Result<Fact, &'static str> {
        Ok(match self.kind {
            Kind::Started => fact!(self, Started, node attempt; round: self.round; params: self.params),
            Kind::Done => fact!(self, Done, node attempt took output),
            Kind::Refused => fact!(self, Refused, node attempt took code detail),
            Kind::Unsettled => fact!(self, Unsettled, node op attempt took reason; again: self.again),
            Kind::UndoStarted => fact!(self, UndoStarted, node attempt),
            Kind::Undone => fact!(self, Undone, node attempt took found),
            Kind::Held => fact!(self, Held, node op code detail),
            Kind::Waiting => fact!(self, Waiting, node until),
            Kind::Queued => fact!(self, Queued, node),
            Kind::Shut => fact!(self, Shut, node name),
            Kind::Skipped => fact!(self, Skipped, node why),
            Kind::Asked => fact!(self, Asked, node params hash until),
            Kind::Decided => fact!(self, Decided, node by approve; note: self.note.unwrap_or_default()),
            Kind::Retried => fact!(self, Retried, node by),
            Kind::Resolved => fact!(self, Resolved, node by note done),
            Kind::Received => fact!(self, Received, name; by: self.by),
            Kind::Paused => fact!(self, Paused, by why),
            Kind::Resumed => fact!(self, Resumed, by),
            Kind::Replanned => {
                fact!(self, Replanned, by epoch from kept retired; note: self.note.unwrap_or_default())
            }
            Kind::Unwinding => fact!(self, Unwinding, cause),
            Kind::Yielded => fact!(self, Yielded, until),
            Kind::Completed => Fact::Completed,
            Kind::MadeGood => Fact::MadeGood,
            Kind::Stuck => fact!(self, Stuck, nodes),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// One of each kind, as an earlier build may have written it: without what has a default.
    const FACTS: &str = r#"[
        {"type":"started","node":1,"attempt":1},
        {"type":"started","node":1,"attempt":2,"round":3,"params":{"n":1}},
        {"type":"done","node":1,"attempt":1,"took":5,"output":null},
        {"type":"done","node":1,"attempt":1,"took":5,"output":{"n":1}},
        {"type":"refused","node":1,"attempt":1,"took":5,"code":"full","detail":"No."},
        {"type":"unsettled","node":1,"op":"undo","attempt":1,"took":5,"reason":"busy","again":7},
        {"type":"unsettled","node":1,"op":"do","attempt":1,"took":5,"reason":"busy","again":null},
        {"type":"undo_started","node":1,"attempt":1},
        {"type":"undone","node":1,"attempt":1,"took":5,"found":false},
        {"type":"held","node":1,"op":"status","code":"poison","detail":"No."},
        {"type":"waiting","node":1,"until":9},
        {"type":"queued","node":1},
        {"type":"shut","node":1,"name":"book_table"},
        {"type":"skipped","node":1,"why":"It is."},
        {"type":"asked","node":1,"params":{},"hash":18446744073709551615,"until":9},
        {"type":"decided","node":1,"by":"ann","approve":true},
        {"type":"decided","node":1,"by":"ann","approve":false,"note":"No."},
        {"type":"retried","node":1,"by":"ann"},
        {"type":"resolved","node":1,"by":"ann","note":"","done":true},
        {"type":"received","name":"mail"},
        {"type":"received","name":"mail","by":"webhook/github"},
        {"type":"paused","by":"ann","why":""},
        {"type":"resumed","by":"ann"},
        {"type":"replanned","by":"ann","epoch":1,"from":3,"kept":[0],"retired":[1,2]},
        {"type":"unwinding","cause":{"why":"deadline"}},
        {"type":"yielded","until":9},
        {"type":"completed"},
        {"type":"made_good"},
        {"type":"stuck","nodes":[1]}
    ]"#;

    fn written() -> Vec<Map<String, Value>> {
        let mut written: Vec<Map<String, Value>> = serde_json::from_str(FACTS).unwrap();
        for record in &mut written {
            record.extend([("at".to_owned(), json!(4)), ("inv".to_owned(), json!(2))]);
        }
        written
    }

    /// At least one record of every kind.
    pub(crate) fn one_of_each() -> Vec<Record> {
        written().into_iter().map(|record| serde_json::from_value(Value::Object(record)).unwrap()).collect()
    }

    #[test]
    fn a_record_of_every_kind_is_read_as_it_was_written() {
        for record in written() {
            let read: Record = serde_json::from_value(Value::Object(record.clone())).unwrap();
            assert_eq!((read.at, read.inv), (Millis(4), 2));
            // What has its default is left out again.
            assert_eq!(serde_json::to_value(&read).unwrap(), Value::Object(record));
            assert_eq!(serde_json::from_str::<Record>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        }
    }

    #[test]
    fn what_a_fact_must_have_is_named_where_it_is_missing() {
        let read = |fields: &str| serde_json::from_str::<Record>(&format!(r#"{{"at":1,"inv":1,{fields}}}"#));
        let missing = read(r#""type":"done","node":1,"attempt":1,"took":1"#).unwrap_err().to_string();
        assert!(missing.contains("missing field `output`"), "{missing}");
        assert!(read(r#""type":"forgotten","node":1"#).is_err());
        // A later build's field is passed over.
        assert!(read(r#""type":"queued","node":1,"colour":"red""#).is_ok());
    }
}
