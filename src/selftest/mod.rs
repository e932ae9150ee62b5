//! `parallax selftest`: the proof that a green means something.
//!
//! 1. Each corpus is generated, and both built-in sides perform it once (`ground`).
//! 2. Every check is asked about the undamaged output, in each setting in which faults are planted (as it was written; in the folder of
//!    a partition; with the columns and facts of other writers; the same on both sides): none may go red, and no finding may be there by which a fault is known.
//! 3. Every fault of the catalogue is planted into a copy of the candidate's output, and every check is asked again. Where the copy
//!    did not change, the output offered no place for the fault: not applicable, and told so.
//! 4. Every check that must see a planted fault must go red, and every finding that the fault must raise must be there with its
//!    severity. A fault that is planted in no corpus at all is no proof either.
//!
//! Nothing is waived and every check decides: the policy plays no part. Faults of cost are left out, since only a measurement
//! can see them (`parallax bench`). Cost: both sides once a corpus, all checks once a fault and corpus; one copy of an output at
//! a time and thread.

mod ground;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use reports::selftest::{
    RaisedFinding, SCHEMA_VERSION, Selftest, SelftestCorpus, SelftestFault, Trial, TrialOutcome,
};

use self::ground::Ground;
use crate::cancel::Cancel;
use crate::check;
use crate::crew;
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::plan::PlannedJob;
use crate::run::tool;

/// What is tried.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The corpora as jobs.
    pub jobs: &'a [PlannedJob],
    /// The faults, in the order of the catalogue.
    pub faults: &'a [Fault],
    /// True where these are all built-in corpora: then each fault must find a place in one.
    pub every_corpus: bool,
    /// Rows of each corpus, where others than its own were asked for.
    pub rows: Option<u64>,
    /// Worker threads.
    pub threads: usize,
    /// Parent of the temporary directories.
    pub tmp: &'a Path,
    /// This program, for counting descriptors in a child process.
    pub program: Option<&'a Path>,
}

/// Every fault that a comparison can see.
pub fn faults() -> impl Iterator<Item = Fault> {
    Fault::ALL.iter().copied().filter(|fault| !fault.is_of_cost())
}

/// One corpus with what came of each fault, in order.
struct Tried {
    corpus: SelftestCorpus,
    trials: Vec<Trial>,
}

/// Performs the self-test. `told` hears of each corpus as it is done: its name, how many faults were planted, how many of them
/// were caught, how many corpora there are.
///
/// # Errors
/// Where a corpus could not be made or a side could not go on, a fault could not be planted, or the run was interrupted.
pub fn perform(
    asked: &Asked<'_>,
    cancel: &Cancel,
    told: &(dyn Fn(&str, usize, usize, usize) + Sync),
) -> Result<Selftest> {
    let (all, halt) = (Mutex::new(Vec::new()), Cancel::default());
    crew::each(asked.threads, asked.jobs.len(), |number| {
        if halt.is_requested() {
            return;
        }
        let job = &asked.jobs[number];
        let tried = corpus(job, asked, cancel);
        if let Ok(tried) = &tried {
            let planted = tried.trials.iter().filter(|it| it.outcome != TrialOutcome::NotApplicable);
            let caught = tried.trials.iter().filter(|it| it.outcome == TrialOutcome::Caught);
            told(job.id(), planted.count(), caught.count(), asked.jobs.len());
        } else {
            // Whatever is wrong with one: the others need not be tried.
            halt.request();
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).push((number, tried));
    })?;
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|it| it.0);
    let tried: Result<Vec<Tried>> = all.into_iter().map(|it| it.1).collect();
    Ok(document(asked, tried?))
}

