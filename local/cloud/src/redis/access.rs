//! Who may do what, and which commands only read. What is not listed counts as a write, so that a
//! command nobody thought of is refused to those who may not write.

use bytes::Bytes;

use super::{Command, feed::Feed, reply::Reply};

const READS: &[&str] = &[
    "BITCOUNT",
    "BITFIELD_RO",
    "BITPOS",
    "DBSIZE",
    "DUMP",
    "ECHO",
    "EVALSHA_RO",
    "EVAL_RO",
    "EXISTS",
    "EXPIRETIME",
    "FCALL_RO",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO",
    "GEOSEARCH",
    "GET",
    "GETBIT",
    "GETRANGE",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HRANDFIELD",
    "HSCAN",
    "HSTRLEN",
    "HVALS",
    "INFO",
    "KEYS",
    "LCS",
    "LINDEX",
    "LLEN",
    "LPOS",
    "LRANGE",
    "MGET",
    "OBJECT",
    "PEXPIRETIME",
    "PING",
    "PTTL",
    "PUBSUB",
    "RANDOMKEY",
    "SCAN",
    "SCARD",
    "SDIFF",
    "SINTER",
    "SINTERCARD",
    "SISMEMBER",
    "SMEMBERS",
    "SMISMEMBER",
    "SORT_RO",
    "SRANDMEMBER",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "TIME",
    "TOUCH",
    "TTL",
    "TYPE",
    "XINFO",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREAD",
    "XREVRANGE",
    "ZCARD",
    "ZCOUNT",
    "ZDIFF",
    "ZINTER",
    "ZINTERCARD",
    "ZLEXCOUNT",
    "ZMSCORE",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANK",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCAN",
    "ZSCORE",
    "ZUNION",
];

/// Whether the command of this name, in capitals, may change data.
pub fn writes(name: &str) -> bool {
    READS.binary_search(&name).is_err()
}

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Full,
    ReadOnly,
}

impl Access {
    /// The error for a command that may not be given. Of scripts the form
    /// that only reads is run instead.
    pub fn refusal(self, command: &mut Command) -> Option<String> {
        if self == Self::Full {
            return None;
        }
        let word = command.first_mut()?;
        let name = String::from_utf8_lossy(word).to_ascii_uppercase();
        match name.as_str() {
            "EVAL" => *word = Bytes::from_static(b"EVAL_RO"),
            "EVALSHA" => *word = Bytes::from_static(b"EVALSHA_RO"),
            _ if writes(&name) => return Some(no_permission(&name)),
            _ => {}
        }
        None
    }

    pub fn refusal_of(self, feed: &Feed) -> Option<String> {
        (self == Self::ReadOnly && *feed == Feed::Monitor).then(|| no_permission("MONITOR"))
    }

    /// Says of a script that it may not write, where this is the token's fault.
    pub fn explain(self, reply: Reply) -> Reply {
        const WRITES: [&str; 2] = [
            "ERR Write commands are not allowed from read-only scripts.",
            "ERR Can not execute a script with write flag using *_ro command.",
        ];
        match reply {
            Reply::Error(text) if self == Self::ReadOnly && WRITES.iter().any(|start| text.starts_with(start)) => {
                Reply::Error("NOPERM this user has no permissions to run a script that writes".to_owned())
            }
            Reply::Error(_) | Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_) => reply,
        }
    }
}

fn no_permission(name: &str) -> String {
    format!("NOPERM this user has no permissions to run the '{}' command", name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(READS.is_sorted());
        assert!(writes("SET") && !writes("GET"));
    }
}
