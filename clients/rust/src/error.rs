use std::fmt;

/// What went wrong, as docs/SHM_LAYOUT.md section 9 lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// No file under the name: no writer has run yet.
    NotFound,
    /// The file may not be opened.
    Permission,
    /// Not a regular file, a symbolic link, shorter than a header, or wrong magic.
    NotARegion,
    /// Another layout version; the message names it.
    WrongVersion,
    /// The file is shorter than its header says.
    Truncated,
    /// The header contradicts itself, a stable record is impossible, or (when verifying) a checksum is wrong.
    Corrupt,
    /// The symbol is not in the directory; the message lists some that are.
    UnknownSymbol,
    /// A slot stayed half-written: its writer was stopped or killed in the middle.
    SlotUnfinished,
    /// This platform cannot map the region.
    Unavailable,
}

impl ErrorCode {
    /// The documented spelling, the same in every language.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::NotFound => "NOT_FOUND",
            ErrorCode::Permission => "PERMISSION",
            ErrorCode::NotARegion => "NOT_A_REGION",
            ErrorCode::WrongVersion => "WRONG_VERSION",
            ErrorCode::Truncated => "TRUNCATED",
            ErrorCode::Corrupt => "CORRUPT",
            ErrorCode::UnknownSymbol => "UNKNOWN_SYMBOL",
            ErrorCode::SlotUnfinished => "SLOT_UNFINISHED",
            ErrorCode::Unavailable => "UNAVAILABLE",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A documented code with a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

impl Error {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Error {
        Error { code, message: message.into() }
    }

    pub(crate) fn corrupt(message: &str) -> Error {
        Error::new(ErrorCode::Corrupt, message)
    }

    /// What went wrong.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// For people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}
