//! From spans to the rows of the table, in the order in which they are read: the saga, who planned it, its invocations,
//! and then each step with what undid it directly below. Of what is alike, such as the parts of a fan-out, a few rows
//! are shown, all that went wrong, and one that stands for the others. What nothing has happened to yet comes last.

use std::collections::{BTreeMap, BTreeSet};

use makegood_edge::core::saga::{Report, StepReport};
use makegood_edge::core::time::Millis;
use makegood_edge::core::trace::{Span, SpanId, Status, Trace, What};

/// So many may be alike before they are folded; so many of them are shown then, and so many more that have something to
/// tell.
const MOST_ALIKE: usize = 12;
const EXAMPLES: usize = 3;
const MOST_NOTABLE: usize = 50;

/// No step is called so: there is a space in it.
const INVOCATIONS: &str = "more invocations";

/// One row of the table.
pub enum Line<'a> {
    Row(Row<'a>),
    Many(Many<'a>),
    /// A step without a span.
    Idle(&'a StepReport),
}

/// A span, and what its bar is made of.
pub struct Row<'a> {
    pub span: &'a Span,
    /// Its attempts and waits. One alone has no row of its own: it would say the same again.
    pub parts: Vec<&'a Span>,
    /// The step that it undoes.
    pub undoes: Option<&'a Span>,
    /// Of a part: its place among those of its kind, from 1.
    pub number: Option<usize>,
}

/// What stands for many that are alike.
#[derive(Default)]
pub struct Many<'a> {
    pub name: &'a str,
    pub number: usize,
    /// Of them.
    pub failed: usize,
    pub open: usize,
    pub undone: usize,
    /// From the first to the last of them, and of their undos; `None` for the end of what is under way.
    pub forward: Option<(Millis, Option<Millis>)>,
    pub back: Option<(Millis, Option<Millis>)>,
}

impl Row<'_> {
    /// Its only part is drawn in its bar. What others did within a call is not the call, and has its own.
    pub fn is_one(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.what != What::Other)
    }
}

/// A span with its parts and its undo.
type Block<'a> = Vec<Row<'a>>;

/// `unfolded`: all that is alike has its rows too.
pub fn lines<'a>(trace: &'a Trace, report: &'a Report, unfolded: bool) -> Vec<Line<'a>> {
    let tree = Tree::of(trace);
    let mut names = BTreeMap::new();
    names.extend(report.steps.iter().map(|step| (step.ix, step.id.as_str())));
    let mut kinds: Vec<(Option<&str>, Vec<Block<'a>>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut begun: BTreeSet<u32> = BTreeSet::new();
    for span in trace.spans.iter().filter(|span| tree.stands_alone(span)) {
        begun.extend(span.node);
        let alike = alike(span, &names);
        let next = kinds.len();
        let place = alike.map_or(next, |name| *places.entry(name).or_insert(next));
        if place == next {
            kinds.push((alike, Vec::new()));
        }
        if let Some((_, blocks)) = kinds.get_mut(place) {
            blocks.push(tree.block(span));
        }
    }
    let mut lines = Vec::new();
    for (name, blocks) in kinds {
        match name {
            Some(name) if blocks.len() > MOST_ALIKE && !unfolded => fold(name, blocks, &mut lines),
            _ => lines.extend(blocks.into_iter().flatten().map(Line::Row)),
        }
    }
    lines.extend(report.steps.iter().filter(|step| !begun.contains(&step.ix)).map(Line::Idle));
    lines
}

/// What a span is one of many of: invocations, or the parts of one fan-out.
fn alike<'a>(span: &Span, names: &BTreeMap<u32, &'a str>) -> Option<&'a str> {
    if span.what == What::Invocation {
        return Some(INVOCATIONS);
    }
    let name = span.node.filter(|_| span.what == What::Step).and_then(|ix| names.get(&ix))?;
    name.strip_suffix(']')?.rsplit_once('[').map(|(name, _)| name)
}

