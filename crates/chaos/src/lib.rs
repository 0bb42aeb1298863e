//! Trials of rollcall, each against a real broker and a real rollcall, held to what it promises.
//!
//! By faults: proxies that only this crate knows the truth of, and a schedule of faults drawn from a
//! seed; in the end the table has to equal the truth. By a [`flood`] of garbage. By [`soak`]ing
//! it for long. By [`slow`] clients. And by faults with a [`real`] Kamailio.
//!
//! Never a dependency of the product.

pub mod clock;
pub mod decision;
pub mod dice;
pub mod disk;
pub mod fault;
pub mod feeder;
pub mod fleet;
pub mod flood;
pub mod flushes;
pub mod history;
pub mod judge;
pub mod memory;
pub mod options;
pub mod program;
pub mod proxy;
pub mod quantile;
pub mod real;
pub mod relay;
pub mod report;
pub mod schedule;
pub mod session;
pub mod slow;
pub mod soak;
pub mod strike;
pub mod subject;
pub mod trial;
pub mod truth;
pub mod watch;
pub mod wire;
pub mod world;
