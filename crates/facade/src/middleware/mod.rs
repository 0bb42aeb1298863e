//! What every request and answer passes.

mod boundary;
mod span;

pub(crate) use boundary::boundary;
pub(crate) use span::RequestSpan;
