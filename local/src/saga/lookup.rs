//! Which saga is meant: its whole id, or any part of it at its beginning or end that fits one of the
//! caller's recent sagas only.

use anyhow::bail;
use makegood_core::id::SagaId;

use super::arguments::ListSagas;
use super::client::Installation;
use super::figures::{LONGEST, line};
use super::listing::title;
use super::view::{Line, Listing};

/// Pages of the list that are looked through, of the largest size there is.
const PAGES: usize = 5;
const PAGE: u32 = 200;
/// Sagas that are named where several fit.
const MOST: usize = 5;

/// The whole id of the saga that `given` means.
pub async fn find(installation: &Installation, given: &str) -> anyhow::Result<String> {
    let given = given.to_ascii_lowercase();
    if let Ok(id) = SagaId::try_from(given.clone()) {
        return Ok(id.to_string());
    }
    let mut recent = Vec::new();
    let mut page = ListSagas { limit: PAGE, before: None, saga: None, phase: None, tool: None };
    for _ in 0..PAGES {
        let listing: Listing = installation.get(&address(&page)).await?.read()?;
        recent.extend(listing.sagas);
        (page.before, page.saga) = (listing.next_before.map(|before| before.0), listing.next_saga);
        if page.before.is_none() {
            break;
        }
    }
    pick(&recent, &given)
}

/// Where a page of the list is.
pub fn address(page: &ListSagas) -> String {
    let before = page.before.map(|before| format!("&before={before}")).unwrap_or_default();
    let saga = page.saga.as_ref().map(|saga| format!("&saga={saga}")).unwrap_or_default();
    let narrowed: String = page.narrowed().map(|(name, value)| format!("&{name}={value}")).collect();
    format!("/api/debug/sagas?limit={}{before}{saga}{narrowed}", page.limit)
}

fn pick(recent: &[Line], given: &str) -> anyhow::Result<String> {
    let fits = |line: &&Line| {
        let bare = line.id.strip_prefix("sg_").unwrap_or(&line.id);
        !given.is_empty() && (line.id.starts_with(given) || bare.starts_with(given) || line.id.ends_with(given))
    };
    let found: Vec<&Line> = recent.iter().filter(fits).collect();
    let shown = line(given, LONGEST);
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => bail!(
            "Of your {} latest sagas none has an id that begins or ends with `{shown}`. See `makegood saga list`; \
             of somebody else's saga the whole id is needed.",
            recent.len()
        ),
        several => {
            let lines = several.iter().take(MOST).map(|saga| format!("\n  {}  {}", saga.id, title(&saga.title)));
            let more = several.len().saturating_sub(MOST);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            bail!("`{shown}` fits several of your sagas; give more of the id:{}{more}", lines.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recent(ids: &[&str]) -> Vec<Line> {
        let line = |id: &&str| {
            serde_json::from_value(json!({"id": id, "title": "Dinner", "phase": "stuck", "created_at": 1})).unwrap()
        };
        ids.iter().map(line).collect()
    }

    #[test]
    fn a_page_is_asked_for_as_it_is_wanted() {
        let mut page = ListSagas { limit: 20, before: None, saga: None, phase: None, tool: None };
        assert_eq!(address(&page), "/api/debug/sagas?limit=20");
        (page.before, page.phase, page.tool) = (Some(7), Some("stuck".to_owned()), Some("pay".to_owned()));
        assert_eq!(address(&page), "/api/debug/sagas?limit=20&before=7&phase=stuck&tool=pay");
        page.saga = Some("sg_01abc".to_owned());
        assert_eq!(address(&page), "/api/debug/sagas?limit=20&before=7&saga=sg_01abc&phase=stuck&tool=pay");
    }

    #[test]
    fn a_part_at_either_end_is_enough_if_it_fits_one() {
        let sagas = recent(&["sg_01abc", "sg_01abd", "sg_02abc"]);
        for (given, meant) in [("sg_02", "sg_02abc"), ("02", "sg_02abc"), ("bd", "sg_01abd"), ("sg_01abc", "sg_01abc")]
        {
            assert_eq!(pick(&sagas, given).unwrap(), meant, "{given}");
        }
    }

    #[test]
    fn what_fits_several_names_them_and_what_fits_none_says_so() {
        let sagas = recent(&["sg_01abc", "sg_01abd", "sg_02abc"]);
        let error = pick(&sagas, "abc").unwrap_err().to_string();
        assert!(
            error.contains("sg_01abc  Dinner") && error.contains("sg_02abc") && !error.contains("sg_01abd"),
            "{error}"
        );
        for given in ["", "b", "1a"] {
            assert!(pick(&sagas, given).unwrap_err().to_string().contains("3 latest"), "{given}");
        }
        let many: Vec<String> = (0..9).map(|n| format!("sg_0{n}")).collect();
        let many = recent(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(pick(&many, "0").unwrap_err().to_string().ends_with("and 4 more"));
    }
}
