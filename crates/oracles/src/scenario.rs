//! Scenario files: any text is refused with a place in it, or is a scenario.

use std::path::Path;

use evenkeel_sim::ScenarioFile;

/// Reads a scenario file.
///
/// # Panics
/// If a complaint is about a place that the text has not.
pub fn scenario(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    match ScenarioFile::parse(text, Path::new("no such folder")) {
        Err(error) => {
            assert!(
                text.get(error.span()).is_some(),
                "no such span: {:?}",
                error.span()
            );
            assert!(
                error.line() >= 1 && error.line() <= text.lines().count().max(1) + 1,
                "{error}"
            );
            assert!(error.column() >= 1 && !error.to_string().is_empty());
        }
        Ok(mut file) => {
            assert!(!file.scenario.name().is_empty());
            let values = file.scenario.params().len();
            assert!(file.runs != Some(0), "no runs, with {values} parameters");
        }
    }
}
