//! "Did you mean": the word that is meant by a mistyped one.

use std::path::{Path, PathBuf};

/// The candidate that `word` most resembles, if it resembles one; of equals the first.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a sentence about an unknown `word`; empty where no candidate resembles it.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, candidates) {
        Some(near) if near != word => format!(": did you mean `{near}`?"),
        _ => String::new(),
    }
}

/// The file that is meant by a path at which there is none: one of nearly that name in the same folder.
pub(crate) fn file(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let here = match folder == Path::new("") {
        true => Path::new("."),
        false => folder,
    };
    let entries = std::fs::read_dir(here).ok()?.flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    // Folders are listed in any order.
    names.sort_unstable();
    let near = nearest(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(folder.join(near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("braeker", ["breaker", "backoff"]), Some("breaker"));
        assert_eq!(nearest("metrics", ["breaker", "backoff"]), None);
    }

    #[test]
    fn nobody_means_what_he_said() {
        assert_eq!(hint("braeker", ["breaker"]), ": did you mean `breaker`?");
        assert_eq!(hint("breaker", ["breaker"]), "");
        assert_eq!(hint("metrics", ["breaker"]), "");
    }
}
