//! `rollcall-lab`: the real stack by hand, and a broker for a test run.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Real brokers, proxies and phones around rollcall.
#[derive(Debug, Parser)]
#[command(name = "rollcall-lab", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run RabbitMQ, Kamailio, directory, rollcall and phones until SIGTERM
    Stack(cli::stack::Ports),
    /// Answer the proxies' questions for credentials (for containers)
    Directory {
        /// Broker
        #[arg(long)]
        amqp: String,
    },
    /// Register phones and keep them registered (for containers)
    Phones {
        /// Port of the proxy on 127.0.0.1
        #[arg(long, default_value_t = 5060)]
        proxy: u16,
    },
    /// Run a command with a broker for its tests
    Broker {
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match Args::parse().command {
        Command::Stack(ports) => cli::stack::stack(&ports).await,
        Command::Directory { amqp } => cli::parts::directory(&amqp).await,
        Command::Phones { proxy } => cli::parts::phones(proxy).await,
        Command::Broker { command } => cli::parts::broker(&command).await,
    }
}
