//! Whose sagas somebody may see and steer.

use serde::{Deserialize, Serialize};

/// Each may do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Their own sagas.
    #[default]
    User,
    /// And decides where an approval asks for [`APPROVERS`].
    Approver,
    /// And sees and steers everybody's sagas.
    Operator,
    /// And says who the others are: API keys.
    Admin,
}

/// In an approval's `by`: everybody with the role of an approver, but for the saga's owner.
pub const APPROVERS: &str = "role:approver";

/// What no user's name begins with, for it would be taken for a role.
pub const RESERVED: &str = "role:";

impl Role {
    pub const ALL: [Self; 4] = [Self::User, Self::Approver, Self::Operator, Self::Admin];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// `None` where it is no role of ours: a claim may hold others' as well.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_by_what_they_may_and_known_by_their_own_names_only() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
        }
        for text in ["", "Admin", "org:admin", "root", "admin "] {
            assert_eq!(Role::named(text), None, "{text}");
        }
        assert!(APPROVERS.starts_with(RESERVED));
    }
}
