//! `parallax bundle REPORT --job J --out FILE`: one job in one file, to be run again elsewhere.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Common, Format, options, terminal};
use crate::bundle::reach::Reach;
use crate::bundle::room::Room;
use crate::bundle::{archive, stage};
use crate::error::Result;
use crate::exit::Exit;
use crate::scratch::Scratch;

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// The report directory of a run or comparison, or its `report.json`.
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// Name of the job.
    #[arg(long, value_name = "J")]
    job: String,
    /// File to write; nothing of that name may be there.
    #[arg(long, value_name = "FILE.tar.zst")]
    out: PathBuf,
    /// A directory beside the report whose files may be packed where the report names them; may be repeated.
    #[arg(long, value_name = "DIR")]
    allow_root: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Bundled {
    out: String,
    job: String,
    digest: String,
}

impl BundleArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        archive::vacant(&self.out)?;
        let reach = Reach::below(&self.report, &self.allow_root)?;
        let home = Scratch::new(&options::tmp_dir(common)?)?;
        stage::stage(&self.report, &self.job, home.path(), &reach, &Room::unlimited())?;
        let digest = archive::pack(home.path(), &self.out)?;
        home.close().and_then(|()| self.show(digest, common.format)).inspect_err(|_| {
            // A command that ends in an error leaves no bundle. The first error counts.
            drop(std::fs::remove_file(&self.out));
        })?;
        Ok(Exit::Pass)
    }

    fn show(&self, digest: String, format: Format) -> Result<()> {
        match format {
            Format::Text => {
                let out = terminal::path(&self.out);
                terminal::text(&format!("bundle: {out}\nBLAKE3 of its list of digests: {digest}\n"))
            }
            Format::Json => {
                let out = self.out.display().to_string();
                terminal::json(&Bundled { out, job: self.job.clone(), digest })
            }
        }
    }
}
