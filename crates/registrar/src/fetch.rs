//! Memory that is fetched before it is needed.

/// Has the processor fetch the first line of something into its cache, without waiting for it. Does
/// nothing where that cannot be asked for.
pub(crate) fn fetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(what);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
