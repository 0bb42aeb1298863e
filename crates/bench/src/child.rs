//! What this program does in a process of its own.

use clap::Subcommand;

use crate::groups::{consume, fill, server};

/// What to do in a process of its own.
#[derive(Debug, Subcommand)]
pub enum Child {
    /// Fills a table and says what memory it takes
    #[command(hide = true)]
    Memory {
        /// Phones
        phones: u32,
        /// Phones of an account
        per_account: u32,
    },
    /// Serves a table over HTTP, as the program does
    #[command(hide = true)]
    Serve {
        /// Phones
        phones: u32,
    },
    /// Serves bytes over HTTP, beside a table that nobody asks for
    #[command(hide = true)]
    Bare {
        /// Phones
        phones: u32,
    },
    /// Consumes a queue and does nothing else
    #[command(hide = true)]
    Consume {
        /// The broker
        uri: String,
        /// The queue
        queue: String,
        /// How many deliveries may be unacknowledged
        prefetch: u16,
    },
}

impl Child {
    /// Does it.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Memory {
                phones,
                per_account,
            } => fill(phones, per_account),
            Self::Serve { phones } => server::serve(phones),
            Self::Bare { phones } => server::serve_bytes(phones),
            Self::Consume {
                uri,
                queue,
                prefetch,
            } => consume(&uri, &queue, prefetch),
        }
    }
}
