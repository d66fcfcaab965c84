//! One thing that both sides are asked: a number, a size, an offset, a field or the padding.

use std::fmt;

/// A question about one item of the package, and where that item stands.
#[derive(Debug)]
pub(super) struct Question {
    /// File and line of the item, for people and for the C compiler's messages.
    pub(super) location: Location,
    /// What is asked.
    pub(super) subject: Subject,
}

/// A line of the package's source.
#[derive(Clone, Debug)]
pub(super) struct Location {
    /// The file, relative to the directory that holds the package.
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: usize,
}

/// What is asked; `rust` is a path in the package, `c` an expression or a type in C.
#[derive(Debug)]
pub(super) enum Subject {
    /// The value of an integer.
    Number { rust: String, c: String },
    /// Bytes that the header gives as assembler text.
    Bytes { rust: String, c: String, length: usize },
    /// The size of a type.
    Size { rust: String, c: String },
    /// Where a field starts.
    Offset(Field),
    /// How large a field is, and whether it is a signed number.
    Extent { field: Field, signed: bool },
    /// Which bytes of a structure belong to no field.
    Padding { rust: String, c: String, padding: Vec<String>, named: Vec<String> },
}

/// A field of a structure, on both sides.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The path of the structure in the package.
    pub(super) owner: String,
    /// The field's name there.
    pub(super) name: String,
    /// The structure's type in C.
    pub(super) c_owner: String,
    /// The field's name there, with the unions and structures on the way to it.
    pub(super) c_name: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Question {
    /// Says that the two sides differ.
    pub(super) fn disagreement(&self, package: &str, headers: &str) -> String {
        let location = &self.location;
        match &self.subject {
            Subject::Number { rust, c } | Subject::Bytes { rust, c, .. } => {
                format!("{location}: {rust} is {package}, {c} is {headers}")
            }
            Subject::Size { rust, c } => {
                format!("{location}: {rust} has {package} bytes, {c} has {headers}")
            }
            Subject::Offset(field) => {
                format!("{location}: {field} starts at {headers} in C, {package} here")
            }
            Subject::Extent { field, .. } => {
                format!("{location}: {field} has size {headers} in C, {package} here")
            }
            Subject::Padding { rust, c, .. } => {
                format!("{location}: {rust} has padding at {package}, {c} at {headers}")
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} ({}.{})", self.owner, self.name, self.c_owner, self.c_name)
    }
}
