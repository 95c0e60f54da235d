//! How large each function may be: `sizes.toml` beside the manifest, exact upper limits in bytes, gzipped.
//!
//! A limit stands a little above what was built last, so that whoever makes a function larger says so by raising it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Report;

pub const FILE: &str = "sizes.toml";

/// The limits, by function. What the file says of Workers is held by what builds for them, `docker/workerd`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Budget {
    /// Bytes with gzip at its best level.
    spin: BTreeMap<String, u64>,
}

impl Budget {
    /// Reads the budget beside a manifest.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// An error that says which Spin component is too large and by how much, which has no limit, and which limit is
    /// for no function.
    pub fn hold(&self, report: &Report) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for size in &report.0 {
            match self.spin.get(&size.function) {
                None => wrong.push(format!(
                    "{} has no limit: add {} = {} to [spin]",
                    size.function, size.function, size.gzipped
                )),
                Some(limit) if size.gzipped > *limit => wrong.push(format!(
                    "{} has {} bytes gzipped, {} more than its limit of {limit}",
                    size.function,
                    size.gzipped,
                    size.gzipped - limit
                )),
                Some(_) => {}
            }
        }
        let built = |name: &str| report.0.iter().any(|size| size.function == name);
        wrong.extend(self.spin.keys().filter(|name| !built(name)).map(|name| format!("{name} is no function")));
        ensure!(
            wrong.is_empty(),
            "The functions do not keep {FILE}:\n  {}\nMake smaller what grew, or raise the limit and say why in the commit.",
            wrong.join("\n  ")
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Size;

    fn held(budget: &str, sizes: &[(&str, u64)]) -> Result<(), String> {
        let budget: Budget = toml::from_str(budget).unwrap();
        let size = |&(function, gzipped): &(&str, u64)| Size { function: function.into(), bytes: 2 * gzipped, gzipped };
        budget.hold(&Report(sizes.iter().map(size).collect())).map_err(|error| error.to_string())
    }

    #[test]
    fn what_grew_is_named_with_by_how_much() {
        assert_eq!(held("spin = { a = 10, b = 20 }", &[("a", 10), ("b", 3)]), Ok(()));
        let grown = held("spin = { a = 10, b = 20 }", &[("a", 13), ("b", 20)]).unwrap_err();
        assert!(grown.contains("a has 13 bytes gzipped, 3 more than its limit of 10"), "{grown}");
        assert!(!grown.contains("b has"), "{grown}");
    }

    #[test]
    fn a_function_without_a_limit_and_a_limit_without_a_function_are_named() {
        let wrong = held("spin = { a = 10, c = 1 }", &[("a", 1), ("b", 7)]).unwrap_err();
        assert!(wrong.contains("b has no limit: add b = 7 to [spin]") && wrong.contains("c is no function"), "{wrong}");
    }

    #[test]
    fn no_function_of_this_repository_may_be_larger_than_700_kilobytes_on_either_platform() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE);
        let limits: BTreeMap<String, BTreeMap<String, u64>> =
            toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(limits.keys().eq(["spin", "workers"]), "{limits:?}");
        for (platform, limits) in limits {
            assert!(limits.keys().eq(["chat", "debug", "execute", "intent", "webhook"]), "{platform}: {limits:?}");
            for (function, limit) in limits {
                assert!(limit < 700_000, "{platform}: {function}: {limit}");
            }
        }
    }
}
