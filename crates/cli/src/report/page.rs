//! What all reports are written in: one HTML page that needs nothing else, its head, and its large numbers.

use super::style;
use super::svg::escape;

/// The head of a report.
pub(crate) struct Head<'a> {
    /// The command that makes it.
    pub(crate) command: &'a str,
    pub(crate) title: &'a str,
    /// The heading; a title says more.
    pub(crate) heading: &'a str,
    /// The lines below it, as HTML.
    pub(crate) about: &'a [String],
    /// What the style of all reports lacks for this one.
    pub(crate) style: &'a str,
}

/// The whole file.
pub(crate) fn html(head: &Head<'_>, body: &str) -> String {
    let command = head.command;
    let about: String = head
        .about
        .iter()
        .map(|line| format!("<p class=\"what\">{line}</p>\n"))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} - evenkeel {command}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<p class=\"kind\">evenkeel {command}</p>\n<h1>{}</h1>\n{about}</header>\n\
         {body}</main>\n</body>\n</html>\n",
        escape(head.title),
        style::CSS,
        head.style,
        escape(head.heading),
    )
}

/// Numbers, large: what each is, its value, and what there is to say about it.
pub(crate) fn tiles<'a>(tiles: impl IntoIterator<Item = (&'a str, String, String)>) -> String {
    let items: String = tiles
        .into_iter()
        .map(|(name, value, about)| {
            let (name, about) = (escape(name), escape(&about));
            format!("<div><dt>{name}</dt><dd>{value}</dd><dd class=\"about\">{about}</dd></div>\n")
        })
        .collect();
    format!("<dl class=\"tiles\">\n{items}</dl>\n")
}
