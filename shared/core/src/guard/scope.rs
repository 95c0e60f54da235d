//! What a key was made for.

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Looks at sagas and schedules.
    Read,
    /// Starts sagas, has the clock start them, and has messages read, of which a model may be asked.
    Start,
    /// Agrees to steps, or does not.
    Approve,
    /// Cancels, pauses, resumes, retries, resolves, replans, and brings events.
    Operate,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Start, Self::Approve, Self::Operate];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Start => "start",
            Self::Approve => "approve",
            Self::Operate => "operate",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// What who signed in by themselves may.
    pub const ALL: Self = Self(0b1111);

    /// Reads their names, with commas between; `None` where one is none, or there is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let one = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        let mut names = text.split(',').map(str::trim);
        names.try_fold(Self::default(), |all, name| Some(Self(all.0 | one(name)?.bit())))
    }

    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_named_and_nothing_else() {
        let scopes = Scopes::read("read, approve").unwrap();
        let has: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| scopes.has(*scope)).collect();
        assert_eq!(has, [Scope::Read, Scope::Approve]);
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::ALL.has(scope)));
        for text in ["", "all", "read,", "read,write", "Read"] {
            assert_eq!(Scopes::read(text), None, "{text}");
        }
    }
}
