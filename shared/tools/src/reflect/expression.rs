//! Reads those expressions of which a schema can say something. What is not read is not guessed at.

use std::ops::Range;

use serde_json::Number;

use super::token::{Token, Word, tokens};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Column(String),
    Number(Number),
    Text(String),
    Bool(bool),
    Null,
    List(Vec<Expression>),
    Call(String, Vec<Expression>),
    /// Left, operator, right.
    Compare(Box<Expression>, String, Box<Expression>),
    /// `left = any (list)`.
    Among(Box<Expression>, Box<Expression>),
    IsNull(Box<Expression>),
    /// With where each stands.
    And(Vec<(Expression, Range<usize>)>),
    Or(Vec<Expression>),
}

/// Reads one; `None` where it has something that is not known.
pub(super) fn read(source: &str) -> Option<Expression> {
    let tokens = tokens(source)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let expression = reader.any()?;
    (reader.at == tokens.len()).then_some(expression)
}

const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">=", "~", "~*", "!~", "!~*", "~~", "!~~", "~~*", "!~~*"];

/// Reads no deeper than any expression that people write.
struct Reader<'t, 's> {
    tokens: &'t [Token<'s>],
    at: usize,
}

impl<'t, 's> Reader<'t, 's> {
    fn word(&self) -> Option<&'t Word<'s>> {
        self.tokens.get(self.at).map(|token| &token.word)
    }

    fn is(&self, name: &str) -> bool {
        match self.word() {
            Some(Word::Name(word)) => word == name,
            Some(Word::Symbol(word) | Word::Keyword(word)) => *word == name,
            Some(Word::Quoted(_) | Word::Number(_) | Word::Text(_)) | None => false,
        }
    }

    fn take(&mut self, name: &str) -> bool {
        let found = self.is(name);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, name: &str) -> Option<()> {
        self.take(name).then_some(())
    }

    fn any(&mut self) -> Option<Expression> {
        let mut parts = vec![self.all()?];
        while self.take("OR") {
            parts.push(self.all()?);
        }
        Some(if parts.len() == 1 { parts.swap_remove(0) } else { Expression::Or(parts) })
    }

    fn all(&mut self) -> Option<Expression> {
        let mut parts = Vec::new();
        loop {
            let start = self.tokens.get(self.at)?.start;
            let part = self.comparison()?;
            let end = self.tokens.get(self.at.checked_sub(1)?)?.end;
            if let Expression::And(inner) = part {
                parts.extend(inner);
            } else {
                parts.push((part, start..end));
            }
            if !self.take("AND") {
                break;
            }
        }
        Some(if parts.len() == 1 { parts.swap_remove(0).0 } else { Expression::And(parts) })
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.operand()?;
        if self.take("IS") {
            self.expect("NULL")?;
            return Some(Expression::IsNull(Box::new(left)));
        }
        let Some(Word::Symbol(operator)) = self.word() else { return Some(left) };
        if !COMPARISONS.contains(operator) {
            // A closing bracket or the like; what else it may be, is found to be too much by `read`.
            return Some(left);
        }
        let operator = (*operator).to_owned();
        self.at += 1;
        if self.take("ANY") {
            self.expect("(")?;
            let list = self.any()?;
            self.expect(")")?;
            return (operator == "=").then(|| Expression::Among(Box::new(left), Box::new(list)));
        }
        let right = self.operand()?;
        Some(Expression::Compare(Box::new(left), operator, Box::new(right)))
    }

    fn operand(&mut self) -> Option<Expression> {
        let mut operand = self.single()?;
        while self.take("::") {
            operand = cast(operand, &self.kind()?)?;
        }
        Some(operand)
    }

