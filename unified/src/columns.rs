//! Names of the columns that the writers treat specially. Everything else is an opaque column.

/// Which columns carry a meaning for the writer.
///
/// ```
/// let columns = unified::Columns { timestamp: "time".into(), ..Default::default() };
/// assert!(columns.plain.contains(&"_cardinalhq.message".to_string()));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Time of a log or a data point, int64 milliseconds since the epoch; sort key of logs. Default
    /// `_cardinalhq.timestamp`.
    pub timestamp: String,
    /// Timeseries of a data point, int64; sort and group key of metrics. Default `_cardinalhq.tid`.
    pub tid: String,
    /// Name of a metric, a string. Default `_cardinalhq.name`.
    pub name: String,
    /// Trace of a span, a string. Default `_cardinalhq.trace_id`.
    pub trace: String,
    /// Start of a span, int64 nanoseconds since the epoch; sort key of traces. Default
    /// `_cardinalhq.start_time_unix_ns`.
    pub start_time: String,
    /// Columns that a roll-up recomputes.
    pub rollup: RollupColumns,
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
            tid: "_cardinalhq.tid".to_string(),
            name: "_cardinalhq.name".to_string(),
            trace: "_cardinalhq.trace_id".to_string(),
            start_time: "_cardinalhq.start_time_unix_ns".to_string(),
            rollup: RollupColumns::default(),
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

/// The columns of a data point that are recomputed when several are merged into one: its sketch, bytes, and figures
/// taken from it, all float64.
#[derive(Debug, Clone, PartialEq)]
pub struct RollupColumns {
    /// The encoded sketch. Default `sketch`.
    pub sketch: String,
    /// Number of values. Default `rollup_count`.
    pub count: String,
    /// Sum of the values. Default `rollup_sum`.
    pub sum: String,
    /// Sum by number, 0 where there are none. Default `rollup_avg`.
    pub avg: String,
    /// Lowest value. Default `rollup_min`.
    pub min: String,
    /// Highest value. Default `rollup_max`.
    pub max: String,
    /// Quantiles, from 0 to 1, and their columns. Default `rollup_p25`, `_p50`, `_p75`, `_p90`, `_p95` and `_p99`.
    pub quantiles: Vec<(String, f64)>,
}

impl Default for RollupColumns {
    fn default() -> Self {
        let name = |suffix: &str| format!("rollup_{suffix}");
        Self {
            sketch: "sketch".to_string(),
            count: name("count"),
            sum: name("sum"),
            avg: name("avg"),
            min: name("min"),
            max: name("max"),
            quantiles: [0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
                .into_iter()
                .map(|quantile| (name(&format!("p{:.0}", quantile * 100.0)), quantile))
                .collect(),
        }
    }
}
