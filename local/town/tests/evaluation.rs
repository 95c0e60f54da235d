//! `tests/eval` reads the town's tools from a file, since it needs nothing else of the town.

use std::path::Path;

use serde_json::Value;

#[test]
fn the_evaluation_knows_the_tools_as_the_town_declares_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/eval/data/tools.json");
    let declared = Value::from(makegood_town::definitions());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, format!("{declared:#}\n")).unwrap();
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        known == declared,
        "{} is out of date: UPDATE_GOLDEN=1 cargo test -p makegood-town --test evaluation",
        file.display()
    );
}
