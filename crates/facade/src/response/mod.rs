//! Answers: Crossbar's envelope, revisions, shapes.

mod change_name;
mod envelope;
mod revision;
pub(crate) mod schemas;
mod second;
mod unenveloped;

pub(crate) use change_name::change_name;
pub(crate) use envelope::{Answer, Extras, JSON, before_data, counted, failure, json, success};
pub(crate) use revision::Revision;
pub(crate) use unenveloped::{unenveloped, unenveloped_in};
