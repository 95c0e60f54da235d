//! The language of `Upstash-Retry-Delay`: arithmetic over `retried`, with
//! `pow sqrt abs exp floor ceil round min max`. Parsing is total and bounded
//! in depth; evaluation cannot fail, though its value may not be finite.

const MAX_LENGTH: usize = 1_000;
const MAX_DEPTH: u32 = 50;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression(Node);

#[derive(Clone, Debug)]
enum Node {
    Number(f64),
    Retried,
    Negate(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Unary(fn(f64) -> f64),
    Binary(fn(f64, f64) -> f64),
}

impl Expression {
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("longer than {MAX_LENGTH} characters"));
        }
        let mut parser = Parser { text, at: 0 };
        let node = parser.sum(0)?;
        match parser.peek() {
            None => Ok(Self(node)),
            Some(c) => Err(format!("unexpected '{c}' at {}", parser.at)),
        }
    }

    /// Milliseconds before the retry that follows `retried` earlier ones.
    pub fn evaluate(&self, retried: u32) -> f64 {
        evaluate(&self.0, f64::from(retried))
    }
}

fn evaluate(node: &Node, retried: f64) -> f64 {
    match node {
        Node::Number(number) => *number,
        Node::Retried => retried,
        Node::Negate(inner) => -evaluate(inner, retried),
        Node::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, retried), evaluate(right, retried));
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
                Operator::Remainder => left % right,
            }
        }
        Node::Call(function, arguments) => {
            let value = |i: usize| arguments.get(i).map_or(f64::NAN, |a| evaluate(a, retried));
            match function {
                Function::Unary(f) => f(value(0)),
                Function::Binary(f) => f(value(0), value(1)),
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(format!("expected '{wanted}' at {}", self.at)),
        }
    }

    fn sum(&mut self, depth: u32) -> Result<Node, String> {
        let mut left = self.product(depth)?;
        loop {
            let operator = match self.peek() {
                Some('+') => Operator::Add,
                Some('-') => Operator::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product(depth)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self, depth: u32) -> Result<Node, String> {
        let mut left = self.factor(depth)?;
        loop {
            let operator = match self.peek() {
                Some('*') => Operator::Multiply,
                Some('/') => Operator::Divide,
                Some('%') => Operator::Remainder,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.factor(depth)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn factor(&mut self, depth: u32) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        match self.peek() {
            Some('-') => {
                self.at += 1;
                Ok(Node::Negate(Box::new(self.factor(depth + 1)?)))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.sum(depth + 1)?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(depth),
            Some(c) => Err(format!("unexpected '{c}' at {}", self.at)),
            None => Err("unexpected end".to_owned()),
        }
    }

    fn word(&mut self, belongs: fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn number(&mut self) -> Result<Node, String> {
        let start = self.at;
        let word = self.word(|c| c.is_ascii_digit() || c == '.');
        let number = word.parse().map(Node::Number);
        number.map_err(|_| format!("not a number at {start}"))
    }

    fn name(&mut self, depth: u32) -> Result<Node, String> {
        let start = self.at;
        let function = match self.word(|c| c.is_ascii_alphanumeric() || c == '_') {
            "retried" => return Ok(Node::Retried),
            "sqrt" => Function::Unary(f64::sqrt),
            "abs" => Function::Unary(f64::abs),
            "exp" => Function::Unary(f64::exp),
            "floor" => Function::Unary(f64::floor),
            "ceil" => Function::Unary(f64::ceil),
            "round" => Function::Unary(f64::round),
            "pow" => Function::Binary(f64::powf),
            "min" => Function::Binary(f64::min),
            "max" => Function::Binary(f64::max),
            other => return Err(format!("unknown name '{other}' at {start}")),
        };
        self.expect('(')?;
        let mut arguments = vec![self.sum(depth + 1)?];
        if matches!(function, Function::Binary(_)) {
            self.expect(',')?;
            arguments.push(self.sum(depth + 1)?);
        }
        self.expect(')')?;
        Ok(Node::Call(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    fn value(text: &str, retried: u32) -> f64 {
        Expression::parse(text).unwrap().evaluate(retried)
    }

    #[test]
    fn the_documented_forms_evaluate() {
        assert_eq!(value("1000", 3), 1000.0);
        assert_eq!(value("1000 * (1 + retried)", 2), 3000.0);
        assert_eq!(value("pow(2, retried) * 1000", 3), 8000.0);
        assert_eq!(value("max(1000, pow(2, retried) * 100)", 1), 1000.0);
        assert_eq!(value("-2 + 3 * 4 - 6 / 2 % 2", 0), 9.0);
        assert_eq!(value("floor(sqrt(abs(-10))) + ceil(0.2) + round(.5)", 0), 5.0);
        assert_eq!(value("exp(min(retried, 0))", 9), 1.0);
    }

    #[test]
    fn everything_else_is_an_error_and_never_a_panic() {
        for text in ["", "1 +", "pow(2)", "sqrt(1, 2)", "foo(1)", "retried(", "1 1", "é", "1..2"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
        assert!(Expression::parse(&"(".repeat(900)).is_err());
        assert!(Expression::parse(&"-".repeat(900)).is_err());
    }
}