    fn single(&mut self) -> Option<Expression> {
        let word = self.word()?.clone();
        self.at += 1;
        match word {
            Word::Number(digits) => digits.parse().ok().map(Expression::Number),
            Word::Text(text) => Some(Expression::Text(text)),
            Word::Symbol("(") => {
                let inner = self.any()?;
                self.expect(")")?;
                Some(inner)
            }
            Word::Symbol("-") => {
                let Expression::Number(number) = self.single()? else { return None };
                format!("-{number}").parse().ok().map(Expression::Number)
            }
            Word::Symbol(_) => None,
            Word::Keyword("ARRAY") => {
                self.expect("[")?;
                self.list("]").map(Expression::List)
            }
            Word::Keyword("NULL") => Some(Expression::Null),
            Word::Keyword(_) => None,
            Word::Quoted(name) => Some(Expression::Column(name)),
            Word::Name(name) if name == "true" || name == "false" => Some(Expression::Bool(name == "true")),
            Word::Name(name) if self.take("(") => self.list(")").map(|list| Expression::Call(name, list)),
            Word::Name(name) => Some(Expression::Column(name)),
        }
    }

    fn list(&mut self, end: &str) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        while !self.take(end) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.any()?);
        }
        Some(items)
    }

    /// The name of a type, as in `character varying(10)[]`.
    fn kind(&mut self) -> Option<String> {
        let Word::Name(first) = self.word()?.clone() else { return None };
        self.at += 1;
        let mut kind = first;
        if self.take(".") {
            let Word::Name(name) = self.word()?.clone() else { return None };
            self.at += 1;
            kind = format!("{kind}.{name}");
        }
        while ["varying", "precision", "without", "with", "time", "zone"].iter().any(|more| self.is(more)) {
            let Word::Name(more) = self.word()?.clone() else { return None };
            kind = format!("{kind} {more}");
            self.at += 1;
        }
        if self.take("(") {
            while !self.take(")") {
                self.word()?;
                self.at += 1;
            }
        }
        while self.take("[") {
            self.expect("]")?;
            kind.push_str("[]");
        }
        Some(kind)
    }
}

const TEXTS: &[&str] = &["text", "character varying", "bpchar", "character"];
const NUMBERS: &[&str] = &["smallint", "integer", "bigint", "numeric", "real", "double precision"];

/// A cast that changes nothing of what is compared; `None` for any other.
fn cast(of: Expression, kind: &str) -> Option<Expression> {
    let kind = kind.trim_end_matches("[]");
    match of {
        Expression::Text(text) if NUMBERS.contains(&kind) => text.parse().ok().map(Expression::Number),
        // Equal to more texts than itself.
        Expression::Text(_) if kind == "citext" => None,
        Expression::Text(text) => Some(Expression::Text(text)),
        Expression::Number(number) => NUMBERS.contains(&kind).then_some(Expression::Number(number)),
        // To a narrower one would round.
        Expression::Column(name) => {
            let same = TEXTS.contains(&kind) || ["bigint", "numeric", "double precision"].contains(&kind);
            same.then_some(Expression::Column(name))
        }
        Expression::List(items) => {
            items.into_iter().map(|item| cast(item, kind)).collect::<Option<_>>().map(Expression::List)
        }
        Expression::Null => Some(Expression::Null),
        Expression::Bool(_)
        | Expression::Call(..)
        | Expression::Compare(..)
        | Expression::Among(..)
        | Expression::IsNull(_)
        | Expression::And(_)
        | Expression::Or(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_guessed_at() {
        for source in [
            "(a + 1) > 0",
            "NOT (a > 0)",
            "a > (0",
            "CASE WHEN a THEN b ELSE c END",
            "(a)::integer > 3",
            "a ~ E'\\\\d'::text",
            "a <> ALL (ARRAY[1, 2])",
            "a > 0 b",
            "",
            "'open",
            "\"ALL\" = ANY (ARRAY[1, a + 1])",
        ] {
            assert_eq!(read(source), None, "{source}");
        }
    }

    #[test]
    fn casts_and_brackets_make_no_difference() {
        assert_eq!(read("((a >= '-5'::integer))"), read("a >= -5"));
        assert_eq!(read("((s)::text = ANY ((ARRAY['x'::character varying, 'y''z'::character varying])::text[]))"), {
            let texts = ["x", "y'z"].map(|text| Expression::Text(text.to_owned()));
            Some(Expression::Among(
                Box::new(Expression::Column("s".to_owned())),
                Box::new(Expression::List(texts.to_vec())),
            ))
        });
    }
}
