//! The binary's parts: command line, configuration, life cycle, wiring, and the demo.

pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod lifecycle;
pub mod metrics;
pub mod serve;
pub mod telemetry;
