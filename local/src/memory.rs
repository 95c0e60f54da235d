//! What the allocator holds beyond what is in use.

/// Gives it back to the machine.
///
/// Coming up takes more for a moment than the platform holds afterwards, and the allocator returns what is free only
/// as more is asked for and let go.
#[expect(unsafe_code, reason = "the allocator's own call, for which there is no safe one")]
pub fn give_back() {
    // SAFETY: it may be called at any time and from any thread; it touches what is free only.
    unsafe { libmimalloc_sys::mi_collect(true) };
}
