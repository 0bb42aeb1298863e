//! The binary's parts: command line, configuration, life cycle, wiring, and the demo.

pub mod accounts;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod healthcheck;
pub mod life;
pub mod serve;
pub mod snapshot;
pub mod telemetry;
pub mod upkeep;
pub mod watched;
