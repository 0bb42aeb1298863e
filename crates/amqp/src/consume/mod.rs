//! Consuming: events in order, questions and answers beside them.

mod answering;
mod deliver;
mod events;
mod inbox;
mod pulse;

pub(crate) use events::Events;
pub(crate) use inbox::Inbox;
pub(crate) use pulse::Pulse;
