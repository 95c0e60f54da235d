//! How large the functions are, raw and as they travel.

use crate::host::manifest::Manifest;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt;
use std::io::Write;

/// The sizes of all built functions, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Size>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub function: String,
    pub bytes: u64,
    /// With gzip at its best level.
    pub gzipped: u64,
}

impl Report {
    /// Measures the artifacts of `manifest` as they are now.
    pub fn of(manifest: &Manifest) -> anyhow::Result<Self> {
        let size = |(name, component): (&String, &crate::host::manifest::Component)| {
            let source = &component.source;
            let wasm = std::fs::read(source)
                .with_context(|| format!("{} is not there: is it what is built?", source.display()))?;
            weigh(name, &wasm)
        };
        let sizes = manifest.components.iter().map(size);
        sizes.collect::<anyhow::Result<_>>().map(Self)
    }
}

/// The size of one component.
pub(crate) fn weigh(name: &str, wasm: &[u8]) -> anyhow::Result<Size> {
    let mut gzip = GzEncoder::new(Count(0), Compression::best());
    gzip.write_all(wasm)?;
    Ok(Size { function: name.to_owned(), bytes: wasm.len() as u64, gzipped: gzip.finish()?.0 })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.0.iter().map(|s| s.function.len()).max();
        let wide = widest.unwrap_or_default().max("function".len());
        write!(f, "{:wide$}  {:>10}  {:>10}", "function", "raw", "gzipped")?;
        for size in &self.0 {
            let (raw, gzipped) = (kilobytes(size.bytes), kilobytes(size.gzipped));
            write!(f, "\n{:wide$}  {raw:>10}  {gzipped:>10}", size.function)?;
        }
        Ok(())
    }
}

/// Thousands of bytes, as platforms count their limits.
fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

/// Counts what is written and keeps none of it.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let size = |function: &str, bytes, gzipped| Size { function: function.into(), bytes, gzipped };
        let report = Report(vec![size("chat", 290_140, 104_050), size("execute", 9, 1)]);
        assert_eq!(
            report.to_string(),
            "function         raw     gzipped\n\
             chat        290.1 kB    104.0 kB\n\
             execute       0.0 kB      0.0 kB"
        );
    }
}
