//! `parallax explain [CHECK]`: what a check means when it is red, what causes it, what to do.

use clap::Args;
use reports::guide;

use super::{Common, Format, terminal};
use crate::check::CODES;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::suggest;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Code of a check, such as ROWS [default: all are listed].
    #[arg(value_name = "CHECK")]
    check: Option<String>,
}

impl ExplainArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        let Some(typed) = &self.check else {
            list(common.format)?;
            return Ok(Exit::Pass);
        };
        let code = typed.to_uppercase();
        let Some(page) = guide::page(&code) else {
            let hint = suggest::hint(&code, CODES.iter().copied());
            let known = CODES.join(", ");
            return Err(Error::usage(format!("there is no check {typed}; the checks are {known}{hint}")));
        };
        match common.format {
            Format::Text => terminal::text(page)?,
            Format::Json => terminal::json(&serde_json::json!({ "check": code, "page": page }))?,
        }
        Ok(Exit::Pass)
    }
}

fn list(format: Format) -> Result<()> {
    let title = |code: &str| guide::page(code).and_then(|page| page.lines().next()).unwrap_or_default();
    match format {
        Format::Text => {
            let lines: Vec<String> =
                CODES.iter().map(|code| format!("{}\n", title(code).trim_start_matches("# "))).collect();
            terminal::text(&lines.concat())
        }
        Format::Json => terminal::json(&CODES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_page_and_the_page_names_every_code_of_its_findings() {
        for code in CODES {
            assert!(guide::page(code).is_some(), "{code}: write docs/checks/{}.md", code.to_lowercase());
        }
    }
}
