//! A trial by faults: a real broker and a real rollcall, proxies that only this crate knows the
//! truth of, and a schedule of faults drawn from a seed. In the end the table has to equal the truth.
//!
//! Never a dependency of the product.

pub mod clock;
pub mod decision;
pub mod dice;
pub mod disk;
pub mod fault;
pub mod fleet;
pub mod flushes;
pub mod history;
pub mod judge;
pub mod options;
pub mod proxy;
pub mod relay;
pub mod report;
pub mod schedule;
pub mod session;
pub mod strike;
pub mod subject;
pub mod trial;
pub mod truth;
pub mod watch;
pub mod wire;
pub mod world;
