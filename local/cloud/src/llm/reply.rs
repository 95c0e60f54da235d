//! What a model says, and who may say it in its place.

use super::chat::Chat;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Text(String),
    Refusal(String),
    /// At least one.
    Calls(Vec<Call>),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// JSON text, as a model writes it: it need not be valid.
    pub arguments: String,
}

/// Answers in the model's place where the prompt holds no directive.
///
/// It must be deterministic, and is called on a thread that serves requests.
pub trait Planner: Send + Sync + 'static {
    /// An answer, or `None` to leave it to the script.
    fn answer(&self, chat: &Chat) -> Option<Reply>;
}

impl<F> Planner for F
where
    F: Fn(&Chat) -> Option<Reply> + Send + Sync + 'static,
{
    fn answer(&self, chat: &Chat) -> Option<Reply> {
        self(chat)
    }
}
