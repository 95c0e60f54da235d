//! Files of `NAME=value` lines: `.env`, `.dev.vars`, `production.env`.
//!
//! One such file is read by several programs, and they do not agree: wrangler ends an unquoted value at a `#` and
//! puts the environment's values in the place of `$NAME`, even in quotes; Spin and shells take quotes out of the midst
//! of a value. So whatever they would read differently is refused, by its line and never with the value. What is left
//! is read as all of them read it (dotenv 16 and dotenv-expand 12 in wrangler 4.164, dotenvy in Spin, POSIX shells).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};

/// Reads a file. `export` may stand before a name. `wrangler`: it is wrangler that will read it.
///
/// # Errors
/// Where it cannot be read, or has a line that is none, or one that is not the same to all who read it.
pub fn read(file: &Path, wrangler: bool) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("{}: line {}", file.display(), number + 1);
        let Some((name, written)) = line.trim_start_matches("export ").split_once('=') else {
            // Not the line itself: it may be half of a secret.
            bail!("{} is not NAME=value.", place());
        };
        let name = name.trim();
        let value = value(written.trim(), wrangler);
        let value = value.map_err(|why| anyhow::anyhow!("{}: the value of {name} {why}", place()))?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

const QUOTE: &str = "Put the value in double quotes.";

fn value(written: &str, wrangler: bool) -> Result<String, String> {
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let Some(quote) = quote else {
        for (character, told) in [('#', "a `#`"), ('"', "a quote"), ('\'', "a quote"), ('`', "a backquote")] {
            if written.contains(character) {
                return Err(format!(
                    "has {told} and no quotes around it: not all who read the file end it there. {QUOTE}"
                ));
            }
        }
        if written.contains(char::is_whitespace) {
            return Err(format!("has a space and no quotes around it. {QUOTE}"));
        }
        return unescaped(written);
    };
    let Some(inside) = written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) else {
        return Err("opens a quote and does not end with it. Close it, and put nothing behind it.".to_owned());
    };
    if inside.contains(quote) {
        return Err(format!("has a {quote} within such quotes. Take the other kind of quotes."));
    }
    match quote {
        '\'' if wrangler && inside.contains('$') => {
            Err("has a `$` within single quotes, which wrangler takes for a variable. Write \\$ in double quotes."
                .to_owned())
        }
        '\'' => Ok(inside.to_owned()),
        _ => unescaped(inside),
    }
}

/// `\$` is a `$`; any other use of either character is read in more ways than one.
fn unescaped(text: &str) -> Result<String, String> {
    let bare = text.replace("\\$", "");
    if bare.contains('$') {
        return Err("has a `$`, which begins the name of a variable. Write \\$ for one that is meant.".to_owned());
    }
    if bare.contains('\\') {
        return Err("has a backslash that is not before a `$`. Put the value in single quotes.".to_owned());
    }
    Ok(text.replace("\\$", "$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_who_read_it_agree_on_is_read_so() {
        for (written, read) in [
            ("abc", "abc"),
            ("", ""),
            ("\"a#b c\"", "a#b c"),
            ("\"a\\$HOME\"", "a$HOME"),
            ("a\\$HOME", "a$HOME"),
            ("'{\"hotel\": {\"url\": \"https://h.test/mcp\"}}'", "{\"hotel\": {\"url\": \"https://h.test/mcp\"}}"),
            ("'a\\b'", "a\\b"),
            ("\"it's\"", "it's"),
            ("postgres://u:p%24@h/d?sslmode=require&a=b", "postgres://u:p%24@h/d?sslmode=require&a=b"),
        ] {
            assert_eq!(value(written, true), Ok(read.to_owned()), "{written}");
        }
        assert_eq!(value("'a$b'", false), Ok("a$b".to_owned()), "a shell and Spin take it as it is");
    }

    #[test]
    fn what_they_read_differently_is_refused_and_not_shown() {
        for (written, why) in [
            ("s3cret#after", "has a `#`"),
            ("s3cret$HOME", "Write \\$"),
            ("\"s3cret$HOME\"", "Write \\$"),
            ("'s3cret$HOME'", "Write \\$"),
            ("s3c\"ret\"", "has a quote"),
            ("{\"s3cret\":1}", "has a quote"),
            ("s3cret word", "has a space"),
            ("\"s3cret\\n\"", "backslash"),
            ("\"s3cret", "opens a quote"),
            ("\"s3cret\" # why", "opens a quote"),
            ("\"s3\"cret\"", "within such quotes"),
        ] {
            let told = value(written, true).unwrap_err();
            assert!(told.contains(why) && !told.contains("s3cret"), "{written}: {told}");
        }
    }

    #[test]
    fn the_line_and_the_name_are_told() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("production.env");
        std::fs::write(&file, "# a comment\n\nREGION=fra\nQSTASH_TOKEN=s3cret#$HOME\n").unwrap();
        let told = read(&file, true).unwrap_err().to_string();
        assert!(told.contains("line 4: the value of QSTASH_TOKEN has a `#`") && !told.contains("s3cret"), "{told}");
        std::fs::write(&file, "s3cret\n").unwrap();
        let told = read(&file, true).unwrap_err().to_string();
        assert!(told.contains("line 1 is not NAME=value") && !told.contains("s3cret"), "{told}");
    }
}
