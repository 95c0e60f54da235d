//! Writes the OpenAPI document and its page, or, with `--check`, says whether those that are checked in are what the
//! code makes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line: it talks to people")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => {
            eprintln!("makegood-openapi writes the document; with --check it only compares. It takes nothing else.");
            return ExitCode::FAILURE;
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/debug/src");
    let mut failed = false;
    for (name, text) in makegood_openapi::files() {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            println!("functions/debug/src/{name} is what the code makes");
        } else if check {
            eprintln!("functions/debug/src/{name} is not what the code makes: run `cargo run -p makegood-openapi`.");
            failed = true;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{}: {error}", path.display());
            failed = true;
        } else {
            println!("functions/debug/src/{name} is written");
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
