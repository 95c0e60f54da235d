//! Of the checks of a table or a domain: what a schema can say, and what it cannot.

use serde_json::{Number, Value};

use super::catalogue::{Check, Table, Type};
use super::expression::{Expression, read};
use super::token::{VALUE, Word, tokens};

/// What a schema may be able to say of one column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Limit {
    /// `minimum`, or `exclusiveMinimum`.
    Least {
        bound: Number,
        exclusive: bool,
    },
    /// `maximum`, or `exclusiveMaximum`.
    Most {
        bound: Number,
        exclusive: bool,
    },
    MinLength(u64),
    MaxLength(u64),
    MinItems(u64),
    MaxItems(u64),
    OneOf(Vec<Value>),
}

/// One condition of a check.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// The columns that it is about, by name, each once.
    pub columns: Vec<String>,
    /// `None` where no schema has words for it.
    pub limits: Option<Vec<Limit>>,
    /// As PostgreSQL writes it.
    pub text: String,
}

pub(super) fn of_table(table: &Table) -> Vec<Condition> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    conditions(&table.checks, &columns)
}

pub(super) fn of_domain(domain: &Type) -> Vec<Condition> {
    conditions(&domain.checks, &[VALUE])
}

fn conditions(checks: &[Check], columns: &[&str]) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for check in checks {
        let source = check.expression.as_str();
        match read(source) {
            Some(Expression::And(parts)) => {
                for (part, place) in parts {
                    let text = source.get(place).unwrap_or(source);
                    conditions.push(condition(Some(&part), text, columns));
                }
            }
            whole => conditions.push(condition(whole.as_ref(), source, columns)),
        }
    }
    conditions
}

fn condition(expression: Option<&Expression>, text: &str, columns: &[&str]) -> Condition {
    let mut about: Vec<String> = tokens(text)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|token| match token.word {
            Word::Name(name) | Word::Quoted(name) if columns.contains(&name.as_str()) => Some(name),
            Word::Name(_) | Word::Quoted(_) | Word::Keyword(_) | Word::Number(_) | Word::Text(_) | Word::Symbol(_) => {
                None
            }
        })
        .collect();
    about.sort_unstable();
    about.dedup();
    let limits = match about.as_slice() {
        [column] => expression.and_then(|expression| limits(expression, column)),
        _ => None,
    };
    Condition { columns: about, limits, text: text.to_owned() }
}

fn limits(expression: &Expression, column: &str) -> Option<Vec<Limit>> {
    match expression {
        Expression::And(parts) => {
            parts.iter().map(|(part, _)| limits(part, column)).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        Expression::Or(parts) => {
            // A check holds of NULL anyway; whether there may be one is said by the column.
            let null = |part: &&Expression| !matches!(part, Expression::IsNull(of) if is(of, column));
            let parts: Vec<&Expression> = parts.iter().filter(null).collect();
            if let [only] = parts.as_slice() {
                return limits(only, column);
            }
            let values = parts.iter().map(|part| match limits(part, column)?.as_slice() {
                [Limit::OneOf(values)] => Some(values.clone()),
                _ => None,
            });
            values.collect::<Option<Vec<_>>>().map(|values| vec![Limit::OneOf(values.concat())])
        }
        Expression::Among(left, list) => {
            let Expression::List(items) = list.as_ref() else { return None };
            let values = items.iter().map(constant).collect::<Option<_>>().filter(|_| is(left, column));
            values.map(|values| vec![Limit::OneOf(values)])
        }
        Expression::Compare(left, operator, right) => {
            compared(left, operator, right, column).or_else(|| compared(right, turned(operator)?, left, column))
        }
        Expression::Column(_)
        | Expression::Number(_)
        | Expression::Text(_)
        | Expression::Bool(_)
        | Expression::Null
        | Expression::List(_)
        | Expression::Call(..)
        | Expression::IsNull(_) => None,
    }
}

fn is(expression: &Expression, column: &str) -> bool {
    matches!(expression, Expression::Column(name) if name == column)
}

/// The operator with its sides changed.
fn turned(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "=" => "=",
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        _ => return None,
    })
}

/// A value that stands in the expression as it is.
pub(super) fn constant(expression: &Expression) -> Option<Value> {
    match expression {
        Expression::Number(number) => Some(Value::Number(number.clone())),
        Expression::Text(text) => Some(Value::String(text.clone())),
        Expression::Bool(truth) => Some(Value::Bool(*truth)),
        Expression::Null
        | Expression::Column(_)
        | Expression::List(_)
        | Expression::Call(..)
        | Expression::Compare(..)
        | Expression::Among(..)
        | Expression::IsNull(_)
        | Expression::And(_)
        | Expression::Or(_) => None,
    }
}

fn compared(left: &Expression, operator: &str, right: &Expression, column: &str) -> Option<Vec<Limit>> {
    if let Expression::Call(function, arguments) = left {
        let counted = match (function.as_str(), arguments.as_slice()) {
            ("length" | "char_length" | "character_length", [of]) if is(of, column) => Counted::Characters,
            ("cardinality", [of]) if is(of, column) => Counted::Items,
            // Of an empty array it is NULL, of which every check holds: it is no lower bound.
            ("array_length", [of, Expression::Number(first)]) if is(of, column) && first.as_i64() == Some(1) => {
                Counted::ItemsIfAny
            }
            _ => return None,
        };
        let Expression::Number(number) = right else { return None };
        return count(counted, operator, number.as_u64()?);
    }
    if !is(left, column) {
        return None;
    }
    match (operator, right) {
        ("=", value) => constant(value).map(|value| vec![Limit::OneOf(vec![value])]),
        ("<>", Expression::Text(text)) if text.is_empty() => Some(vec![Limit::MinLength(1)]),
        (">" | ">=", Expression::Number(bound)) => {
            Some(vec![Limit::Least { bound: bound.clone(), exclusive: operator == ">" }])
        }
        ("<" | "<=", Expression::Number(bound)) => {
            Some(vec![Limit::Most { bound: bound.clone(), exclusive: operator == "<" }])
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Counted {
    Characters,
    Items,
    ItemsIfAny,
}

fn count(counted: Counted, operator: &str, number: u64) -> Option<Vec<Limit>> {
    let (least, most) = match counted {
        Counted::Characters => (Limit::MinLength as fn(u64) -> Limit, Limit::MaxLength as fn(u64) -> Limit),
        Counted::Items | Counted::ItemsIfAny => {
            (Limit::MinItems as fn(u64) -> Limit, Limit::MaxItems as fn(u64) -> Limit)
        }
    };
    let limits = match operator {
        "=" => vec![least(number), most(number)],
        ">" => vec![least(number.checked_add(1)?)],
        ">=" => vec![least(number)],
        "<" => vec![most(number.checked_sub(1)?)],
        "<=" => vec![most(number)],
        _ => return None,
    };
    let lower = limits.iter().any(|limit| matches!(limit, Limit::MinItems(_)));
    (counted != Counted::ItemsIfAny || !lower).then_some(limits)
}
