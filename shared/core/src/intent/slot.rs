//! One parameter of a wish, as far as it is known.

/// What the words say about one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Slot<T> {
    #[default]
    Empty,
    Is(T),
    /// Said, but it contradicts itself or cannot be: the question to ask, without its mark.
    Asks(String),
}

impl<T: Clone + PartialEq> Slot<T> {
    /// The one value among those found; different ones are a question.
    pub fn one(found: Vec<Result<T, String>>, show: impl Fn(&T) -> String) -> Self {
        let mut known: Vec<T> = Vec::new();
        for value in found {
            match value {
                Ok(value) if known.contains(&value) => {}
                Ok(value) => known.push(value),
                Err(question) => return Self::Asks(question),
            }
        }
        match known.as_slice() {
            [] => Self::Empty,
            [one] => Self::Is(one.clone()),
            [..] => Self::Asks(known.iter().map(show).collect::<Vec<_>>().join(" or ")),
        }
    }

    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Empty | Self::Asks(_) => None,
        }
    }

    /// Itself, or where nothing was said, what another gives.
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Empty => other(),
            Self::Is(_) | Self::Asks(_) => self,
        }
    }

    pub fn or_value(self, value: Option<T>) -> Self {
        self.or(|| value.map_or(Self::Empty, Self::Is))
    }
}
