//! Times of the hot paths: `cargo bench -p bench --bench times`, for work on one of them.

use std::time::{Duration, Instant};

use bench::cases::{BATCH, NAMES, case};
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
        group.throughput(Throughput::Elements(u64::from(BATCH)));
        group.bench_function("batch", |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let batch = prepare();
                    let begun = Instant::now();
                    batch();
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
