//! The waiver that would cover a finding, as TOML for `parallax.toml`.
//!
//! Reason and owner are left empty on purpose: the configuration refuses an empty one, with file and line, so that nobody
//! waives a finding without saying why.

use chrono::{Days, NaiveDate};
use reports::document::{Finding, Severity};

/// Days that a suggested waiver holds.
const DAYS: u64 = 30;

/// Gives every unwaived blocker and warning of a job its waiver, to expire in some weeks.
pub fn suggest(job: &str, today: NaiveDate, findings: &mut [Finding]) {
    for finding in findings {
        let asks = finding.severity != Severity::Info && finding.waived.is_none();
        finding.waiver = asks.then(|| text(job, today, finding));
    }
}

fn text(job: &str, today: NaiveDate, finding: &Finding) -> String {
    let mut lines = vec!["[[waiver]]".to_owned()];
    let mut line = |key: &str, value: &str| {
        lines.push(format!("{key} = {}", quoted(value)));
    };
    line("code", &finding.code);
    line("job", job);
    if let Some(side) = finding.side {
        line("side", &side.to_string());
    }
    if let Some(column) = finding.place.as_ref().and_then(|place| place.column.as_deref()) {
        line("column", column);
    }
    line("reason", "");
    line("owner", "");
    let last = today.checked_add_days(Days::new(DAYS)).unwrap_or(today);
    line("expires", &last.to_string());
    lines.join("\n") + "\n"
}

/// A TOML string. JSON writes the same escapes, but leaves one control character bare that TOML does not.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use reports::document::{Place, Role, SideKind};

    use super::*;
    use crate::check::finding::{Refine, finding};
    use crate::config::Config;
    use crate::policy::Policy;
    use crate::policy::file::Asked;
    use crate::policy::waiver::Scene;

    #[test]
    fn a_suggested_waiver_covers_its_finding_once_reason_and_owner_are_filled_in() {
        let today = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let place = Place { column: Some("a \"quoted\"\ncolumn".to_owned()), ..Place::default() };
        let mut findings =
            [finding("ROWS", "rows.changed", Severity::Blocker, Some(Role::Candidate), "changed").at(place)];
        suggest("job-1", today, &mut findings);
        let text = findings[0].waiver.clone().unwrap();
        let refused = Config::parse(&text, Path::new("parallax.toml")).unwrap_err();
        assert!(refused.message.contains("must not be empty"), "{}", refused.message);
        let filled =
            text.replace("reason = \"\"", "reason = \"known\"").replace("owner = \"\"", "owner = \"us\"");
        let config = Config::parse(&filled, Path::new("parallax.toml")).unwrap();
        let waivers = Policy::resolve(&config, Asked::default()).unwrap().waivers;
        let scene = |job| Scene { job, signal: None, baseline: None, candidate: SideKind::Unified };
        assert!(waivers[0].covers(&scene("job-1"), &findings[0]));
        assert!(!waivers[0].covers(&scene("job-2"), &findings[0]));
        assert_eq!(waivers[0].expires, NaiveDate::from_ymd_opt(2026, 1, 31));
    }

    #[test]
    fn what_asks_for_nothing_gets_no_waiver() {
        let today = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let mut findings = [finding("ORDER", "order.inverted", Severity::Info, None, "told")];
        suggest("job", today, &mut findings);
        assert_eq!(findings[0].waiver, None);
    }
}
