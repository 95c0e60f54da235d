//! The configs of the five Workers against each other: a value that several functions read is the same for all.

use makegood_edge::settings::{Setting, TABLE};

use super::Finding;
use crate::configuration::Workers;

pub fn check(workers: &Workers) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        TABLE.iter().filter(|setting| !setting.secret).filter_map(|setting| of_one(workers, setting)).collect();
    if findings.is_empty() {
        let what = format!("the vars of {} functions are the same where they share them", workers.0.len());
        findings.push(Finding::well("wrangler configs", what));
    }
    findings
}

fn of_one(workers: &Workers, setting: &Setting) -> Option<Finding> {
    let name = setting.upper();
    let readers = workers.0.iter().filter(|(function, _)| setting.needed_by(function));
    let values: Vec<(&str, Option<&String>)> = readers.map(|(function, vars)| (*function, vars.get(&name))).collect();
    let (_, first) = values.first()?;
    if values.iter().all(|(_, value)| value == first) {
        return None;
    }
    let said: Vec<String> = values
        .iter()
        .map(|(function, value)| match value {
            Some(value) => format!("{function} has {value:?}"),
            None => format!("{function} has none"),
        })
        .collect();
    let what = format!("it is not the same in all wrangler configs: {}", said.join(", "));
    Some(Finding::wrong(setting.name, what, "Write the same into each functions/NAME/wrangler.toml that has it."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[(&'static str, &[(&str, &str)])]) -> Vec<String> {
        let owned = |vars: &[(&str, &str)]| {
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let workers = Workers(values.iter().map(|(function, vars)| (*function, owned(vars))).collect());
        check(&workers).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_differs_is_told_with_who_has_what() {
        let good = said(&[("chat", &[("KILL_MS", "1")]), ("execute", &[("KILL_MS", "1")]), ("debug", &[])]);
        assert!(good.len() == 1 && good[0].starts_with("ok     wrangler configs: "), "{good:?}");
        let bad = said(&[("chat", &[]), ("execute", &[("KILL_MS", "1")])]);
        assert!(bad.len() == 1 && bad[0].contains("chat has none, execute has \"1\""), "{bad:?}");
        let url = |value: &'static str| [("PUBLIC_URL", value)];
        let bad = said(&[("chat", &url("https://a.test")), ("debug", &url("https://b.test"))]);
        assert!(bad.len() == 1 && bad[0].starts_with("WRONG  public_url: it is not the same in all"), "{bad:?}");
    }
}
