//! What is wrong does not compile, and the compiler says what is.
//!
//! What it says is checked in beside each case. After a change of the toolchain:
//! `TRYBUILD=overwrite cargo test -p makegood-tools --test typed compile`.

#[test]
fn what_is_wrong_in_a_tool_or_a_plan_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/right.rs");
    cases.compile_fail("tests/compile_fail/wrong_*.rs");
}
