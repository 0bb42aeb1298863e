//! Asking the proxies who is registered, since events alone drift from the truth: a lost connection
//! and an expiry at the proxy send none, and what was published while a broker was down is lost.
//!
//! A binding that a proxy has and the table lacks is taken in as it is told ([`survey`]). A
//! registration that its proxy lacks is asked for again before it goes ([`ghosts`]), and so is one for
//! which its proxy holds another contact ([`contradictions`]).

mod contradictions;
mod ghosts;
mod recheck;
mod rounds;
mod survey;

pub use rounds::ReconcileSettings;
pub(crate) use rounds::Reconciler;