fn corpus(job: &PlannedJob, asked: &Asked<'_>, cancel: &Cancel) -> Result<Tried> {
    let at = |error: Error| Error { message: format!("corpus {}: {}", job.id(), error.message), ..error };
    let ground = Ground::prepare(job, asked.tmp, asked.program, cancel).map_err(at)?;
    let alarms = ground.undamaged(cancel).map_err(at)?;
    let trials = asked
        .faults
        .par_iter()
        .map(|&fault| {
            let named = |error: Error| Error {
                message: format!("fault {} in corpus {}: {}", fault.name(), job.id(), error.message),
                ..error
            };
            let seen = ground.planted(fault, cancel).map_err(named)?;
            let raised: Vec<&str> = match &seen {
                Some(seen) => fault.raises().iter().filter(|it| seen.has(it)).map(|it| it.code).collect(),
                None => Vec::new(),
            };
            let red: Vec<String> =
                seen.iter().flat_map(|seen| &seen.red).map(|(check, _)| (*check).to_owned()).collect();
            let whole = fault.seen_by().iter().all(|must| red.iter().any(|it| it == must))
                && raised.len() == fault.raises().len();
            let outcome = match seen {
                None => TrialOutcome::NotApplicable,
                Some(_) if whole => TrialOutcome::Caught,
                Some(_) if red.is_empty() && raised.is_empty() => TrialOutcome::Escaped,
                Some(_) => TrialOutcome::WrongCheck,
            };
            let raised = raised.into_iter().map(str::to_owned).collect();
            Ok(Trial { corpus: job.id().to_owned(), outcome, red, raised })
        })
        .collect::<Result<Vec<_>>>()?;
    let corpus = SelftestCorpus {
        name: job.id().to_owned(),
        signal: job.signal().unwrap_or_default().to_owned(),
        rows: ground.rows(),
        false_alarms: alarms,
    };
    ground.close()?;
    Ok(Tried { corpus, trials })
}

fn document(asked: &Asked<'_>, mut tried: Vec<Tried>) -> Selftest {
    let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let mut faults: Vec<SelftestFault> = asked
        .faults
        .iter()
        .map(|fault| SelftestFault {
            name: fault.name().to_owned(),
            family: fault.family().name().to_owned(),
            what: fault.what().trim().to_owned(),
            needs: fault.needs().to_owned(),
            caught_by: owned(fault.seen_by()),
            raises: fault
                .raises()
                .iter()
                .map(|it| RaisedFinding {
                    check: it.check.to_owned(),
                    code: it.code.to_owned(),
                    severity: it.severity,
                })
                .collect(),
            trials: Vec::new(),
        })
        .collect();
    for corpus in &mut tried {
        for (fault, trial) in faults.iter_mut().zip(std::mem::take(&mut corpus.trials)) {
            fault.trials.push(trial);
        }
    }
    let corpora: Vec<SelftestCorpus> = tried.into_iter().map(|it| it.corpus).collect();
    let problems = problems(&corpora, &faults, asked.every_corpus);
    let planted: usize = faults.iter().map(SelftestFault::planted).sum();
    let over = format!("{} faults planted {planted} times in {} corpora", faults.len(), corpora.len());
    let headline = if !problems.is_empty() {
        format!("{} {}: {over}", problems.len(), if problems.len() == 1 { "problem" } else { "problems" })
    } else if planted == 0 {
        format!("{over}: nothing was tried")
    } else {
        format!(
            "{over}: each was caught by the checks that must see it, and no check went red on undamaged data"
        )
    };
    Selftest {
        schema_version: SCHEMA_VERSION,
        tool: tool(),
        passed: problems.is_empty() && planted > 0,
        headline,
        complete: asked.every_corpus && asked.faults.len() == self::faults().count(),
        rows: asked.rows,
        checks: owned(check::CODES),
        corpora,
        faults,
        problems,
    }
}

/// What is wrong, one sentence each.
fn problems(corpora: &[SelftestCorpus], faults: &[SelftestFault], every_corpus: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for corpus in corpora {
        for alarm in &corpus.false_alarms {
            problems.push(format!("false alarm on the undamaged output of {}: {alarm}", corpus.name));
        }
    }
    for fault in faults {
        for trial in &fault.trials {
            let (name, corpus) = (&fault.name, &trial.corpus);
            match trial.outcome {
                TrialOutcome::Escaped => {
                    let or = if fault.raises.is_empty() { "" } else { ", and nothing was found of it" };
                    problems.push(format!("{name} escapes in {corpus}: no check went red{or}"));
                }
                TrialOutcome::WrongCheck => {
                    problems.push(format!("{name} in {corpus}: {}", wrong_check(fault, trial)));
                }
                TrialOutcome::Caught | TrialOutcome::NotApplicable => {}
            }
        }
        if every_corpus && fault.planted() == 0 {
            problems.push(format!("{} was planted in no corpus: none has {}", fault.name, fault.needs));
        }
    }
    problems
}

