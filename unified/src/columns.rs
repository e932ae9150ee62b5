//! Names of the columns that the log writers treat specially. Everything else is an opaque column.

/// Which columns carry a meaning for the writer.
///
/// ```
/// let columns = unified::Columns { timestamp: "time".into(), ..Default::default() };
/// assert!(columns.plain.contains(&"_cardinalhq.message".to_string()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Sort key of logs, int64 milliseconds since the epoch. Default `_cardinalhq.timestamp`.
    pub timestamp: String,
    /// Columns whose full values are fingerprinted beside `.*`. Default `resource.file`.
    pub full_value: Vec<String>,
    /// Columns whose three-character windows are fingerprinted beside `.*`. Default: name, level, trace id,
    /// Kubernetes namespace and service name.
    pub trigram: Vec<String>,
    /// Columns written without a dictionary, since their values hardly repeat. Default `_cardinalhq.message` and
    /// `_cardinalhq.tid`.
    pub plain: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            timestamp: "_cardinalhq.timestamp".to_string(),
            full_value: names(&["resource.file"]),
            trigram: names(&[
                "_cardinalhq.name",
                "_cardinalhq.level",
                "_cardinalhq.span_trace_id",
                "resource.k8s.namespace.name",
                "resource.service.name",
            ]),
            plain: names(&["_cardinalhq.message", "_cardinalhq.tid"]),
        }
    }
}
