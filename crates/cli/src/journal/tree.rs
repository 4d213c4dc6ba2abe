//! A JSON value with the keys of its tables in the order of the text: what is shown of a journal to people.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(u64),
    /// Any other number, as text.
    Other(String),
    Text(String),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
}

impl Tree {
    /// The value of a JSON text; what is none is shown as the text that it is.
    pub(crate) fn of(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|_| Self::Text(json.to_owned()))
    }

    /// What is written as this JSON.
    pub(crate) fn of_value(value: &impl serde::Serialize) -> Self {
        serde_json::to_string(value).map_or(Self::Null, |json| Self::of(&json))
    }

    /// The only entry of a table that has one: a variant and what it holds.
    pub(crate) fn variant(&self) -> Option<(&str, &Self)> {
        match self {
            Self::Table(entries) => match entries.as_slice() {
                [(name, value)] => Some((name, value)),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is written in a line, or `None` if that takes more than `most` characters.
    fn compact(&self, most: usize) -> Option<String> {
        let text = self.to_string();
        (text.chars().count() <= most).then_some(text)
    }

    /// Lines with an indent, in which what fits into `width` characters stands in one line. Where `other` differs, the
    /// innermost lines that do are marked in front.
    pub(crate) fn lines(&self, other: &Self, width: usize) -> Vec<Marked> {
        let mut lines = Vec::new();
        self.layout(Some(other), "", "", 0, width, &mut lines);
        lines
    }

    fn layout(
        &self,
        other: Option<&Self>,
        before: &str,
        after: &str,
        indent: usize,
        width: usize,
        lines: &mut Vec<Marked>,
    ) {
        let differs = other != Some(self);
        let room = width.saturating_sub(indent + before.chars().count() + after.len());
        // A difference in one short line is easy to see; a longer value is taken apart until it is.
        let whole = self.compact(room);
        let mut line = |text: String, differs| {
            let text = format!("{:indent$}{text}", "");
            lines.push(Marked { text, differs });
        };
        match (self, whole) {
            (_, Some(text)) => line(format!("{before}{text}{after}"), differs),
            (Self::List(items), None) if !items.is_empty() => {
                line(format!("{before}["), false);
                let last = items.len() - 1;
                for (at, item) in items.iter().enumerate() {
                    let there = match other {
                        Some(Self::List(others)) => others.get(at),
                        _ => None,
                    };
                    let comma = if at == last { "" } else { "," };
                    item.layout(there, "", comma, indent + 2, width, lines);
                }
                lines.push(Marked::same(format!("{:indent$}]{after}", "")));
            }
            (Self::Table(entries), None) if !entries.is_empty() => {
                line(format!("{before}{{"), false);
                let last = entries.len() - 1;
                for (at, (name, value)) in entries.iter().enumerate() {
                    let there = other.and_then(|other| other.get(name));
                    let comma = if at == last { "" } else { "," };
                    let name = format!("{}: ", quoted(name));
                    value.layout(there, &name, comma, indent + 2, width, lines);
                }
                lines.push(Marked::same(format!("{:indent$}}}{after}", "")));
            }
            _ => line(format!("{before}{self}{after}"), differs),
        }
    }

    /// The value at this key of a table.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

/// A line of a value, and whether the other value has another there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) text: String,
    pub(crate) differs: bool,
}

impl Marked {
    fn same(text: String) -> Self {
        Self {
            text,
            differs: false,
        }
    }
}

/// JSON on one line, with blanks after `:` and `,`, and nothing that could command a terminal.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Other(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_char(']')
            }
            Self::Table(entries) => {
                f.write_char('{')?;
                for (at, (name, value)) in entries.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", quoted(name))?;
                }
                f.write_char('}')
            }
        }
    }
}

/// A JSON string without control characters: JSON itself writes only the oldest of them by number.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Other(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = table.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Table(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_the_order_of_their_keys_and_print_as_json() {
        let text = r#"{"b":[1,-2,null,true],"a":"x\u001b\"\u009b"}"#;
        let shown = Tree::of(text).to_string();
        assert_eq!(
            shown,
            r#"{"b": [1, -2, null, true], "a": "x\u001b\"\u009b"}"#
        );
        assert_eq!(Tree::of(&shown), Tree::of(text));
        assert_eq!(Tree::of("{"), Tree::Text("{".to_owned()));
    }

    #[test]
    fn long_values_are_taken_apart_and_differences_marked() {
        let one = Tree::of(r#"{"a":{"b":1,"c":[1,2]},"d":"long long long"}"#);
        let other = Tree::of(r#"{"a":{"b":1,"c":[1,3]},"d":"long long long"}"#);
        let lines = one.lines(&other, 24);
        let shown: Vec<_> = lines
            .iter()
            .map(|line| (line.text.as_str(), line.differs))
            .collect();
        let expected = [
            ("{", false),
            ("  \"a\": {", false),
            ("    \"b\": 1,", false),
            ("    \"c\": [1, 2]", true),
            ("  },", false),
            ("  \"d\": \"long long long\"", false),
            ("}", false),
        ];
        assert_eq!(shown, expected);
        assert!(one.lines(&one, 200).iter().all(|line| !line.differs));
        assert_eq!(one.lines(&one, 200).len(), 1);
    }
}
