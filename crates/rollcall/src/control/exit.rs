//! How a command ends, for scripts.

use std::process::ExitCode;

/// What the process ends with; 0 is that all was done. Described in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Something went wrong.
    Failed = 1,
    // 2 is clap's: the command line cannot be read.
    /// The service cannot be reached, or broke off.
    Unreachable = 3,
    /// The token is not valid, or has no right to this; the socket may not be opened.
    NotAllowed = 4,
    /// No such registration.
    NotFound = 5,
    /// The operator did not confirm.
    Declined = 6,
    /// The service runs, but is not ready.
    NotReady = 7,
    /// Some zones did not take a flush.
    Partial = 8,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// An error with a code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What the process ends with.
    pub code: Code,
    /// What was wrong and what to do.
    pub message: String,
}

impl Failure {
    /// The error.
    pub(super) fn of(code: Code, message: impl Into<String>) -> anyhow::Error {
        Self {
            code,
            message: message.into(),
        }
        .into()
    }
}

/// The code of any error.
pub fn code(error: &anyhow::Error) -> Code {
    let failure = error.downcast_ref::<Failure>();
    failure.map_or(Code::Failed, |failure| failure.code)
}
