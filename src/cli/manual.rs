//! `parallax completions SHELL` and `parallax man`: both made from the command line's own definition.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, terminal};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn perform(&self) -> Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "parallax", &mut text);
        terminal::text(&String::from_utf8_lossy(&text))?;
        Ok(Exit::Pass)
    }
}

/// The manual page, in the form that `man` reads: `parallax man | man -l -`.
pub(super) fn man() -> Result<Exit> {
    let failed = |error: std::io::Error| Error::internal(format!("cannot make the manual page: {error}"));
    let mut command = Cli::command();
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(failed)?;
    // One page for all: a command that a reader has to look for elsewhere is one that is not found.
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = format!("parallax {}", command.get_name());
        let page = clap_mangen::Man::new(command.clone().display_name(name));
        text.extend_from_slice(format!(".SH \"{}\"\n", command.get_name().to_uppercase()).as_bytes());
        page.render_description_section(&mut text).map_err(failed)?;
        page.render_synopsis_section(&mut text).map_err(failed)?;
        page.render_options_section(&mut text).map_err(failed)?;
    }
    terminal::text(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Pass)
}
