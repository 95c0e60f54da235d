//! The Rust types of a table. They are written as rustfmt would leave them.

use std::fmt::Write as _;

use super::catalogue::Table;
use super::check;
use super::field::Field;

/// What every generated file begins with.
pub(super) const MARK: &str = "// @generated from the database";

/// How long a line of prose may be.
const WIDTH: usize = 110;

fn head(command: &str) -> String {
    format!("{MARK}: do not edit, run this again.\n// {command}\n\n")
}

/// The file that names the others.
pub(super) fn root(modules: &[String], command: &str) -> String {
    let mut text = head(command);
    for module in modules {
        let _ = writeln!(text, "pub mod {};", ident(module));
    }
    text
}

pub(super) fn module(table: &Table, module: &str, input: &[Field], row: &[Field], command: &str) -> String {
    let mut text = head(command);
    let full = table.full_name();
    let _ = writeln!(text, "//! `{full}`.\n");
    let stem = type_name(&table.name);
    let more = unsaid_of_table(table);
    for (side, fields, what) in [("Input", input, "What is written to"), ("Row", row, "A row of")] {
        let name = format!("{stem}{side}");
        let about = format!("{what} `{full}`.");
        let about = table.comment.as_ref().map_or(about.clone(), |comment| format!("{about} {}", comment.trim()));
        if side == "Row" {
            text.push('\n');
        }
        prose(&mut text, "", "///", &about);
        if side == "Input" {
            more.iter().for_each(|check| prose(&mut text, "", "//", &format!("Not in the schema: {check}")));
        }
        text.push_str(
            "#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]\n",
        );
        text.push_str("#[serde(deny_unknown_fields)]\n");
        let _ = writeln!(text, "pub struct {name} {{");
        fields.iter().for_each(|field| member(&mut text, field));
        text.push_str("}\n\n");
        let file = format!("{module}.{}.json", side.to_lowercase());
        let _ = writeln!(text, "makegood_tools::reflected!({name}, include_str!(\"{file}\"));");
    }
    let mut enums: Vec<_> = row.iter().chain(input).flat_map(|field| &field.enums).collect();
    enums.sort_unstable();
    enums.dedup();
    for (name, labels) in enums {
        text.push('\n');
        prose(&mut text, "", "///", &format!("The enum `{name}`."));
        text.push_str("#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, makegood_tools::Shape)]\n");
        let _ = writeln!(text, "pub enum {} {{", type_name(name));
        for label in labels {
            let variant = type_name(label);
            if variant != *label {
                let _ = writeln!(text, "    #[serde(rename = {label:?})]");
            }
            let _ = writeln!(text, "    {variant},");
        }
        text.push_str("}\n");
    }
    text
}

/// Checks over several columns, which belong to no field.
fn unsaid_of_table(table: &Table) -> Vec<String> {
    let checks = check::of_table(table).into_iter();
    checks.filter(|check| check.columns.len() != 1).map(|check| check.text).collect()
}

fn member(text: &mut String, field: &Field) {
    if let Some(comment) = &field.comment {
        prose(text, "    ", "///", comment);
    }
    field.notes.iter().for_each(|note| prose(text, "    ", "//", &format!("Not in the schema: {note}")));
    let name = ident(&field.name);
    if name.trim_start_matches("r#") != field.name {
        let _ = writeln!(text, "    #[serde(rename = {:?})]", field.name);
    }
    if !field.required {
        text.push_str("    #[serde(default, skip_serializing_if = \"Option::is_none\")]\n");
    }
    let _ = writeln!(text, "    pub {name}: {},", field.rust);
}

/// A comment, broken where a line would be too long. Of documentation nothing is code: rustdoc would compile it, and have
/// it run, as a test. Code by indentation there cannot be, for every line begins with one blank.
fn prose(text: &mut String, indent: &str, mark: &str, words: &str) {
    for line in words.lines() {
        let mut length = 0;
        let line = if mark == "///" { without_fences(line) } else { line.to_owned() };
        for word in line.split_whitespace() {
            let long = word.chars().count() + 1;
            if length == 0 || length + long > WIDTH - indent.len() - mark.len() {
                if length > 0 {
                    text.push('\n');
                }
                let _ = write!(text, "{indent}{mark}");
                length = 0;
            }
            let _ = write!(text, " {word}");
            length += long;
        }
        if length == 0 {
            let _ = write!(text, "{indent}{mark}");
        }
        text.push('\n');
    }
}

/// Every mark of a fence with a backslash, which Markdown does not show.
fn without_fences(line: &str) -> String {
    let mut plain = line.to_owned();
    for (fence, mark, escaped) in [("```", "`", "\\`"), ("~~~", "~", "\\~")] {
        if plain.contains(fence) {
            plain = plain.replace(mark, escaped);
        }
    }
    plain
}

/// What the table's files are called.
pub(super) fn module_name(table: &str) -> String {
    let plain: String =
        table.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) || plain == "mod" { format!("_{plain}") } else { plain }
}

/// In camel case, as Rust has its types.
pub(super) fn type_name(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = true;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            upper = true;
        } else if upper {
            camel.extend(c.to_uppercase());
            upper = false;
        } else {
            camel.push(c);
        }
    }
    if camel.starts_with(|c: char| c.is_alphabetic()) && camel != "Self" { camel } else { format!("V{camel}") }
}

/// The keywords of Rust 2024.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// Those that cannot be written raw either.
const NEVER_RAW: &[&str] = &["self", "Self", "super", "crate", "_"];

/// A column's name as Rust can have it.
fn ident(name: &str) -> String {
    let mut plain: String = name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if plain.chars().any(char::is_uppercase) {
        plain = plain.to_lowercase();
    }
    if !plain.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        plain.insert(0, '_');
    }
    if NEVER_RAW.contains(&plain.as_str()) {
        return format!("{plain}_");
    }
    if KEYWORDS.contains(&plain.as_str()) { format!("r#{plain}") } else { plain }
}
