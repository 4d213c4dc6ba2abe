//! Scenario files: TOML that names a scenario and says what is different in it.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::file_error::FileError;
use crate::param_error::ParamError;
use crate::scenario::Scenario;
use crate::scenarios;
use crate::table::{POLICIES, check};

/// A scenario as a TOML file describes it. docs/scenarios has one of each.
///
/// | key | what it is |
/// |---|---|
/// | `scenario` | its name; required |
/// | `runs`, `seed` | what the command line may say otherwise |
/// | `[params]` | parameters, by name |
/// | `[server]`, `[load]`, .. | parameters whose names begin with `server.`, `load.`, .. |
/// | `[breaker]`, `[retry]`, .. | policies, with the keys of policy files |
/// | `[[fault]]` | `kind`, `from`, `until`, and `factor`, `share` or `rate` |
///
/// Unknown keys are errors. The table of a policy that the scenario has no use for is checked, and listed as
/// [unused](Self::unused).
///
/// ```
/// use std::path::Path;
/// use evenkeel_sim::{ScenarioFile, Streams, Watch};
///
/// let text = r#"
/// scenario = "metastable"
/// runs = 20
///
/// [params]
/// seconds = 60
///
/// [retry]
/// max_attempts    = 4
/// attempt_timeout = "500ms"
/// backoff         = { base = "50ms" }
/// "#;
/// let file = ScenarioFile::parse(text, Path::new("."))?;
/// assert_eq!((file.runs, file.seed), (Some(20), None));
/// let run = file.scenario.run(Streams::of_run(7, 0), &mut Watch::off());
/// assert_eq!(run.values[0], 0.0); // it has not recovered
///
/// let error = ScenarioFile::parse("scenario = \"metastable\"\nrun = 7\n", Path::new(".")).unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 1));
/// # Ok::<(), evenkeel_sim::FileError>(())
/// ```
#[derive(Debug)]
pub struct ScenarioFile {
    /// With its parameters and policies as the file says.
    pub scenario: Box<dyn Scenario>,
    /// How often it is to be run.
    pub runs: Option<u64>,
    /// The seed of all runs.
    pub seed: Option<u64>,
    /// Tables of policies that the scenario has no machine for.
    pub unused: Vec<&'static str>,
}

/// A file is a page or two of text.
const LARGEST: usize = 1 << 20;
/// All runs are kept until they are summed.
const MAX_RUNS: u64 = 1_000_000;

impl ScenarioFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or says something that cannot be.
    ///
    /// ```
    /// use evenkeel_sim::ScenarioFile;
    ///
    /// let error = ScenarioFile::read("nowhere.toml".as_ref()).unwrap_err();
    /// assert!(error.what().starts_with("cannot be read"));
    /// ```
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| FileError::new("", 0..0, format!("cannot be read: {error}")))?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new("")))
    }

    /// Takes the text of a file; paths in it are seen from `folder`.
    ///
    /// # Errors
    /// When it says something that cannot be.
    ///
    /// ```
    /// use evenkeel_sim::ScenarioFile;
    ///
    /// let file = ScenarioFile::parse("scenario = \"flapping-peer\"", "".as_ref())?;
    /// assert_eq!(file.scenario.name(), "flapping-peer");
    /// # Ok::<(), evenkeel_sim::FileError>(())
    /// ```
    pub fn parse(text: &str, folder: &Path) -> Result<Self, FileError> {
        if text.len() > LARGEST {
            let what = format!(
                "is of {} bytes; a scenario file has at most {LARGEST}",
                text.len()
            );
            return Err(FileError::new("", 0..0, what));
        }
        let of_toml = |error: toml::de::Error| FileError::of_toml(text, 0..0, &error);
        let table = DeTable::parse(text).map_err(of_toml)?.into_inner();
        let mut reader = Reader {
            text,
            folder,
            settings: Vec::new(),
            file: Self {
                scenario: named(text, &table)?,
                runs: None,
                seed: None,
                unused: Vec::new(),
            },
        };
        for (key, value) in table {
            reader.entry(&key, value)?;
        }
        let set = reader.set()?;
        reader.check(&set)?;
        Ok(reader.file)
    }
}

/// The scenario that the key `scenario` names.
fn named(text: &str, table: &DeTable<'_>) -> Result<Box<dyn Scenario>, FileError> {
    let names = || {
        let names: Vec<_> = scenarios::all()
            .iter()
            .map(|scenario| scenario.name())
            .collect();
        names.join(", ")
    };
    let Some(value) = table.get("scenario") else {
        let what = format!("scenario is missing: it must name one of {}", names());
        return Err(FileError::new(text, 0..0, what));
    };
    let name = value.get_ref().as_str();
    name.and_then(scenarios::by_name).ok_or_else(|| {
        let given = text.get(value.span()).unwrap_or("");
        let what = format!("scenario is {given}: it must be one of {}", names());
        FileError::new(text, value.span(), what)
    })
}

