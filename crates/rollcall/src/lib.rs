//! The binary's parts: command line, configuration, life cycle, wiring, and the demo.

pub mod accounts;
pub mod admin;
pub mod auth;
pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod healthcheck;
pub mod life;
pub mod metrics;
pub mod serve;
pub mod snapshot;
pub mod telemetry;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod upkeep;
pub mod watched;
