//! The command line.

#![allow(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// Where the service listens for operators, unless it is told otherwise.
pub const SOCKET: &str = "/run/rollcall/admin.sock";

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
    /// Show who is registered: a line each, with user, contact, path, Call-ID and seconds left
    ///
    /// Example: rollcall summary acme.example.com
    Summary {
        /// Only this realm, or the account that has it; all without it
        realm: Option<String>,
        /// As a table or for programs
        #[command(flatten)]
        format: Format,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Show all that is known of a registration, or of a realm's
    ///
    /// Example: rollcall details user_001@acme.example.com
    Details {
        /// USER@REALM or REALM
        of: String,
        /// A JSON array
        #[arg(long)]
        json: bool,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Count the registrations of a realm, or all
    ///
    /// Example: rollcall count acme.example.com
    Count {
        /// Only this realm, or the account that has it; all without it
        realm: Option<String>,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Flush a registration or a realm: in the cache and on every proxy
    ///
    /// On a terminal it asks before.
    ///
    /// Example: rollcall flush user_001@acme.example.com
    Flush {
        /// USER@REALM or REALM
        of: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Also a user that the cache does not know: the proxies may
        #[arg(long)]
        force: bool,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Have proxies and other registrars asked anew who is registered
    ///
    /// Example: rollcall sync
    Sync {
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Show registrations as they come, change and go, until Ctrl-C
    ///
    /// Example: rollcall watch acme.example.com
    Watch {
        /// Only this realm, or the account that has it; all without it
        realm: Option<String>,
        /// A JSON object a line
        #[arg(long)]
        json: bool,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Show how the service does; ends with 7 if it is not ready
    ///
    /// Example: rollcall status
    Status {
        /// A JSON object
        #[arg(long)]
        json: bool,
        /// The service
        #[command(flatten)]
        service: Service,
    },
    /// Check a configuration file, and the files that it names, without starting anything
    ///
    /// Example: rollcall check-config /etc/rollcall/rollcall.toml
    CheckConfig {
        /// Configuration file; `ROLLCALL_SECTION__KEY` variables go before it
        file: PathBuf,
    },
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
    Man {
        /// An existing folder for rollcall.1 and a page for each command; without it rollcall.1 is
        /// printed
        folder: Option<PathBuf>,
    },
}

/// How a list is shown.
#[derive(Debug, Args)]
pub struct Format {
    /// A JSON array, with all that is known
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Comma-separated values, with a row of names
    #[arg(long)]
    pub csv: bool,
}

/// Which service is talked to, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "The service")]
pub struct Service {
    /// Its Unix socket (setting admin.socket); needs no token
    #[arg(long, env = "ROLLCALL_SOCKET", default_value = SOCKET)]
    pub socket: PathBuf,
    /// Talk HTTP instead, with the token of --token-file or of the variable ROLLCALL_TOKEN; goes
    /// before --socket
    #[arg(long, env = "ROLLCALL_URL")]
    pub url: Option<String>,
    /// File whose first line is the token
    #[arg(long, env = "ROLLCALL_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
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
