//! `openapi`, `completions`, `man`.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::output::line;

/// `rollcall openapi`
pub fn openapi() -> anyhow::Result<()> {
    line(&facade::description())
}

/// `rollcall completions`
pub fn completions(mut command: Command, shell: Shell) -> anyhow::Result<()> {
    // Into memory first: a closed pipe would make the generator panic.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "rollcall", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// What `man` takes.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// An existing folder for rollcall.1 and a page for each command; without it rollcall.1 is
    /// printed
    folder: Option<PathBuf>,
}

impl ManArgs {
    /// `rollcall man`
    pub fn run(self, command: Command) -> anyhow::Result<()> {
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return Ok(std::io::stdout().write_all(&page)?);
        };
        clap_mangen::generate_to(command, &folder).with_context(|| {
            format!(
                "cannot write to {}: is it a folder that you may write to?",
                folder.display()
            )
        })
    }
}
