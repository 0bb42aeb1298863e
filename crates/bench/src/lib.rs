//! Measures rollcall, each figure beside its bound; where the bound is a ratio, beside its baseline in
//! the same run.
//!
//! Never a dependency of the product. What is called of the product's inside is in [`adapter`].

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people: three digits matter"
)]

pub mod adapter;
pub mod cases;
pub mod child;
pub mod fixture;
pub mod groups;
pub mod options;
pub mod plan;
pub mod process;
pub mod report;
