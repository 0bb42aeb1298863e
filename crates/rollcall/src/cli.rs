//! The command line.

#![allow(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::control::{
    CheckArgs, CountArgs, DetailsArgs, FlushArgs, HealthcheckArgs, ManArgs, StatusArgs,
    SummaryArgs, SyncArgs, WatchArgs,
};

/// The registrar cache of a Kazoo cluster.
///
/// Example: rollcall summary acme.example.com
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
    Healthcheck(HealthcheckArgs),
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
    /// Show who is registered: a line each, with user, contact, path, Call-ID and seconds left
    ///
    /// Example: rollcall summary acme.example.com
    Summary(SummaryArgs),
    /// Show all that is known of a registration, or of a realm's
    ///
    /// Example: rollcall details user_001@acme.example.com
    Details(DetailsArgs),
    /// Count the registrations of a realm, or all
    ///
    /// Example: rollcall count acme.example.com
    Count(CountArgs),
    /// Flush a registration or a realm: in the cache and on every proxy
    ///
    /// Asks for confirmation on a terminal.
    ///
    /// Example: rollcall flush user_001@acme.example.com
    Flush(FlushArgs),
    /// Ask proxies and other registrars again who is registered
    ///
    /// Example: rollcall sync
    Sync(SyncArgs),
    /// Show registrations as they come, change and go, until Ctrl-C
    ///
    /// Example: rollcall watch acme.example.com
    Watch(WatchArgs),
    /// Show the service's status; ends with 7 if it is not ready
    ///
    /// Example: rollcall status
    Status(StatusArgs),
    /// Check a configuration file, and the files that it names, without starting anything
    ///
    /// Example: rollcall check-config /etc/rollcall/rollcall.toml
    CheckConfig(CheckArgs),
    /// Print the HTTP API's description (OpenAPI 3.1, JSON)
    ///
    /// Example: rollcall openapi > openapi.json
    Openapi,
    /// Print a script that completes this command line
    ///
    /// Example: rollcall completions bash > /etc/bash_completion.d/rollcall
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Write the manual pages
    ///
    /// Example: rollcall man /usr/local/share/man/man1
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_help_fits_and_gives_an_example() {
        let mut root = Cli::command();
        root.build();
        let mut commands = vec![root.clone()];
        commands.extend(root.get_subcommands().cloned());
        assert!(commands.len() > 12);
        for mut command in commands {
            let name = command.get_name().to_owned();
            if name == "help" {
                continue;
            }
            let short = command.render_help().to_string();
            let long = command.render_long_help().to_string();
            let example = format!("Example: rollcall {name} ");
            let has_one = name == "rollcall" || long.contains(example.trim_end());
            assert!(has_one && long.contains("Example: "), "{name}: {long}");
            for line in short.lines().chain(long.lines()) {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
    }
}
