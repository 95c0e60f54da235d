//! URL groups: a name for several endpoints, each of which gets a message of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    message::{Instructions, Message},
    publish::has_scheme,
};

/// What the journal keeps of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub name: String,
    pub endpoints: Vec<Endpoint>,
    pub created_at: u64,
    pub updated_at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub url: String,
}

impl Endpoint {
    fn stands_for(&self, other: &Self) -> bool {
        self.url == other.url || (self.name.is_some() && self.name == other.name)
    }
}

/// By which group's endpoint a message was addressed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    pub group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

impl Group {
    /// Adds an endpoint, in the place of whichever had its name or its address.
    pub fn add(&mut self, mut endpoint: Endpoint) {
        let at = self.endpoints.iter().position(|known| known.url == endpoint.url);
        let known = at.and_then(|at| self.endpoints[at].name.clone());
        endpoint.name = endpoint.name.or(known);
        let at = at.unwrap_or(self.endpoints.len());
        let before = self.endpoints[..at].iter().filter(|known| !known.stands_for(&endpoint)).count();
        self.endpoints.retain(|known| !known.stands_for(&endpoint));
        self.endpoints.insert(before, endpoint);
    }

    /// Removes the endpoints with this name or this address.
    pub fn remove(&mut self, name: Option<&str>, url: Option<&str>) {
        let named = |known: &Endpoint| name.is_some() && known.name.as_deref() == name;
        self.endpoints.retain(|known| !(named(known) || Some(known.url.as_str()) == url));
    }
}

/// The messages that a publish to an address or to a group becomes; `None` where there is no such group.
pub fn address(
    groups: &BTreeMap<String, Group>,
    destination: &str,
    body: &Bytes,
    how: &Instructions,
    now: u64,
) -> Option<Vec<Message>> {
    if has_scheme(destination) {
        return Some(vec![Message::new(destination.to_owned(), body.clone(), how.clone(), now)]);
    }
    let group = groups.get(destination)?;
    let member = |endpoint: &Endpoint| {
        let mut how = how.clone();
        // Each endpoint has its own; otherwise the second would be a duplicate of the first.
        how.dedup = how.dedup.map(|id| format!("{id} {}", endpoint.url));
        let mut message = Message::new(endpoint.url.clone(), body.clone(), how, now);
        message.member = Some(Member { group: group.name.clone(), endpoint: endpoint.name.clone() });
        message
    };
    Some(group.endpoints.iter().map(member).collect())
}
