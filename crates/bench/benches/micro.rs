//! Times of the hot paths: `cargo bench -p bench`, for work on one of them. What is compared with
//! what was before are the counts of `scripts/instructions`, which do not depend on what else the
//! machine does.

use std::time::{Duration, Instant};

use bench::cases::{NAMES, case, counted_batch, operations};
use criterion::{Criterion, Throughput};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    for name in NAMES {
        let mut prepare = case(name)?;
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(u64::from(operations(name))));
        group.bench_function("batch", |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let batch = prepare();
                    let begun = Instant::now();
                    counted_batch(batch);
                    spent += begun.elapsed();
                }
                spent
            });
        });
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
