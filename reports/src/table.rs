//! One CSV file in the making, and what its cells look like.

use crate::error::{Error, Result};

pub(crate) fn number(value: Option<u64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A text cell that no spreadsheet takes for a formula.
pub(crate) fn text(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) {
        format!("'{value}")
    } else {
        value.to_owned()
    }
}

/// One CSV file in the making.
pub(crate) struct Table {
    format: &'static str,
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    pub(crate) fn new(format: &'static str, header: &[&str]) -> Result<Self> {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .flexible(false)
            .from_writer(Vec::new());
        let mut table = Self { format, writer };
        let header: Vec<_> = header.iter().map(|&name| name.to_owned()).collect();
        table.line(&header)?;
        Ok(table)
    }

    /// Adds a line; one of another length than the header is an error of ours.
    pub(crate) fn line(&mut self, cells: &[String]) -> Result<()> {
        self.writer.write_record(cells).map_err(|error| self.failed(&error))
    }

    pub(crate) fn finish(self) -> Result<String> {
        let format = self.format;
        let failed = |message: String| Error::Format { format, message };
        let bytes = self.writer.into_inner().map_err(|error| failed(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
    }

    fn failed(&self, error: &csv::Error) -> Error {
        Error::Format { format: self.format, message: error.to_string() }
    }
}
