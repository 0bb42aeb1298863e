//! Instructions of the hot paths, 500 operations each, as callgrind counts them: the same on a busy
//! machine. `cargo bench -p bench --bench instructions` compares them with the run before; it needs
//! valgrind, and `cargo install gungraun-runner` in the version of `gungraun` in `Cargo.lock`.
//!
//! With the system's allocator: how many instructions jemalloc takes depends on what its pages look
//! like, and differs by 5 % from one process to the next.

#![allow(missing_docs, reason = "of what macros make")]

use bench::cases::{Batch, case};
use gungraun::prelude::*;

/// A batch, once the lazy parts and the caches are as they will stay.
#[expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
fn warm(name: &str) -> Batch {
    let mut prepare = case(name).unwrap();
    prepare()();
    prepare()
}

#[library_benchmark(setup = warm)]
#[bench::decode("decode")]
#[bench::register("register")]
#[bench::refresh("refresh")]
#[bench::get("get")]
#[bench::list("list")]
#[bench::count("count")]
fn batch(batch: Batch) {
    batch();
}

library_benchmark_group!(name = hot_paths, benchmarks = batch);
main!(library_benchmark_groups = hot_paths);
