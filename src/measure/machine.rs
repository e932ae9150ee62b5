//! The machine that a measurement runs on, as far as it tells.

use reports::measurement::Machine;

/// Facts of this machine.
#[must_use]
pub fn facts() -> Machine {
    let names = rustix::system::uname();
    let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
    let file = |path: &str| std::fs::read_to_string(path).ok();
    Machine {
        os: std::env::consts::OS.to_owned(),
        kernel: text(names.release()),
        arch: std::env::consts::ARCH.to_owned(),
        name: text(names.nodename()),
        processor: file("/proc/cpuinfo").and_then(|text| field(&text, "model name").map(str::to_owned)),
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        memory: file("/proc/meminfo").and_then(|text| kibibytes(&text, "MemTotal")),
        load: file("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
    }
}

/// Peak and present resident memory of this process in bytes, where the system tells them.
#[must_use]
pub fn resident() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    Some((kibibytes(&text, "VmHWM")?, kibibytes(&text, "VmRSS")?))
}

/// `name : value` or `name: value` in the system's tables.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_system_are_read_by_name() {
        assert_eq!(kibibytes("MemFree: 1 kB\nMemTotal:   2048 kB\n", "MemTotal"), Some(2 << 20));
        assert_eq!(field("model name\t: Some CPU @ 2 GHz\n", "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(kibibytes("MemTotal: many kB", "MemTotal"), None);
    }

    #[test]
    fn this_machine_is_no_other() {
        let (one, mut two) = (facts(), facts());
        two.load = Some(99.0);
        assert_eq!(one.difference(&two), None);
        two.cpus += 1;
        assert!(one.difference(&two).unwrap().starts_with("processors "));
    }
}