/// What is missing of what the fault must show.
fn wrong_check(fault: &SelftestFault, trial: &Trial) -> String {
    let green = fault.caught_by.iter().filter(|must| !trial.red.contains(must));
    let green: Vec<&str> = green.map(String::as_str).collect();
    let red = if trial.red.is_empty() { "nothing".to_owned() } else { trial.red.join(", ") };
    let mut said = format!("{red} went red");
    if !green.is_empty() {
        said.push_str(&format!(", {} did not", green.join(", ")));
    }
    for absent in fault.raises.iter().filter(|it| !trial.raised.contains(&it.code)) {
        let severity = format!("{:?}", absent.severity).to_lowercase();
        said.push_str(&format!(", {} has no finding {} ({severity})", absent.check, absent.code));
    }
    said
}

#[cfg(test)]
mod tests {
    use reports::document::Severity;

    use super::*;

    fn fault(outcome: TrialOutcome, red: &[&str]) -> SelftestFault {
        let red = red.iter().map(|it| (*it).to_owned()).collect();
        SelftestFault {
            name: "f".to_owned(),
            family: "rows".to_owned(),
            what: String::new(),
            needs: "a row".to_owned(),
            caught_by: vec!["ROWS".to_owned()],
            raises: Vec::new(),
            trials: vec![Trial { corpus: "c".to_owned(), outcome, red, raised: Vec::new() }],
        }
    }

    #[test]
    fn escapes_wrong_checks_false_alarms_and_faults_without_a_place_are_problems() {
        let alarm = SelftestCorpus {
            name: "c".to_owned(),
            signal: "logs".to_owned(),
            rows: 1,
            false_alarms: vec!["ORDER: inverted".to_owned()],
        };
        let clean = SelftestCorpus { false_alarms: Vec::new(), ..alarm.clone() };
        let of = |corpus: &SelftestCorpus, fault: SelftestFault, every| {
            problems(std::slice::from_ref(corpus), &[fault], every)
        };
        let caught = fault(TrialOutcome::Caught, &["ROWS", "ORDER"]);
        assert!(of(&clean, caught.clone(), true).is_empty());
        assert!(of(&alarm, caught, true)[0].contains("false alarm"));
        assert!(of(&clean, fault(TrialOutcome::Escaped, &[]), true)[0].contains("escapes in c"));
        let wrong = fault(TrialOutcome::WrongCheck, &["ORDER"]);
        assert_eq!(of(&clean, wrong, true), ["f in c: ORDER went red, ROWS did not"]);
        let mut unsaid = fault(TrialOutcome::WrongCheck, &["ROWS"]);
        let (check, code) = ("ROWS".to_owned(), "rows.retyped".to_owned());
        unsaid.raises = vec![RaisedFinding { check, code, severity: Severity::Warning }];
        let said = ["f in c: ROWS went red, ROWS has no finding rows.retyped (warning)"];
        assert_eq!(of(&clean, unsaid, true), said);
        let nowhere = fault(TrialOutcome::NotApplicable, &[]);
        assert!(of(&clean, nowhere.clone(), false).is_empty());
        assert!(of(&clean, nowhere, true)[0].contains("planted in no corpus: none has a row"));
    }

    #[test]
    fn the_catalogue_holds_at_least_sixty_faults_whose_checks_there_are() {
        assert!(faults().count() >= 60, "{}", faults().count());
        let mut names = std::collections::BTreeSet::new();
        for fault in faults() {
            assert!(names.insert(fault.name()), "{} is there twice", fault.name());
            let seen = !fault.seen_by().is_empty() || !fault.raises().is_empty();
            assert!(seen && !fault.needs().is_empty(), "{}", fault.name());
            let checks = fault.seen_by().iter().copied().chain(fault.raises().iter().map(|it| it.check));
            assert!(checks.clone().all(|it| check::CODES.contains(&it)), "{}", fault.name());
            for raised in fault.raises() {
                let red = raised.severity == Severity::Blocker;
                assert_eq!(fault.seen_by().contains(&raised.check), red, "{}: {raised:?}", fault.name());
            }
        }
    }
}