/// A parameter that the file sets.
struct Setting {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
    to: String,
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    settings: Vec<Setting>,
    file: ScenarioFile,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, what: String) -> FileError {
        FileError::new(self.text, span, what)
    }

    /// A key of the file, and what it holds.
    fn entry(
        &mut self,
        key: &Spanned<impl AsRef<str>>,
        value: Spanned<DeValue<'_>>,
    ) -> Result<(), FileError> {
        let (name, span) = (key.get_ref().as_ref(), value.span());
        match name {
            "scenario" => return Ok(()),
            "runs" => self.file.runs = Some(self.count(name, value, 1..=MAX_RUNS)?),
            "seed" => self.file.seed = Some(self.count(name, value, 0..=u64::MAX)?),
            "params" => return self.settings(None, key.span(), value),
            _ => {
                let outline = value.get_ref().clone();
                let taken = self.table(name, value);
                let taken = taken.map_err(|error| {
                    let mut error = FileError::of_toml(self.text, span.clone(), &error);
                    error.refine(self.text, name, &outline);
                    error
                })?;
                if let Some(value) = taken {
                    return self.settings(Some(name), key.span(), value);
                }
            }
        }
        Ok(())
    }

    /// Puts a table where the scenario takes it; gives it back if it takes none of this name.
    fn table<'v>(
        &mut self,
        name: &str,
        value: Spanned<DeValue<'v>>,
    ) -> Result<Option<Spanned<DeValue<'v>>>, toml::de::Error> {
        let tables = self.file.scenario.tables();
        if let Some(table) = tables.into_iter().find(|table| table.name() == name) {
            return table.take(value).map(|()| None);
        }
        if let Some(name) = POLICIES.iter().find(|policy| **policy == name) {
            self.file.unused.push(name);
            return check(name, value).map(|()| None);
        }
        Ok(Some(value))
    }

    /// The parameters in a table.
    fn settings(
        &mut self,
        group: Option<&str>,
        key: Range<usize>,
        value: Spanned<DeValue<'_>>,
    ) -> Result<(), FileError> {
        let known = group.is_none_or(|group| {
            let mut params = self.file.scenario.params().into_iter();
            params.any(|param| {
                param
                    .name()
                    .split_once('.')
                    .is_some_and(|(of, _)| of == group)
            })
        });
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            let what = match group.filter(|_| !known) {
                Some(group) => self.unknown(group),
                None => "it must be a table".into(),
            };
            return Err(self.error(if known { span } else { key }, what));
        };
        if let Some(group) = group.filter(|_| !known) {
            let what = self.unknown(group);
            return Err(self.error(key, what));
        }
        for (key, value) in table {
            let name = match group {
                Some(group) => format!("{group}.{}", key.get_ref()),
                None => key.get_ref().to_string(),
            };
            let to = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                    .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
                DeValue::Float(number) => number.as_str().to_owned(),
                _ => {
                    let what = format!("{name} must be a number, a text, true or false");
                    return Err(self.error(value.span(), what));
                }
            };
            let (key, value) = (key.span(), value.span());
            self.settings.push(Setting {
                name,
                key,
                value,
                to,
            });
        }
        Ok(())
    }

    fn unknown(&mut self, name: &str) -> String {
        let tables = self.file.scenario.tables();
        let mut known: Vec<_> = tables.iter().map(|table| table.name().to_owned()).collect();
        drop(tables);
        for param in self.file.scenario.params() {
            if let Some((group, _)) = param.name().split_once('.') {
                if !known.iter().any(|name| name == group) {
                    known.push(group.to_owned());
                }
            }
        }
        let scenario = self.file.scenario.name();
        let known = known.join(", ");
        let gap = if known.is_empty() { "" } else { ", " };
        format!("{scenario} has no key {name:?}; it has scenario, runs, seed, params{gap}{known}")
    }

    fn count(
        &self,
        name: &str,
        value: Spanned<DeValue<'_>>,
        range: RangeInclusive<u64>,
    ) -> Result<u64, FileError> {
        let span = value.span();
        u64::deserialize(ValueDeserializer::from(value))
            .ok()
            .filter(|count| range.contains(count))
            .ok_or_else(|| {
                let (least, most) = range.into_inner();
                let what = format!("{name} must be a whole number from {least} to {most}");
                self.error(span, what)
            })
    }

    /// Sets the parameters. Kinds come first: they decide which others there are.
    fn set(&mut self) -> Result<Vec<Setting>, FileError> {
        let mut settings = std::mem::take(&mut self.settings);
        settings.sort_by_key(|setting| !setting.name.ends_with("kind"));
        for Setting {
            name,
            key,
            value,
            to,
        } in &settings
        {
            let set = self.file.scenario.set_in(self.folder, name, to);
            set.map_err(|error| {
                let unknown = matches!(error, ParamError::Unknown { .. });
                let at = if unknown { key } else { value };
                self.error(at.clone(), error.to_string())
            })?;
        }
        Ok(settings)
    }

    /// Whether they fit together. A mistake stands where the parameter to change is set, or nowhere: at the beginning.
    fn check(&self, settings: &[Setting]) -> Result<(), FileError> {
        self.file.scenario.check().map_err(|error| {
            let at = settings.iter().find(|setting| {
                matches!(&error, ParamError::Together { name, .. } if setting.name == *name)
            });
            let span = at.map_or(0..0, |setting| setting.value.clone());
            self.error(span, error.to_string())
        })
    }
}
