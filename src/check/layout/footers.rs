//! What footers state otherwise than the format demands, where readers go on all the same: footers of old writers.
//!
//! The baseline's are noted. On the candidate a wrong number of rows is a blocker, since engines count by it; what readers pass over is a
//! warning. Where the baseline has it in as many files, the candidate's is noted as well.

use reports::document::{Finding, Role, Severity};

use super::CHECK;
use crate::check::Observed;
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding, in_file};
use crate::output::FooterDefect;

/// One finding a kind of defect.
pub(super) fn findings(side: &Observed, baseline: Option<&Observed>) -> Vec<Finding> {
    let kinds = [
        ("layout.row_count_false", Severity::Blocker, FooterDefect::is_count as fn(&FooterDefect) -> bool),
        ("layout.footer_odd", Severity::Warning, |defect| !defect.is_count()),
    ];
    kinds
        .into_iter()
        .filter_map(|(code, gravest, wanted)| about(side, baseline, code, gravest, wanted))
        .collect()
}

fn about(
    side: &Observed,
    baseline: Option<&Observed>,
    code: &str,
    gravest: Severity,
    wanted: fn(&FooterDefect) -> bool,
) -> Option<Finding> {
    let having = |side: &Observed| {
        let files = side.output.files.iter();
        files.filter(|file| file.defects.iter().any(wanted)).count() as u64
    };
    let files = having(side);
    let file = side.output.files.iter().find(|file| file.defects.iter().any(wanted))?;
    let defect = file.defects.iter().find(|defect| wanted(defect))?;
    let known = baseline.is_some_and(|baseline| having(baseline) >= files);
    let severity = if side.role == Role::Baseline || known { Severity::Info } else { gravest };
    let more =
        if files > 1 { format!(" ({} have such footers)", counted(files, "file")) } else { String::new() };
    let message =
        format!("the footer is not as the format demands, and is read all the same: {defect}{more}");
    Some(
        finding(CHECK, code, severity, Some(side.role), message).at(in_file(&file.info.path)).counting(files),
    )
}
