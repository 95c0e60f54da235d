//! How much memory one call of a tool may have: all its memories and tables together, whatever it is made of.

use wasmtime::ResourceLimiter;

/// What an element of a table takes.
const ELEMENT: usize = size_of::<usize>();
/// A component may be made of several modules; of so many instances, and so many memories and tables of each kind.
const PARTS: usize = 32;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Allowance {
    left: usize,
    /// Whether more was wanted than there was.
    exceeded: bool,
}

impl Allowance {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { left: bytes, exceeded: false }
    }

    pub(super) const fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.exceeded = true,
        }
        !self.exceeded
    }
}

impl ResourceLimiter for Allowance {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current).saturating_mul(ELEMENT)))
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_and_tables_count_together() {
        let mut allowance = Allowance::new(100);
        assert!(allowance.memory_growing(0, 50, None).unwrap());
        assert!(allowance.memory_growing(0, 10, None).unwrap(), "another one");
        assert!(allowance.table_growing(0, 5, None).unwrap());
        assert!(!allowance.is_exceeded());
        assert!(!allowance.memory_growing(50, 51, None).unwrap());
        assert!(allowance.is_exceeded());
        assert!(!allowance.table_growing(5, usize::MAX, None).unwrap());
    }
}
