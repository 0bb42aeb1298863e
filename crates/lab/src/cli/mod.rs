//! The subcommands.

pub(crate) mod parts;
pub(crate) mod stack;
