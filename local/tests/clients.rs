//! The services' official clients drive the emulators: `tests/clients`.

use std::process::{Command, Stdio};

#[test]
fn official_clients_cannot_tell_the_emulators_from_the_services() {
    if Command::new("npm").arg("--version").stdout(Stdio::null()).status().is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "there is no npm: install Node.js, without which the official clients cannot be run"
        );
        // A machine with nothing but a Rust toolchain is to be able to run all other tests.
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/clients/run");
    let ran = Command::new("bash").arg(script).env("MAKEGOOD", env!("CARGO_BIN_EXE_makegood")).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
}
