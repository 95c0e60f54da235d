//! Columns that line up, colours or not.

use super::reader::{Colour, Reader};

/// A column is never made wider than this; what is longer stands out.
const WIDEST: usize = 48;

/// One field of a table: pieces of text, some of them in a colour.
#[derive(Clone, Debug, Default)]
pub struct Cell(Vec<(String, Option<Colour>)>);

impl Cell {
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), None)])
    }

    pub fn painted(text: impl Into<String>, colour: Colour) -> Self {
        Self(vec![(text.into(), Some(colour))])
    }

    /// Adds another piece.
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.chars().count()).sum()
    }

    fn draw(&self, reader: &Reader) -> String {
        let piece = |(text, colour): &(String, Option<Colour>)| match colour {
            Some(colour) if !text.is_empty() => reader.paint(*colour, text),
            Some(_) | None => text.clone(),
        };
        self.0.iter().map(piece).collect()
    }
}

/// Draws rows of as many cells each, one a line, without an end of line at the last.
pub fn table<const N: usize>(rows: &[[Cell; N]], reader: &Reader) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let fitting = rows.iter().filter_map(|row| row.get(column)).map(Cell::width).filter(|width| *width <= WIDEST);
        fitting.max().unwrap_or_default()
    });
    let line = |row: &[Cell; N]| {
        let mut line = String::new();
        let mut gap = 0;
        for (cell, width) in row.iter().zip(widths) {
            if cell.width() > 0 {
                line.extend(std::iter::repeat_n(' ', gap));
                line += &cell.draw(reader);
                gap = 0;
            }
            gap += width.saturating_sub(cell.width()) + 2;
        }
        line
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let row = |a: &str, b: &str, c: &str| [a, b, c].map(Cell::plain);
        let rows = [row("a", "", "one"), row("äöü", "b", ""), row("", "", "x")];
        assert_eq!(table(&rows, &Reader::default()), "a       one\näöü  b\n        x");
    }

    #[test]
    fn colours_do_not_move_anything() {
        let rows = [[Cell::painted("✓", Colour::Green).and(Cell::plain(" a")), Cell::plain("b")]];
        let coloured = Reader { colours: true, ..Reader::default() };
        assert_eq!(table(&rows, &coloured), "\u{1b}[32m✓\u{1b}[0m a  b");
    }

    #[test]
    fn one_long_name_does_not_push_all_the_others_away() {
        let long = "x".repeat(WIDEST + 1);
        let rows = [[Cell::plain(long.clone()), Cell::plain("b")], [Cell::plain("a"), Cell::plain("c")]];
        assert_eq!(table(&rows, &Reader::default()), format!("{long}  b\na  c"));
    }
}
