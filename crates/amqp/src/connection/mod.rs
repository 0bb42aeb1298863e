//! A zone's connection: kept up by its supervisor, and seen by others as a link.

mod attempts;
mod depth;
mod election;
mod link;
mod session;
mod supervisor;

pub(crate) use link::Link;
pub(crate) use supervisor::Supervisor;
