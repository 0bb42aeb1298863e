//! `openapi`, `completions`, `man`.

use std::{io::Write as _, path::Path};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::output::line;
use crate::cli::Cli;

/// `rollcall openapi`
pub(super) fn openapi() -> anyhow::Result<()> {
    line(&facade::description())
}

/// `rollcall completions`
pub(super) fn completions(shell: Shell) -> anyhow::Result<()> {
    // Into memory first: a reader that has had enough would make the generator panic.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rollcall", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// `rollcall man`
pub(super) fn man(folder: Option<&Path>) -> anyhow::Result<()> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        return Ok(std::io::stdout().write_all(&page)?);
    };
    clap_mangen::generate_to(Cli::command(), folder).with_context(|| {
        format!(
            "cannot write to {}: is it a folder that you may write to?",
            folder.display()
        )
    })
}
