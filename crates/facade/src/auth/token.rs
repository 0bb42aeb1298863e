//! A caller's token.

use sha2::{Digest as _, Sha256};

/// A caller's token.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    text: &'a str,
    digest: [u8; 32],
}

impl<'a> Token<'a> {
    /// A token as the caller has sent it.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            digest: Sha256::digest(text.as_bytes()).into(),
        }
    }

    /// As it was sent: for Crossbar, and for the verifier.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Its SHA-256, which stands for it where it must not be kept.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }
}
