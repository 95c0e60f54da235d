//! The plan's graph as a tree: every step once, below the last of the steps that it comes after; the
//! others are named beside it, unless the tree shows them above it anyway.
//!
//! A step that alone follows another stands under it without an indentation, so that a chain stays
//! straight however long it is. Where several follow, the branches leave at `├` and `└`.

use std::collections::BTreeMap;

use super::view::Step;

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The branches to the left of the step.
    pub margin: String,
    /// The step's place in the list.
    pub place: usize,
    /// The steps that it comes after as well.
    pub also_after: Vec<&'a str>,
}

/// Lays the steps out. Whatever a step comes after stands before it in the list; an id that does not
/// is passed over.
pub fn rows(steps: &[Step]) -> Vec<Row<'_>> {
    let places: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
    let befores = |place: usize, step: &'_ Step| -> Vec<usize> {
        let known = step.after.iter().filter_map(|id| places.get(id.as_str()).copied());
        known.filter(|before| *before < place).collect()
    };
    let befores: Vec<Vec<usize>> = steps.iter().enumerate().map(|(place, step)| befores(place, step)).collect();
    let parent = |place: usize| befores.get(place).and_then(|befores| befores.iter().max().copied());
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for place in 0..steps.len() {
        children.entry(parent(place)).or_default().push(place);
    }

    let mut rows = Vec::with_capacity(steps.len());
    let mut next = Vec::new();
    branch(children.get(&None), "", &mut next);
    while let Some((place, margin, below)) = next.pop() {
        let above: Vec<usize> = std::iter::successors(parent(place), |place| parent(*place)).collect();
        let others = befores.get(place).into_iter().flatten().filter(|before| !above.contains(before));
        let also_after = others.filter_map(|before| steps.get(*before)).map(|step| step.id.as_str()).collect();
        rows.push(Row { margin, place, also_after });
        branch(children.get(&Some(place)), &below, &mut next);
    }
    rows
}

/// Puts those that follow a step on the stack, the first on top, each with its own margin and with
/// that of what follows it.
fn branch(places: Option<&Vec<usize>>, margin: &str, next: &mut Vec<(usize, String, String)>) {
    let Some(places) = places else { return };
    if let [only] = places.as_slice() {
        next.push((*only, margin.to_owned(), margin.to_owned()));
        return;
    }
    for (turn, place) in places.iter().rev().enumerate() {
        let (own, below) = if turn == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        next.push((*place, format!("{margin}{own}"), format!("{margin}{below}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn drawn(plan: &[(&str, &[&str])]) -> Vec<String> {
        let step = |(id, after): &(&str, &[&str])| {
            let step = json!({"id": id, "tool": "t", "class": "query", "standing": "done", "after": after});
            serde_json::from_value(step).unwrap()
        };
        let steps: Vec<Step> = plan.iter().map(step).collect();
        let line = |row: &Row<'_>| format!("{}{} {}", row.margin, steps[row.place].id, row.also_after.join("+"));
        rows(&steps).iter().map(line).map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn a_chain_stays_straight() {
        assert_eq!(drawn(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]), ["a", "b", "c"]);
    }

    #[test]
    fn a_diamond_closes_under_its_last_side_and_names_the_other() {
        let plan: [(&str, &[&str]); 5] =
            [("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["a", "b", "c"]), ("e", &["d"])];
        assert_eq!(drawn(&plan), ["a", "├─ b", "└─ c", "   d b", "   e"]);
    }

    #[test]
    fn branches_are_closed_in_their_order() {
        let plan: [(&str, &[&str]); 6] =
            [("a", &[]), ("z", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b"]), ("e", &["z"])];
        assert_eq!(drawn(&plan), ["├─ a", "│  ├─ b", "│  │  d", "│  └─ c", "└─ z", "   e"]);
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        assert_eq!(drawn(&[("a", &["ghost", "a", "b"]), ("b", &[])]), ["├─ a", "└─ b"]);
        assert!(drawn(&[]).is_empty());
    }
}
