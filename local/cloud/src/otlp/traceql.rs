//! TraceQL, as far as it is read: `{ attribute = value && … }`, whose conditions must all hold of one span. Anything
//! else is refused by name.

use super::attribute::{Resource, Value, find};
use super::span::Span;

/// What must hold of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub subject: Subject,
    pub operator: Operator,
    pub value: Literal,
}

/// What a condition speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Span(String),
    Resource(String),
    /// An attribute of the span, or else of its resource.
    Either(String),
    Name,
    Status,
    Kind,
    Duration,
    TraceDuration,
    RootName,
    RootService,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Nanoseconds.
    Duration(u64),
    /// By the number of the enum.
    Status(i32),
    Kind(i32),
}

/// What a condition may ask of the trace that a span is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub root_name: String,
    pub root_service: String,
    /// Nanoseconds.
    pub duration: u64,
}

/// Longest first, where one begins as another does.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];
const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/// Reads a query.
pub fn parse(query: &str) -> Result<Vec<Condition>, String> {
    let mut parser = Parser { whole: query, rest: query.trim_start() };
    parser.expect("{")?;
    let mut conditions = Vec::new();
    if !parser.take("}") {
        loop {
            conditions.push(parser.condition()?);
            if parser.take("}") {
                break;
            }
            parser.expect("&&")?;
        }
    }
    if parser.rest.is_empty() { Ok(conditions) } else { Err(parser.unread()) }
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(self.unread()) }
    }

    /// Says what stands here and is not read.
    fn unread(&self) -> String {
        let at = self.whole.len() - self.rest.len() + 1;
        let sign = |sign: char| !sign.is_alphanumeric() && !sign.is_whitespace() && !"\"`.{}()".contains(sign);
        let signs = self.rest.len() - self.rest.trim_start_matches(sign).len();
        let word = self.rest.split(|c: char| c.is_whitespace() || "{}()".contains(c)).next().unwrap_or_default();
        let what = match signs {
            0 if self.rest.is_empty() => "its end".to_owned(),
            0 if word.is_empty() => format!("`{}`", self.rest.chars().next().unwrap_or_default()),
            0 => format!("`{word}`"),
            _ => format!("`{}`", &self.rest[..signs]),
        };
        format!(
            "invalid TraceQL query: {what} at {at} is not read here; this emulator reads `{{ attribute = value && … }}` \
             with =, !=, >, <, >= and <="
        )
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| c.is_whitespace() || "=!<>&|{}()\"`~,".contains(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let before = self.rest;
        let Some(subject) = subject(self.word()) else {
            self.rest = before;
            return Err(self.unread());
        };
        if self.rest.starts_with("=~") || self.rest.starts_with("!~") {
            return Err(self.unread());
        }
        let operator = OPERATORS.into_iter().find(|(sign, _)| self.take(sign));
        let Some((_, operator)) = operator else { return Err(self.unread()) };
        let value = self.literal(&subject)?;
        Ok(Condition { subject, operator, value })
    }

    fn literal(&mut self, subject: &Subject) -> Result<Literal, String> {
        if self.rest.starts_with(['"', '`']) {
            return self.quoted().map(Literal::Text);
        }
        let before = self.rest;
        let word = self.word();
        let number = |names: &[&str]| names.iter().position(|name| *name == word).and_then(|at| i32::try_from(at).ok());
        let named = match subject {
            Subject::Status => number(&STATUSES).map(Literal::Status),
            Subject::Kind => number(&KINDS).map(Literal::Kind),
            Subject::Span(_)
            | Subject::Resource(_)
            | Subject::Either(_)
            | Subject::Name
            | Subject::Duration
            | Subject::TraceDuration
            | Subject::RootName
            | Subject::RootService => None,
        };
        let bool = || word.parse().ok().map(Literal::Bool);
        let int = || word.parse().ok().map(Literal::Int);
        let duration = || duration(word).map(Literal::Duration);
        let float = || word.parse().ok().filter(|float: &f64| float.is_finite()).map(Literal::Float);
        named.or_else(bool).or_else(int).or_else(duration).or_else(float).ok_or_else(|| {
            self.rest = before;
            self.unread()
        })
    }

    /// A text in double quotes with escapes, or in backticks without.
    fn quoted(&mut self) -> Result<String, String> {
        let mut signs = self.rest.char_indices();
        let quote = signs.next().map_or('"', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, sign)) = signs.next() {
            match sign {
                end if end == quote => {
                    self.rest = self.rest[at + end.len_utf8()..].trim_start();
                    return Ok(text);
                }
                '\\' if quote == '"' => match signs.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => return Err(self.unread()),
                },
                other => text.push(other),
            }
        }
        Err(self.unread())
    }
}

