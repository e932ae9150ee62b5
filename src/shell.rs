//! Command lines that can be pasted into a shell.

/// Arguments as one line for a shell, quoted where needed.
#[must_use]
pub fn line(arguments: &[String]) -> String {
    arguments.iter().map(|argument| quoted(argument)).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_a_shell_only_where_needed() {
        let arguments = ["parallax", "--corpus", "my logs/*.parquet", "it's", ""].map(str::to_owned);
        assert_eq!(line(&arguments), r"parallax --corpus 'my logs/*.parquet' 'it'\''s' ''");
    }
}
