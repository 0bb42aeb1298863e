//! Trials of rollcall against a real broker and a real rollcall process, held to what it promises.
//!
//! Proxies whose truth only this crate knows send events while a schedule of faults, drawn from a
//! seed, breaks what rollcall lives among; in the end the table has to equal the truth. Or the same
//! with a [`real`] Kamailio and real phones.
//!
//! Never a dependency of the product.

pub mod clock;
pub mod decision;
pub mod disk;
pub mod fault;
pub mod fleet;
pub mod flushes;
pub mod history;
pub mod judge;
pub mod options;
pub mod proxy;
pub mod random;
pub mod real;
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
