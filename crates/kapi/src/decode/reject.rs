//! Why a message is refused.

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Larger than the limit.
    #[error("the body has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8, in a place that cannot be mended.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON, or with a header twice.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// A list with more items than are kept.
    #[error("the header {header} lists too many, at most {limit} are taken")]
    TooMany {
        /// The header.
        header: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A required header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header has a value that cannot be used.
    #[error("the header {header} is {value}, it takes {takes}")]
    BadValue {
        /// The header.
        header: &'static str,
        /// Its value, shortened.
        value: String,
        /// The values that it takes.
        takes: &'static str,
    },
}

/// The most characters that are kept at either end of an error.
const MAX_END: usize = 120;

impl From<serde_json::Error> for Reject {
    /// Shortens the error, which may hold whole headers, to fit in a line of the log.
    fn from(error: serde_json::Error) -> Self {
        let error = error.to_string();
        let count = error.chars().count();
        if count <= 2 * MAX_END {
            return Self::NotJson(error);
        }
        let head = error.chars().take(MAX_END);
        let tail = error.chars().skip(count - MAX_END);
        Self::NotJson(head.chain(['…']).chain(tail).collect())
    }
}

impl Reject {
    /// A short name, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::TooMany { .. } => "too_many",
            Self::Missing(_) => "missing_header",
            Self::BadValue { .. } => "bad_value",
        }
    }
}
