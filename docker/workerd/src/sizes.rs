//! How large the functions are as they travel to Workers, against what they may be: `[workers]` of `sizes.toml`.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::{Compression, write::GzEncoder};

use crate::manifest;

/// Prints a function's size: its Wasm and the JavaScript with it, raw, and gzipped at the best level.
///
/// # Errors
/// Where it is larger than it may be.
pub fn report(root: &Path, function: &str, modules: &[String], build: &Path) -> anyhow::Result<()> {
    let (mut raw, mut packed) = (0, 0);
    for module in modules {
        let bytes = fs::read(build.join(module))?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        raw += bytes.len();
        packed += gzip.finish()?.len();
    }
    let budget = manifest::read(&root.join("sizes.toml"))?;
    let most = budget.get("workers").and_then(|sizes| sizes.get(function)?.as_integer());
    let most = most.with_context(|| format!("[workers] of sizes.toml has no size of {function}"))?;
    let most = usize::try_from(most).with_context(|| format!("the size of {function} in [workers] of sizes.toml"))?;
    writeln!(std::io::stdout(), "{function:8} {raw:>9} bytes  {packed:>8} gzipped  of {most:>8}")?;
    ensure!(
        packed <= most,
        "{function} is {} bytes larger than it may be: find what made it so (`cargo tree`, `twiggy`), or raise its line \
         under [workers] in sizes.toml and say why",
        packed - most
    );
    Ok(())
}
