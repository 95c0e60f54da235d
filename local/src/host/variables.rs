//! Values for a manifest's variables, and the `{{ name }}` templates that use
//! them.
//!
//! A value comes from the host's own overrides, then from the environment
//! (`SPIN_VARIABLE_NAME`, as in Spin), then from the manifest's default.
//! Providers such as vaults are not for a local host.

use super::manifest::Manifest;
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every application variable with its value.
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Finds a value for every variable of `manifest`; `environment` looks up
    /// one environment variable.
    ///
    /// Fails where a required variable has none, and where an override names a
    /// variable that the manifest does not have.
    pub fn resolve(
        manifest: &Manifest,
        overrides: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        for name in overrides.keys() {
            ensure!(
                manifest.variables.contains_key(name),
                "a value is given for the variable {name:?}, and the manifest has no such \
                 variable: add it under [variables], or drop the value"
            );
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &manifest.variables {
            let key = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
            let value = overrides.get(name).cloned().or_else(|| environment(&key)).or_else(|| variable.default.clone());
            let Some(value) = value else {
                bail!("the variable {name:?} is required and has no value: set {key}");
            };
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    /// The span that the variable `name` holds, in whole milliseconds, at least one.
    pub fn milliseconds(&self, name: &str) -> anyhow::Result<Duration> {
        let text = self.0.get(name).with_context(|| format!("the manifest has no variable {name:?}"))?;
        match text.trim().parse() {
            Ok(0) | Err(_) => bail!("the variable {name:?} is a whole number of milliseconds above 0, not {text:?}"),
            Ok(span) => Ok(Duration::from_millis(span)),
        }
    }

    /// Replaces every `{{ name }}` in `template` by its value.
    pub fn expand(&self, template: &str) -> anyhow::Result<String> {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                bail!("the template {template:?} opens `{{{{` and does not close it");
            };
            let name = name.trim();
            let Some(value) = self.0.get(name) else {
                bail!(
                    "the template {template:?} uses the variable {name:?}, which is not under \
                     [variables]"
                );
            };
            out.push_str(before);
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The rule for names, in a manifest and when a guest asks: words of `a-z` and
/// `0-9` joined by single underscores, starting with a letter.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("a name starts with a lower-case letter");
    }
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match name.split('_').all(word) {
        true => Ok(()),
        false => Err("a name is lower-case letters and digits, joined by single underscores"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn manifest() -> Manifest {
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[variables]\n\
                    host = { default = \"http://here\" }\ntoken = { required = true }\n";
        Manifest::parse(text, Path::new("."), None).unwrap()
    }

    fn resolve(overrides: &[(&str, &str)], env: &[(&str, &str)]) -> anyhow::Result<Values> {
        let owned = |(k, v): &(&str, &str)| (k.to_string(), v.to_string());
        let env: BTreeMap<_, _> = env.iter().map(owned).collect();
        let overrides = overrides.iter().map(owned).collect();
        Values::resolve(&manifest(), &overrides, |k| env.get(k).cloned())
    }

    #[test]
    fn an_override_beats_the_environment_and_that_beats_the_default() {
        let all = resolve(&[("token", "a")], &[("SPIN_VARIABLE_TOKEN", "b")]).unwrap();
        assert_eq!(all.expand("{{token}}").unwrap(), "a");
        let env = resolve(&[], &[("SPIN_VARIABLE_TOKEN", "b"), ("SPIN_VARIABLE_HOST", "c")]);
        assert_eq!(env.unwrap().expand("{{ host }}/{{ token }}").unwrap(), "c/b");
        let default = resolve(&[("token", "a")], &[]).unwrap();
        assert_eq!(default.expand("<{{host}}>").unwrap(), "<http://here>");
    }

    #[test]
    fn a_missing_required_value_says_how_to_set_it() {
        let error = resolve(&[], &[]).err().unwrap().to_string();
        assert!(error.contains("\"token\"") && error.contains("SPIN_VARIABLE_TOKEN"));
    }

    #[test]
    fn a_value_for_no_variable_is_an_error() {
        let error = resolve(&[("tokn", "a")], &[]).err().unwrap().to_string();
        assert!(error.contains("\"tokn\""));
    }

    #[test]
    fn a_span_is_a_whole_number_of_milliseconds_above_0() {
        let span = |text: &str| resolve(&[("token", text)], &[]).unwrap().milliseconds("token");
        assert_eq!(span(" 4000").unwrap(), Duration::from_secs(4));
        for bad in ["0", "-1", "4s", "", "1.5"] {
            assert!(span(bad).unwrap_err().to_string().contains("above 0"), "{bad}");
        }
        assert!(resolve(&[("token", "a")], &[]).unwrap().milliseconds("tokn").is_err());
    }

    #[test]
    fn a_template_with_an_unknown_or_open_name_is_an_error() {
        let values = resolve(&[("token", "a")], &[]).unwrap();
        assert!(values.expand("{{ nobody }}").is_err());
        assert!(values.expand("{{ token").is_err());
        assert_eq!(values.expand("plain } text").unwrap(), "plain } text");
    }

    #[test]
    fn names_are_words_joined_by_underscores() {
        assert!(check_name("qstash_token2").is_ok());
        for bad in ["", "2x", "_a", "a__b", "a_", "A", "a-b"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
