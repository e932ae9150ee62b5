//! Arguments of an external command: literal text with placeholders.
//!
//! | placeholder | becomes |
//! | --- | --- |
//! | `{job}` | path of a JSON file that describes the job |
//! | `{output}` | the empty directory to fill |
//! | `{input_list}` | path of a text file with one input path a line |
//! | `{inputs}` | one argument per input; must be the whole argument |
//! | `{{`, `}}` | a literal brace |
//!
//! Nothing else is interpreted: there is no shell, and text that comes from a path is never looked at again.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One argument as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// One argument made of parts.
    One(Vec<Part>),
    /// One argument per input.
    Inputs,
}

/// A part of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text taken as it is.
    Text(String),
    /// `{job}`
    Job,
    /// `{output}`
    Output,
    /// `{input_list}`
    InputList,
}

/// What the placeholders stand for in one job.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// `{job}`
    pub job: &'a Path,
    /// `{output}`
    pub output: &'a Path,
    /// `{input_list}`
    pub input_list: &'a Path,
    /// `{inputs}`
    pub inputs: &'a [PathBuf],
}

impl Argument {
    /// Reads one argument.
    ///
    /// # Errors
    /// A sentence that names the unknown placeholder or the stray brace.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "{inputs}" {
            return Ok(Self::Inputs);
        }
        if text.contains('\0') {
            return Err(format!("argument {text:?} holds a NUL byte"));
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                literal.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            if brace.starts_with('}') {
                return Err(format!("stray `}}` in argument {text:?}; write `}}}}` for a literal brace"));
            }
            let Some(end) = brace.find('}') else {
                return Err(format!(
                    "`{{` without `}}` in argument {text:?}; write `{{{{` for a literal brace"
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(match &brace[1..end] {
                "job" => Part::Job,
                "output" => Part::Output,
                "input_list" => Part::InputList,
                "inputs" => return Err(format!("`{{inputs}}` must be an argument of its own, not part of {text:?}")),
                other => {
                    return Err(format!(
                        "unknown placeholder `{{{other}}}` in argument {text:?}; known are {{job}}, {{output}}, \
                         {{input_list}} and {{inputs}}; write `{{{{` for a literal brace"
                    ));
                }
            });
            rest = &brace[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self::One(parts))
    }

    /// True where the argument holds `{input_list}`.
    #[must_use]
    pub fn wants_input_list(&self) -> bool {
        matches!(self, Self::One(parts) if parts.contains(&Part::InputList))
    }

    /// Appends the argument, or arguments, that the placeholders give.
    pub fn expand(&self, values: &Values<'_>, into: &mut Vec<OsString>) {
        match self {
            Self::Inputs => into.extend(values.inputs.iter().map(|path| path.as_os_str().to_owned())),
            Self::One(parts) => {
                let mut whole = OsString::new();
                for part in parts {
                    whole.push(match part {
                        Part::Text(text) => OsStr::new(text),
                        Part::Job => values.job.as_os_str(),
                        Part::Output => values.output.as_os_str(),
                        Part::InputList => values.input_list.as_os_str(),
                    });
                }
                into.push(whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(text: &str) -> Vec<String> {
        let inputs = [PathBuf::from("in/{job}.parquet"), PathBuf::from("in/b c.parquet")];
        let values = Values {
            job: Path::new("J"),
            output: Path::new("O"),
            input_list: Path::new("L"),
            inputs: &inputs,
        };
        let mut into = Vec::new();
        Argument::parse(text).unwrap().expand(&values, &mut into);
        into.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn placeholders_stand_alone_or_inside_text() {
        assert_eq!(expand("{job}"), ["J"]);
        assert_eq!(expand("--out={output}/x"), ["--out=O/x"]);
        assert_eq!(expand("{job}:{output}:{input_list}"), ["J:O:L"]);
        assert_eq!(expand(""), [""]);
        assert_eq!(expand("plain $HOME `x` *"), ["plain $HOME `x` *"]);
    }

    #[test]
    fn inputs_become_one_argument_each_and_are_not_interpreted_again() {
        assert_eq!(expand("{inputs}"), ["in/{job}.parquet", "in/b c.parquet"]);
    }

    #[test]
    fn doubled_braces_are_literal() {
        assert_eq!(expand("{{job}}"), ["{job}"]);
        assert_eq!(expand("{{{job}}}"), ["{J}"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, reason) in [
            ("{jobs}", "unknown placeholder `{jobs}`"),
            ("{}", "unknown placeholder `{}`"),
            ("--in={inputs}", "argument of its own"),
            ("{job", "`{` without `}`"),
            ("job}", "stray `}`"),
            ("a\0", "NUL"),
        ] {
            let message = Argument::parse(text).unwrap_err();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_with_its_braces_doubled_comes_back_as_it_was(text in "[^\0]{0,20}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(expand(&doubled), vec![text]);
        }
    }
}
