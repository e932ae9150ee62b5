//! Names of the columns that the writers treat specially.

/// Which columns the writers look into. The default is the original's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Timestamp in milliseconds since 1970-01-01 UTC; the fingerprint writer splits and sorts by it.
    pub timestamp: String,
    /// Columns whose values are fingerprinted whole.
    pub full_value: Vec<String>,
    /// Columns whose values are fingerprinted by 3-rune windows.
    pub trigram: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            timestamp: "_cardinalhq.timestamp".to_owned(),
            full_value: owned(&["resource.file"]),
            trigram: owned(&[
                "_cardinalhq.name",
                "_cardinalhq.level",
                "_cardinalhq.span_trace_id",
                "resource.k8s.namespace.name",
                "resource.service.name",
            ]),
        }
    }
}
