//! German puts the verb at the end and `nicht` behind it; the English grammar wants both in front.
//!
//! An infinitive moves behind the words that call for it (`kannst du`, `ich möchte`), or to the front of what stands
//! before it; a denial moves to the front of its clause. What somebody is to be told is never touched.

use super::lexicon::{Piece, Role};
use super::tokens::Form;

/// Verbs that begin a wish, as the lexicons write them.
const ACTIONS: [&str; 33] = [
    "reserve",
    "book",
    "order",
    "call",
    "fetch",
    "drive",
    "bring",
    "take",
    "deliver",
    "pay",
    "transfer",
    "give",
    "tell",
    "write",
    "send",
    "inform",
    "notify",
    "ask",
    "invite",
    "put",
    "add",
    "note",
    "remind",
    "check",
    "find",
    "show",
    "recommend",
    "get",
    "arrange",
    "make",
    "cancel",
    "look",
    "pick",
];
const TELLING: [&str; 8] = ["tell", "write", "send", "inform", "notify", "ask", "invite", "remind"];
const CONJUNCTIONS: [&str; 12] =
    ["and", ",", "or", "but", "then", "first", "also", "please", "before", "after", "once", "you"];

pub(super) fn arrange(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut sentence = Sentence::default();
    for piece in pieces {
        sentence.add(piece);
    }
    sentence.orders();
    sentence.pieces
}

#[derive(Default)]
struct Sentence {
    pieces: Vec<Piece>,
    /// Where the sentence begins, and where what no verb has claimed.
    start: usize,
    region: usize,
    tells: bool,
    /// What is to be remembered follows behind a comma.
    reminds: bool,
    /// What follows is said to somebody else.
    speech: bool,
}

impl Sentence {
    fn word(&self, at: usize) -> &str {
        self.pieces.get(at).map_or("", |piece| piece.token.word.as_str())
    }

    fn add(&mut self, piece: Piece) {
        let mark = piece.token.form == Form::Mark;
        let word = piece.token.word.as_str();
        if mark && [".", ";", "!", "?"].contains(&word) && !self.speech {
            self.pieces.push(piece);
            (self.start, self.region, self.tells) = (self.pieces.len(), self.pieces.len(), false);
            self.reminds = false;
            return;
        }
        let told = self.tells
            && (["that", ":", "whether", "if", "saying"].contains(&word)
                || piece.token.form == Form::Quoted
                || word == "," && self.reminds);
        self.speech |= told;
        if self.speech {
            self.pieces.push(piece);
            return;
        }
        match piece.role {
            Role::Denial => {
                let clause = (self.start..self.pieces.len())
                    .rev()
                    .find(|at| ["and", ",", "but", "or", "if", "unless", "because"].contains(&self.word(*at)));
                let at = clause.map_or(self.start, |at| at + 1);
                self.region += usize::from(at <= self.region);
                self.pieces.insert(at, piece);
            }
            Role::Infinitive => self.infinitive(piece),
            Role::Plain | Role::Frame | Role::Place => {
                let action = piece.role == Role::Plain && ACTIONS.contains(&word);
                self.tells |= action && (TELLING.contains(&word)) || word == "details";
                self.reminds |= action && word == "remind";
                self.pieces.push(piece);
                if action {
                    self.region = self.pieces.len();
                }
            }
        }
    }

    fn infinitive(&mut self, piece: Piece) {
        self.tells |= TELLING.contains(&piece.token.word.as_str());
        // `einen Tisch zu buchen`
        if self.pieces.len() > self.region && self.pieces.last().is_some_and(|last| last.token.word == "to") {
            self.pieces.pop();
        }
        // `wo kann man essen` is a question.
        if ["where", "what", "which", "how"].contains(&self.word(self.region)) {
            self.pieces.push(piece);
            self.region = self.pieces.len();
            return;
        }
        let frame = (self.region..self.pieces.len()).rev().find(|at| {
            let frame = self.pieces.get(*at).is_some_and(|piece| piece.role == Role::Frame);
            frame && self.word(*at) != "please"
        });
        let at = frame.map_or_else(
            || {
                let joined = (self.region..self.pieces.len()).take_while(|at| CONJUNCTIONS.contains(&self.word(*at)));
                self.region + joined.count()
            },
            |frame| frame + 1,
        );
        if frame.is_some() && self.word(at) == "," {
            self.pieces.remove(at);
        }
        self.pieces.insert(at, piece);
        self.region = self.pieces.len();
    }

    /// Things are ordered `bei` a shop: from it.
    fn orders(&mut self) {
        let mut orders = false;
        for piece in &mut self.pieces {
            let word = piece.token.word.as_str();
            if ACTIONS.contains(&word) || piece.token.form == Form::Mark && word == "." {
                orders = ["order", "deliver", "bring"].contains(&word);
            } else if ["table", "taxi", "reservation", "ride"].contains(&word) {
                orders = false;
            } else if orders && piece.role == Role::Place {
                piece.token.word = "from".to_owned();
            }
        }
    }
}
