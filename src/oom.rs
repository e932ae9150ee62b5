//! The system's out-of-memory killer: whether it ended processes since a moment.
//!
//! A process that the killer ends dies by SIGKILL, without a word. Linux counts these kills, before it sends the signal:
//!
//! 1. for the control group of this process, which the programs that it starts are in: `memory.events` (version 2) or
//!    `memory.oom_control` (version 1), in both cases `oom_kill`;
//! 2. for the whole machine: `oom_kill` in `/proc/vmstat`. In a container that counts the kills of its neighbours too.
//!
//! Cost: three small files of the kernel, read before a program starts and again where it ended badly.

use std::path::{Path, PathBuf};

/// Kills counted up to a moment; absent where the system does not give the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kills {
    /// In the control group of this process.
    group: Option<u64>,
    /// On the whole machine.
    machine: Option<u64>,
}

impl Kills {
    /// The numbers of this moment.
    #[must_use]
    pub fn now() -> Self {
        let read = |path: &Path| std::fs::read_to_string(path).ok().and_then(|text| counted(&text));
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self {
            group: counters(&groups).iter().find_map(|path| read(path)),
            machine: read(Path::new("/proc/vmstat")),
        }
    }

    /// False where this system does not count such kills at all.
    #[must_use]
    pub fn are_counted(self) -> bool {
        self.group.is_some() || self.machine.is_some()
    }

    /// Why the machine, not the program, is to blame for the bad end of a program that was started at the moment of `self`: the end
    /// of a sentence about it. `killed` where it ended by SIGKILL, or with the status by which a shell reports that.
    ///
    /// A kill in the control group counts whatever the end was, since a helper may have been killed. A kill anywhere on the machine
    /// counts only for a program that was killed. Where nothing is counted, a killed program is not blamed.
    #[must_use]
    pub fn blame(self, killed: bool) -> Option<&'static str> {
        blame(self, Self::now(), killed)
    }
}

fn blame(before: Kills, after: Kills, killed: bool) -> Option<&'static str> {
    let rose =
        |before: Option<u64>, after: Option<u64>| matches!((before, after), (Some(a), Some(b)) if b > a);
    if rose(before.group, after.group) || killed && rose(before.machine, after.machine) {
        Some(
            "the system's out-of-memory killer ended a process meanwhile; give the machine or its control group more memory, or \
             run fewer jobs at a time (--threads)",
        )
    } else if killed && !after.are_counted() {
        Some("this system does not say whether memory ran out; give it more memory, or see the kernel's log")
    } else {
        None
    }
}

/// Files that count the kills of the groups in the text of `/proc/self/cgroup`. A container may show its group at the root.
fn counters(groups: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.events"),
            it if it.split(',').any(|it| it == "memory") => ("/sys/fs/cgroup/memory", "memory.oom_control"),
            _ => continue,
        };
        for group in [group.trim_start_matches('/'), ""] {
            found.push(Path::new(root).join(group).join(file));
        }
    }
    found
}

/// The number behind `oom_kill` in one of the kernel's tables.
fn counted(table: &str) -> Option<u64> {
    table.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(group: Option<u64>, machine: Option<u64>) -> Kills {
        Kills { group, machine }
    }

    #[test]
    fn the_tables_of_the_kernel_are_read_by_name() {
        assert_eq!(counted("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(counted("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), Some(7));
        assert_eq!(counted("pgfault 12\noom_kill 1\n"), Some(1));
        assert_eq!(counted("pgfault 12\n"), None);
    }

    #[test]
    fn the_group_of_this_process_is_found_in_both_versions() {
        let named =
            |text: &str| counters(text).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        let second = ["/sys/fs/cgroup/user/x.scope/memory.events", "/sys/fs/cgroup/memory.events"];
        assert_eq!(named("0::/user/x.scope\n"), second);
        let first =
            ["/sys/fs/cgroup/memory/a:b/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control"];
        assert_eq!(named("5:cpu,cpuacct:/a\n4:hugetlb,memory:/a:b\n"), first);
    }

    #[test]
    fn a_kill_in_the_group_counts_for_every_end_and_one_elsewhere_for_a_killed_program() {
        let before = kills(Some(1), Some(5));
        let said = |after, killed| blame(before, after, killed).is_some();
        assert!(said(kills(Some(2), Some(6)), false) && said(kills(Some(2), Some(6)), true));
        assert!(!said(kills(Some(1), Some(6)), false) && said(kills(Some(1), Some(6)), true));
        assert!(!said(before, true) && !said(before, false));
    }

    #[test]
    fn where_nothing_is_counted_a_killed_program_is_not_blamed() {
        let none = kills(None, None);
        assert!(blame(none, none, true).unwrap().contains("does not say"));
        assert_eq!(blame(none, none, false), None);
        assert!(!none.are_counted() && kills(None, Some(0)).are_counted());
    }
}