fn fold<'a>(name: &'a str, blocks: Vec<Block<'a>>, lines: &mut Vec<Line<'a>>) {
    let mut many = Many { name, ..Many::default() };
    let (mut examples, mut notable) = (0, 0);
    for block in blocks {
        let tells = block.iter().any(|row| row.span.status == Status::Error || row.span.end.is_none());
        let (seen, most) = if tells { (&mut notable, MOST_NOTABLE) } else { (&mut examples, EXAMPLES) };
        *seen += 1;
        if *seen <= most {
            lines.extend(block.into_iter().map(Line::Row));
        } else {
            many.take(&block);
        }
    }
    if many.number > 0 {
        lines.push(Line::Many(many));
    }
}

impl Many<'_> {
    fn take(&mut self, block: &[Row<'_>]) {
        self.number += 1;
        self.failed += usize::from(block.iter().any(|row| row.span.status == Status::Error));
        self.open += usize::from(block.iter().any(|row| row.span.end.is_none()));
        for row in block.iter().filter(|row| row.number.is_none()) {
            let undo = row.span.what == What::Undo;
            self.undone += usize::from(undo && row.span.status == Status::Ok);
            let extent = if undo { &mut self.back } else { &mut self.forward };
            let (from, to) = (row.span.start, row.span.end);
            *extent =
                Some(extent.map_or((from, to), |(first, last)| {
                    (first.min(from), last.zip(to).map(|(last, to)| last.max(to)))
                }));
        }
    }
}

/// What belongs to what.
struct Tree<'a> {
    root: Option<SpanId>,
    known: BTreeMap<[u8; 8], &'a Span>,
    parts: BTreeMap<[u8; 8], Vec<&'a Span>>,
    undos: BTreeMap<[u8; 8], Vec<&'a Span>>,
}

impl<'a> Tree<'a> {
    fn of(trace: &'a Trace) -> Self {
        let root = trace.spans.first().map(|span| span.id);
        let mut tree = Self { root, known: BTreeMap::new(), parts: BTreeMap::new(), undos: BTreeMap::new() };
        tree.known.extend(trace.spans.iter().map(|span| (span.id.0, span)));
        for span in &trace.spans {
            if let Some(step) = tree.undone_by(span) {
                tree.undos.entry(step.id.0).or_default().push(span);
            } else if !tree.stands_alone(span)
                && let Some(parent) = span.parent
            {
                tree.parts.entry(parent.0).or_default().push(span);
            }
        }
        tree
    }

    /// It is below no other row.
    fn stands_alone(&self, span: &Span) -> bool {
        let below = span.parent.filter(|parent| Some(*parent) != self.root && self.known.contains_key(&parent.0));
        below.is_none() && self.undone_by(span).is_none()
    }

    fn undone_by(&self, span: &Span) -> Option<&'a Span> {
        let linked = span.links.iter().find_map(|link| self.known.get(&link.0));
        linked.copied().filter(|step| span.what == What::Undo && step.what == What::Step)
    }

    fn block(&self, span: &'a Span) -> Block<'a> {
        let mut block = Vec::new();
        self.rows(span, None, &mut block);
        for &undo in self.undos.get(&span.id.0).into_iter().flatten() {
            self.rows(undo, Some(span), &mut block);
        }
        block
    }

    fn rows(&self, span: &'a Span, undoes: Option<&'a Span>, block: &mut Block<'a>) {
        let mut parts = Vec::new();
        self.below(span, &mut parts);
        let row = Row { span, parts: parts.clone(), undoes, number: None };
        let alone = row.is_one();
        block.push(row);
        for (place, &part) in parts.iter().enumerate().filter(|_| !alone) {
            let number = parts.iter().take(place + 1).filter(|earlier| earlier.what == part.what).count();
            block.push(Row { span: part, parts: Vec::new(), undoes: None, number: Some(number) });
        }
    }

    /// Not by calling itself: nobody knows how deep others go.
    fn below(&self, span: &Span, found: &mut Vec<&'a Span>) {
        let parts = |of: &Span| self.parts.get(&of.id.0).into_iter().flatten().rev().copied();
        let mut open: Vec<&'a Span> = Vec::new();
        open.extend(parts(span));
        while let Some(part) = open.pop() {
            found.push(part);
            open.extend(parts(part));
        }
    }
}
