//! Schemas of types that no derive can tell: for the OpenAPI document, and native only.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::id::{ConversationId, SagaId};

/// What a saga's id looks like: see [`SagaId`].
pub const SAGA_ID: &str = "^sg_[0-9a-hjkmnp-tv-z]{26}$";
/// What a conversation's id looks like: see [`ConversationId`].
pub const CONVERSATION_ID: &str = "^cv_[0-9a-hjkmnp-tv-z]{26}$";

impl JsonSchema for SagaId {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("SagaId")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": SAGA_ID,
            "description": "A saga's id: `sg_` and 26 characters, ordered by the time at which it was made.",
        })
    }
}

impl JsonSchema for ConversationId {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("ConversationId")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": CONVERSATION_ID,
            "description": "A conversation's id: `cv_` and 26 characters.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn the_patterns_have_the_digits_that_ids_have() {
        let digits: String = ('0'..='9').chain('a'..='z').filter(|c| !"ilou".contains(*c)).collect();
        assert_eq!(digits, "0123456789abcdefghjkmnpqrstvwxyz");
        assert!(SAGA_ID.contains("[0-9a-hjkmnp-tv-z]{26}") && CONVERSATION_ID.contains("[0-9a-hjkmnp-tv-z]{26}"));
        let id = SagaId::new(Millis(u64::MAX), [255; 10]);
        assert_eq!(id.as_str().len(), "sg_".len() + 26);
    }
}
