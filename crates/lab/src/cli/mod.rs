//! The subcommands.

pub(crate) mod down;
pub(crate) mod parts;
pub(crate) mod state;
pub(crate) mod up;
