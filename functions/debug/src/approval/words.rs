//! Values in words: what a step is made with, for people who do not read JSON. Nothing is left out or cut short here,
//! for it is what they agree to.

use makegood_edge::serde_json::{Map, Value};
use makegood_edge::visible::visible;
use maud::{Markup, html};

/// The fields of a step's parameters, or of a value within them.
pub fn fields(fields: &Map<String, Value>) -> Markup {
    html! {
        @if fields.is_empty() { p class="soft" { "Nothing." } }
        dl {
            @for (name, value) in fields {
                dt { (label(name)) }
                dd { (self::value(value)) }
            }
        }
    }
}

fn value(value: &Value) -> Markup {
    match value {
        Value::Null => html! { span class="soft" { "nothing" } },
        Value::Bool(true) => html! { "yes" },
        Value::Bool(false) => html! { "no" },
        Value::Number(number) => html! { (number) },
        Value::String(text) if text.is_empty() => html! { span class="soft" { "an empty text" } },
        Value::String(text) => text_of(text),
        Value::Array(items) if items.is_empty() => html! { span class="soft" { "an empty list" } },
        Value::Array(items) => html! {
            ul { @for item in items { li { (self::value(item)) } } }
        },
        Value::Object(inner) => fields(inner),
    }
}

/// A text of somebody else's, which does not turn what stands beside it round.
pub fn text_of(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// `party_size`, `partySize` and `party-size` as `Party size`. What is not made of letters and digits stays as it is.
fn label(name: &str) -> Markup {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return html! { code { (text_of(name)) } };
    }
    let mut words = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for char in name.chars() {
        match char {
            '_' | '-' => words.push(' '),
            char if char.is_ascii_uppercase() && lower => {
                words.push(' ');
                words.push(char.to_ascii_lowercase());
            }
            char => words.push(if words.is_empty() { char.to_ascii_uppercase() } else { char }),
        }
        lower = char.is_ascii_lowercase();
    }
    html! { (words) }
}

/// An amount of the smallest coin, as tools give it.
pub fn money(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use makegood_edge::serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_told_in_words() {
        let params = json!({
            "party_size": 4, "guestName": "Ann", "vip": true, "note": "", "none": null, "tags": ["a", {"b_c": 1}], "empty": [],
        });
        let told = fields(params.as_object().unwrap()).into_string();
        for part in [
            "<dt>Party size</dt><dd>4</dd>",
            "<dt>Guest name</dt><dd><bdi>Ann</bdi></dd>",
            "<dt>Vip</dt><dd>yes</dd>",
            "an empty text",
            "<span class=\"soft\">nothing</span>",
            "<ul><li><bdi>a</bdi></li><li><dl><dt>B c</dt><dd>1</dd></dl></li></ul>",
            "an empty list",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn hostile_names_and_texts_stay_text() {
        let params = json!({"<b>": "\u{202e}<script>", "a\u{200b}b": 1});
        let told = fields(params.as_object().unwrap()).into_string();
        assert!(told.contains("<code><bdi>&lt;b&gt;</bdi></code>"), "{told}");
        assert!(told.contains("[U+202E]&lt;script&gt;") && told.contains("a[U+200B]b"), "{told}");
    }

    #[test]
    fn money_has_two_places() {
        assert_eq!([0, 5, 250, -1999].map(money), ["0.00", "0.05", "2.50", "-19.99"]);
    }
}
