//! What is wrong in a scenario file, and where.

use std::fmt;
use std::ops::Range;

use toml::de::DeValue;

/// What is wrong in a scenario file, and where.
///
/// ```
/// use evenkeel_sim::ScenarioFile;
///
/// let text = "scenario = \"metastable\"\n[params]\nclients = 0\n";
/// let error = ScenarioFile::parse(text, "".as_ref()).unwrap_err();
/// assert_eq!(error.to_string(), "3:11: clients is \"0\": it must be a whole number from 1 to 1000000");
/// assert_eq!(&text[error.span()], "0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    span: Range<usize>,
    line: usize,
    column: usize,
    what: String,
}

impl FileError {
    pub(crate) fn new(text: &str, span: Range<usize>, what: String) -> Self {
        let before = text.get(..span.start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            span,
            what,
        }
    }

    pub(crate) fn of_toml(text: &str, around: Range<usize>, error: &toml::de::Error) -> Self {
        let what: Vec<_> = error.message().lines().map(str::trim).collect();
        Self::new(text, error.span().unwrap_or(around), what.join(", "))
    }

    /// Points at the very value where the message begins with its path, as the checks of policies do.
    pub(crate) fn refine(&mut self, text: &str, table: &str, value: &DeValue<'_>) {
        let path = self.what.split(' ').next().unwrap_or("");
        let mut steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        if steps.next() != Some(table) {
            return;
        }
        let (mut value, mut span) = (value, None);
        for step in steps {
            let inner = match value {
                DeValue::Table(table) => table.get(step),
                DeValue::Array(list) => step.parse().ok().and_then(|at: usize| list.get(at)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            (value, span) = (inner.get_ref(), Some(inner.span()));
        }
        if let Some(span) = span {
            *self = Self::new(text, span, std::mem::take(&mut self.what));
        }
    }

    /// Which bytes of the text.
    ///
    /// ```
    /// let error = evenkeel_sim::ScenarioFile::parse("scenario = 7", "".as_ref()).unwrap_err();
    /// assert_eq!(error.span(), 11..12);
    /// ```
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line, from 1.
    ///
    /// ```
    /// let error = evenkeel_sim::ScenarioFile::parse("scenario = 7", "".as_ref()).unwrap_err();
    /// assert_eq!(error.line(), 1);
    /// ```
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    ///
    /// ```
    /// let error = evenkeel_sim::ScenarioFile::parse("scenario = 7", "".as_ref()).unwrap_err();
    /// assert_eq!(error.column(), 12);
    /// ```
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the place.
    ///
    /// ```
    /// let error = evenkeel_sim::ScenarioFile::parse("", "".as_ref()).unwrap_err();
    /// assert!(error.what().starts_with("scenario is missing"));
    /// ```
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// As `line:column: what`.
impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for FileError {}
