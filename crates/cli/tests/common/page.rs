//! What holds for every report: a whole page that needs nothing else.

/// Fetches nothing, runs nothing, and each tag is closed where it belongs.
#[track_caller]
pub(crate) fn needs_nothing_else(page: &str) {
    for bad in [
        "<script", "<link", "src=", "href=", "url(", "@import", "http:", "https:", "\u{1b}",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(
        page.starts_with("<!doctype html>\n<html lang=\"en\">\n") && page.ends_with("\n</html>\n")
    );
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or(tag);
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "</{tag}>{text}");
        } else if !tag.ends_with('/') && !["!doctype", "meta", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
