//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The registrar cache of a Kazoo cluster.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cache registrations from RabbitMQ and answer the Registrations API
    ///
    /// Example: rollcall serve --config /etc/rollcall/rollcall.toml
    Serve {
        /// Configuration file; `ROLLCALL_SECTION__KEY` variables go before it
        #[arg(long, env = "ROLLCALL_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Ask the service on this machine whether it answers; ends with 1 if not
    ///
    /// Example: rollcall healthcheck --config /etc/rollcall/rollcall.toml
    Healthcheck {
        /// Configuration file of the service; `ROLLCALL_SECTION__KEY` variables go before it
        #[arg(long, env = "ROLLCALL_CONFIG")]
        config: Option<PathBuf>,
        /// Whether it is ready (/readyz), not only alive (/healthz)
        #[arg(long)]
        ready: bool,
    },
    /// Run with simulated proxies and phones and nothing outside this process
    ///
    /// Example: rollcall demo --phones 300
    Demo {
        /// TCP port on 127.0.0.1; 0 takes any that is free
        #[arg(long, default_value_t = 8000)]
        port: u16,
        /// Simulated phones, in three accounts
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(3..=100_000))]
        phones: u32,
    },
}
