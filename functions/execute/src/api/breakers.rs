//! Circuit breakers.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::breakers::Standing;
use makegood_edge::core::error::Code;
use makegood_edge::core::saga::LONGEST_NAME;
use makegood_edge::describe::{Operation as Says, Parameter, Place, Tag};
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::json;

use crate::verbs::Nothing;

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Breakers {
    breakers: Vec<Standing>,
}

fn says(id: &'static str, summary: &'static str) -> Says {
    Says::new(id, Tag::Breakers, summary).answers::<Breakers>(200, "How all of them stand.")
}

fn forced(id: &'static str, summary: &'static str) -> Says {
    says(id, summary)
        .parameter(Parameter {
            name: "breaker",
            place: Place::Path,
            required: true,
            meaning: "The name of a tool, or `mcp.` and a server's.",
            schema: json!({"type": "string", "pattern": format!("^[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}$")}),
            example: json!("request_ride"),
        })
        .refuses(&[Code::InvalidRequest])
        .may_take::<Nothing>(vec![("nothing", json!({}))])
}

pub(super) fn list() -> Says {
    says("listBreakers", "How the circuit breakers of tools and MCP servers stand")
        .means("Those of which nothing was told yet are closed, and not among them.")
}

pub(super) fn open() -> Says {
    forced("openBreaker", "Has nothing called any more")
        .means("What needs it waits until the breaker is reset, and no attempt is used up.")
}

pub(super) fn close() -> Says {
    forced("closeBreaker", "Has everything called, whatever comes of it").means("Until the breaker is reset.")
}

pub(super) fn reset() -> Says {
    forced("resetBreaker", "Goes by what becomes of the calls again").means("With nothing counted yet.")
}
