//! Where each value of a TOML or JSON document stands, so that an error can point at it by its path.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Values nested deeper are not looked into: no policy is.
const DEEPEST: usize = 16;

/// A value, the bytes that it takes up, and what is in it.
pub(crate) struct Node {
    /// The key in its table, or its index in a list.
    name: String,
    in_list: bool,
    pub(crate) span: Range<usize>,
    children: Vec<Self>,
    is_list: bool,
}

impl Node {
    /// The outline of a TOML document, or why it is none.
    pub(crate) fn of_toml(text: &str) -> Result<Self, toml::de::Error> {
        let table = DeTable::parse(text)?;
        let mut root = Self::new(String::new(), false, 0..0);
        root.children = toml_table(table.get_ref(), DEEPEST);
        Ok(root)
    }

    /// The outline of a JSON document, or why it is none.
    pub(crate) fn of_json(text: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(json_value(text, raw, String::new(), false, DEEPEST))
    }

    /// The value at `path`, such as `breaker.triggers[1].min_calls`, or the nearest value around it.
    pub(crate) fn locate(&self, path: &str) -> &Self {
        let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        let mut node = self;
        for step in steps {
            match node.children.iter().find(|child| child.name == step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// All values that have none within them, with their paths, in the order of the text.
    pub(crate) fn values(&self) -> Vec<(String, &Self)> {
        let mut found = Vec::new();
        let mut open = vec![(String::new(), self)];
        while let Some((path, node)) = open.pop() {
            if node.children.is_empty() {
                found.push((path, node));
                continue;
            }
            let children = node.children.iter();
            open.extend(children.map(|child| (child.path_under(&path), child)));
        }
        found.sort_by_key(|(_, value)| value.span.start);
        found
    }

    /// Its path, where that of the value around it is this.
    fn path_under(&self, path: &str) -> String {
        match (self.in_list, path) {
            (true, _) => format!("{path}[{}]", self.name),
            (false, "") => self.name.clone(),
            (false, _) => format!("{path}.{}", self.name),
        }
    }

    /// The first list that stands where a policy has a table, with its path: serde would take its values in the order
    /// of our fields. Only `triggers` is a list.
    pub(crate) fn list_for_table(&self) -> Option<(String, &Self)> {
        if self.is_list && (self.in_list || self.name != "triggers") {
            let path = if self.name.is_empty() {
                String::new()
            } else {
                format!("{}: ", self.name)
            };
            return Some((path, self));
        }
        self.children.iter().find_map(Self::list_for_table)
    }

    /// The smallest value around byte `at`, or ending there, with its path.
    pub(crate) fn innermost(&self, at: usize) -> (String, &Self) {
        self.find(at, "").unwrap_or_else(|| (String::new(), self))
    }

    /// Looks into every child, also where the byte lies outside its span: that of a table under a TOML header is
    /// the header alone.
    fn find(&self, at: usize, path: &str) -> Option<(String, &Self)> {
        let around = |span: &Range<usize>| span.start <= at && at <= span.end;
        self.children
            .iter()
            .find_map(|child| child.find(at, &child.path_under(path)))
            .or_else(|| around(&self.span).then(|| (path.to_owned(), self)))
    }

    fn new(name: String, in_list: bool, span: Range<usize>) -> Self {
        Self {
            name,
            in_list,
            span,
            children: Vec::new(),
            is_list: false,
        }
    }
}

fn toml_table(table: &DeTable<'_>, depth: usize) -> Vec<Node> {
    table
        .iter()
        .map(|(key, value)| toml_value(value, key.get_ref().to_string(), false, depth))
        .collect()
}

fn toml_value(value: &Spanned<DeValue<'_>>, name: String, in_list: bool, depth: usize) -> Node {
    let mut node = Node::new(name, in_list, value.span());
    if depth == 0 {
        return node;
    }
    node.is_list = matches!(value.get_ref(), DeValue::Array(_));
    node.children = match value.get_ref() {
        DeValue::Table(table) => toml_table(table, depth - 1),
        DeValue::Array(list) => list
            .iter()
            .enumerate()
            .map(|(at, value)| toml_value(value, at.to_string(), true, depth - 1))
            .collect(),
        _ => Vec::new(),
    };
    node
}

fn json_value(text: &str, raw: &RawValue, name: String, in_list: bool, depth: usize) -> Node {
    let value = raw.get();
    // A raw value is a part of the text that it was read from.
    let start = (value.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let mut node = Node::new(name, in_list, start..start.saturating_add(value.len()));
    if depth == 0 {
        return node;
    }
    if let Ok(table) = serde_json::from_str::<BTreeMap<String, &RawValue>>(value) {
        node.children = table
            .into_iter()
            .map(|(key, raw)| json_value(text, raw, key, false, depth - 1))
            .collect();
    } else if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(value) {
        node.is_list = true;
        node.children = list
            .into_iter()
            .enumerate()
            .map(|(at, raw)| json_value(text, raw, at.to_string(), true, depth - 1))
            .collect();
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(text: &'a str, node: &Node) -> &'a str {
        &text[node.span.clone()]
    }

    #[test]
    fn toml_values_are_found_by_path() {
        let text = "[breaker]\ntriggers = [{ kind = \"a\" }, { min_calls = 200 }]\nopen = { base = \"1s\" }\n";
        let root = Node::of_toml(text).unwrap();
        assert_eq!(
            shown(text, root.locate("breaker.triggers[1].min_calls")),
            "200"
        );
        assert_eq!(
            shown(text, root.locate("breaker.open.cap")),
            "{ base = \"1s\" }"
        );
        let (path, node) = root.innermost(text.find("200").unwrap());
        assert_eq!(
            (path.as_str(), shown(text, node)),
            ("breaker.triggers[1].min_calls", "200")
        );
    }

    #[test]
    fn json_values_are_found_by_path() {
        let text = r#" {"breaker": {"triggers": [{"kind": "a"}, {"min_calls": 200}]}}"#;
        let root = Node::of_json(text).unwrap();
        assert_eq!(
            shown(text, root.locate("breaker.triggers[1].min_calls")),
            "200"
        );
        assert_eq!(
            shown(text, root.locate("breaker.triggers[0].at_least")),
            r#"{"kind": "a"}"#
        );
        let (path, _) = root.innermost(text.find("200").unwrap());
        assert_eq!(path, "breaker.triggers[1].min_calls");
    }
}