fn subject(word: &str) -> Option<Subject> {
    let attribute = |name: &str, of: fn(String) -> Subject| (!name.is_empty()).then(|| of(name.to_owned()));
    match word {
        "name" | "span:name" => Some(Subject::Name),
        "status" | "span:status" => Some(Subject::Status),
        "kind" | "span:kind" => Some(Subject::Kind),
        "duration" | "span:duration" => Some(Subject::Duration),
        "traceDuration" | "trace:duration" => Some(Subject::TraceDuration),
        "rootName" | "trace:rootName" => Some(Subject::RootName),
        "rootServiceName" | "trace:rootService" => Some(Subject::RootService),
        _ => match word.split_once('.')? {
            ("span", name) => attribute(name, Subject::Span),
            ("resource", name) => attribute(name, Subject::Resource),
            ("", name) => attribute(name, Subject::Either),
            _ => None,
        },
    }
}

/// A duration as Go writes it (`1.5s`, `1m30s`), in nanoseconds.
pub fn duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| c != '.' && !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += number.parse::<f64>().ok()? * nanos;
        rest = after;
    }
    (!text.is_empty() && sum < 9e18).then_some(sum.round() as u64)
}

impl Condition {
    /// Whether it holds. Of an attribute that is not there, nothing holds.
    pub fn holds(&self, span: &Span, resource: &Resource, whole: &Whole) -> bool {
        let text = |text: &str| Some(Literal::Text(text.to_owned()));
        let actual = match &self.subject {
            Subject::Span(name) => find(&span.attributes, name).and_then(literal),
            Subject::Resource(name) => find(&resource.attributes, name).and_then(literal),
            Subject::Either(name) => {
                find(&span.attributes, name).or_else(|| find(&resource.attributes, name)).and_then(literal)
            }
            Subject::Name => text(&span.name),
            Subject::Status => Some(Literal::Status(span.status.as_ref().map_or(0, |status| status.code))),
            Subject::Kind => Some(Literal::Kind(span.kind)),
            Subject::Duration => {
                Some(Literal::Duration(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano)))
            }
            Subject::TraceDuration => Some(Literal::Duration(whole.duration)),
            Subject::RootName => text(&whole.root_name),
            Subject::RootService => text(&whole.root_service),
        };
        actual.and_then(|actual| actual.order(&self.value)).is_some_and(|order| match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => order.is_le(),
        })
    }

    /// The attribute that it names.
    pub fn attribute(&self) -> Option<&str> {
        match &self.subject {
            Subject::Span(name) | Subject::Resource(name) | Subject::Either(name) => Some(name),
            Subject::Name
            | Subject::Status
            | Subject::Kind
            | Subject::Duration
            | Subject::TraceDuration
            | Subject::RootName
            | Subject::RootService => None,
        }
    }
}

impl Literal {
    /// Values of different types are in no order.
    fn order(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Float(b)) => (*a as f64).partial_cmp(b),
            (Self::Float(a), Self::Int(b)) => a.partial_cmp(&(*b as f64)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Status(a), Self::Status(b)) | (Self::Kind(a), Self::Kind(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::Text(text) => Some(Literal::Text(text.clone())),
        Value::Bool(flag) => Some(Literal::Bool(*flag)),
        Value::Int(int) => Some(Literal::Int(*int)),
        Value::Double(double) => Some(Literal::Float(*double)),
        Value::List(_) | Value::Map(_) | Value::Bytes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simple_form_is_read() {
        assert_eq!(parse("{}"), Ok(Vec::new()));
        let read = parse(r#"{ resource.service.name = "a \"b\"" && status = error&&duration>1m2.5s && .n != -3 }"#);
        let read = read.unwrap();
        assert_eq!(read[0].subject, Subject::Resource("service.name".to_owned()));
        assert_eq!(read[0].value, Literal::Text("a \"b\"".to_owned()));
        assert_eq!((&read[1].subject, &read[1].value), (&Subject::Status, &Literal::Status(2)));
        assert_eq!((read[2].operator, &read[2].value), (Operator::Greater, &Literal::Duration(62_500_000_000)));
        assert_eq!((read[3].operator, &read[3].value), (Operator::NotEqual, &Literal::Int(-3)));
        assert_eq!(parse("{ span.ratio < 0.5 }").unwrap()[0].value, Literal::Float(0.5));
        assert_eq!(parse("{ name = `x\\` }").unwrap()[0].value, Literal::Text("x\\".to_owned()));
    }

    #[test]
    fn the_rest_is_refused_by_name() {
        for (query, named) in [
            ("{ name = \"a\" || name = \"b\" }", "`||` at 14"),
            ("{ name =~ \"a.*\" }", "`=~` at 8"),
            ("{} | count() > 2", "`|` at 4"),
            ("{} >> {}", "`>>` at 4"),
            ("{ (name = \"a\") }", "`(` at 3"),
            ("{ nothing = 1 }", "`nothing` at 3"),
            ("{ status = bad }", "`bad` at 12"),
            ("{ name = \"open", "`\"open` at 10"),
            ("{ name", "its end at 7"),
            ("name = 1", "`name` at 1"),
            ("", "its end at 1"),
        ] {
            let refused = parse(query).unwrap_err();
            assert!(refused.contains(named), "{query}: {refused}");
        }
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration("100ms"), Some(100_000_000));
        assert_eq!(duration("1h1m"), Some(3_660_000_000_000));
        assert_eq!((duration("1"), duration(""), duration("s"), duration("1d")), (None, None, None, None));
    }
}
