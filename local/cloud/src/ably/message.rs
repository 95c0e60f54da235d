//! A message, as it comes and as it goes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmpv::Value;

use super::{
    fault::Fault,
    wire::{Wire, field, to_json},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: Option<String>,
    pub name: Option<String>,
    pub data: Data,
    /// What was done to the data, the last thing last; base64 is undone here.
    pub encoding: Option<String>,
    pub client_id: Option<String>,
    pub extras: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    Nothing,
    Text(String),
    Bytes(Vec<u8>),
}

impl Message {
    pub fn read(value: &Value) -> Result<Self, Fault> {
        if !value.is_map() {
            return Err(Fault::bad("a message must be an object"));
        }
        let text = |name: &str| match field(value, name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(text.as_str().map(str::to_owned)),
            Some(_) => Err(Fault::bad(format!("the {name} of a message must be a string"))),
        };
        if field(value, "action").is_some_and(|action| action.as_u64() != Some(0)) {
            return Err(Fault::bad("messages can be created only, not changed"));
        }
        let (data, encoding) = normal(field(value, "data"), text("encoding")?)?;
        let extras = field(value, "extras").cloned();
        if extras.as_ref().is_some_and(|extras| !extras.is_map()) {
            return Err(Fault::bad("the extras of a message must be an object"));
        }
        Ok(Self { id: text("id")?, name: text("name")?, data, encoding, client_id: text("clientId")?, extras })
    }

    /// A message of a payload by itself.
    pub fn of(payload: Option<&Value>) -> Result<Self, Fault> {
        let (data, encoding) = normal(payload, None)?;
        Ok(Self { id: None, name: None, data, encoding, client_id: None, extras: None })
    }

    /// What counts towards the limit.
    pub fn size(&self) -> usize {
        let data = match &self.data {
            Data::Nothing => 0,
            Data::Text(text) => text.len(),
            Data::Bytes(bytes) => bytes.len(),
        };
        let extras = self.extras.as_ref().map_or(0, |extras| to_json(extras).to_string().len());
        data + extras + self.name.as_ref().map_or(0, String::len) + self.client_id.as_ref().map_or(0, String::len)
    }

    /// The fields that are there; bytes are base64 where the wire has none.
    pub fn fields(&self, wire: Wire) -> Vec<(Value, Value)> {
        let mut fields: Vec<(Value, Value)> = Vec::new();
        let mut encoding = self.encoding.clone();
        let data = match &self.data {
            Data::Nothing => None,
            Data::Text(text) => Some(text.as_str().into()),
            Data::Bytes(bytes) if wire == Wire::MessagePack => Some(Value::Binary(bytes.clone())),
            Data::Bytes(bytes) => {
                encoding = Some(stacked(encoding, "base64"));
                Some(STANDARD.encode(bytes).into())
            }
        };
        let texts = [("id", &self.id), ("name", &self.name), ("clientId", &self.client_id), ("encoding", &encoding)];
        fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name.into(), text.as_deref()?.into()))));
        fields.extend(data.map(|data| ("data".into(), data)));
        fields.extend(self.extras.clone().map(|extras| ("extras".into(), extras)));
        fields
    }

    /// The payload by itself, as text.
    pub fn payload(&self) -> String {
        match &self.data {
            Data::Nothing => String::new(),
            Data::Text(text) => text.clone(),
            Data::Bytes(bytes) => STANDARD.encode(bytes),
        }
    }
}

/// Objects become JSON text, and base64 bytes.
fn normal(data: Option<&Value>, encoding: Option<String>) -> Result<(Data, Option<String>), Fault> {
    let encoding = encoding.filter(|encoding| !encoding.is_empty());
    match data {
        None => Ok((Data::Nothing, encoding)),
        Some(Value::Binary(bytes)) => Ok((Data::Bytes(bytes.clone()), encoding)),
        Some(Value::String(text)) => {
            let text = text.as_str().ok_or_else(|| Fault::data("the data is not valid UTF-8"))?;
            let Some(rest) = encoding.as_deref().and_then(|encoding| encoding.strip_suffix("base64")) else {
                return Ok((Data::Text(text.to_owned()), encoding));
            };
            let bytes = STANDARD.decode(text).map_err(|_| Fault::data("the data is not valid base64"))?;
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            Ok((Data::Bytes(bytes), (!rest.is_empty()).then(|| rest.to_owned())))
        }
        Some(value @ (Value::Map(_) | Value::Array(_))) => {
            Ok((Data::Text(to_json(value).to_string()), Some(stacked(encoding, "json"))))
        }
        Some(_) => Err(Fault::data("the data must be a string, bytes, an object or an array")),
    }
}

fn stacked(encoding: Option<String>, last: &str) -> String {
    encoding.map_or_else(|| last.to_owned(), |encoding| format!("{encoding}/{last}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::wire::from_json, *};

    #[test]
    fn bytes_are_bytes_whichever_way_they_came() {
        let text = Message::read(&from_json(json!({"data": "AQI=", "encoding": "utf-8/base64"}))).unwrap();
        assert_eq!((&text.data, text.encoding.as_deref()), (&Data::Bytes(vec![1, 2]), Some("utf-8")));
        let again = to_json(&Value::Map(text.fields(Wire::Json)));
        assert_eq!(again, json!({"data": "AQI=", "encoding": "utf-8/base64"}));
        assert!(Message::read(&from_json(json!({"data": "?", "encoding": "base64"}))).is_err());
    }

    #[test]
    fn objects_become_their_text() {
        let message = Message::read(&from_json(json!({"data": {"a": [1, null]}}))).unwrap();
        assert_eq!(message.data, Data::Text(r#"{"a":[1,null]}"#.to_owned()));
        assert_eq!(message.encoding.as_deref(), Some("json"));
        assert!(Message::read(&from_json(json!({"data": 7}))).is_err());
        assert!(Message::read(&from_json(json!(["x"]))).is_err());
    }
}
