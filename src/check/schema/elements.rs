//! The nodes of a Parquet schema as the footer states them, by the same paths as in `columns`.
//!
//! Lists and maps are taken apart as the Parquet crate does it, older forms included, so that names of the groups in between (`list`,
//! `bag`, `key_value`) do not matter. A node of another path than the Arrow view gives it is simply not found there.

use std::collections::{BTreeMap, BTreeSet};

use corpora::stated::{Element, Stated};

use super::annotation;

const REPEATED: i64 = 2;
/// Groups of more levels are not looked at; the reading of the footer refuses them.
const DEEPEST: usize = 80;

/// What the footer states of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::check) struct Node {
    /// Field id.
    pub(super) id: Option<i64>,
    /// Annotation as text; empty where there is none.
    pub(in crate::check) annotation: String,
}

/// The nodes of one file.
pub(in crate::check) type Nodes = BTreeMap<Vec<String>, Node>;

/// An id that several fields of one group have, with their paths.
pub(super) type Shared = (i64, Vec<Vec<String>>);

struct Tree<'a> {
    element: &'a Element,
    children: Vec<Tree<'a>>,
}

/// The nodes of a file, `created_by` being the writer that the footer names.
pub(in crate::check) fn nodes(stated: &Stated, created_by: Option<&str>) -> Nodes {
    let mut nodes = Nodes::new();
    let mut rest = stated.elements.iter();
    let Some(root) = rest.next() else { return nodes };
    let Some(roots) = (0..root.children).map(|_| tree(&mut rest, 0)).collect::<Option<Vec<_>>>() else {
        return nodes;
    };
    for tree in &roots {
        node(tree, vec![tree.element.name.clone()], &mut nodes);
    }
    if numbered_by_place(stated, created_by) {
        nodes.values_mut().for_each(|node| node.id = None);
    }
    unnumbered(&mut nodes);
    nodes
}

fn tree<'a>(rest: &mut std::slice::Iter<'a, Element>, depth: usize) -> Option<Tree<'a>> {
    let element = rest.next().filter(|_| depth < DEEPEST)?;
    let children = (0..element.children).map(|_| tree(rest, depth + 1)).collect::<Option<_>>()?;
    Some(Tree { element, children })
}

fn below(path: &[String], part: String) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(part);
    path
}

impl Tree<'_> {
    fn repeated(&self) -> bool {
        self.element.repetition == Some(REPEATED)
    }

    /// Whether the element has one of these annotations, by converted or logical type.
    fn annotated(&self, converted: &[i64], logical: i64) -> bool {
        let number = self.element.logical.as_ref().map(|it| it.number);
        number == Some(logical) || self.element.converted.is_some_and(|it| converted.contains(&it))
    }

    fn is_list(&self) -> bool {
        self.annotated(&[3], 3)
    }

    fn is_map(&self) -> bool {
        self.annotated(&[1, 2], 2)
    }

    fn stated(&self) -> Node {
        let id = self.element.id.filter(|id| *id >= 0);
        Node { id, annotation: annotation::text(self.element) }
    }
}

fn node(tree: &Tree<'_>, path: Vec<String>, nodes: &mut Nodes) {
    if tree.repeated() {
        // A list without annotation: the field is the list, its type that of the elements.
        let Node { id, annotation } = tree.stated();
        let elements = below(&path, "[]".to_owned());
        nodes.insert(path, Node { id, annotation: String::new() });
        fields(tree, &elements, nodes);
        nodes.insert(elements, Node { id: None, annotation });
    } else {
        alone(tree, path, nodes);
    }
}

/// A node and what is below it, its repetition passed over.
fn alone(tree: &Tree<'_>, path: Vec<String>, nodes: &mut Nodes) {
    nodes.insert(path.clone(), tree.stated());
    match tree.children.as_slice() {
        [entries] if tree.is_map() && entries.repeated() && entries.children.len() == 2 => {
            for (child, part) in entries.children.iter().zip(["{key}", "{value}"]) {
                node(child, below(&path, part.to_owned()), nodes);
            }
        }
        [repeated] if (tree.is_list() || tree.is_map()) && repeated.repeated() => {
            elements(tree, repeated, below(&path, "[]".to_owned()), nodes);
        }
        _ => fields(tree, &path, nodes),
    }
}

fn fields(tree: &Tree<'_>, path: &[String], nodes: &mut Nodes) {
    for child in &tree.children {
        node(child, below(path, format!("/{}", child.element.name)), nodes);
    }
}

/// The elements of a list: what the repeated group holds, or in older files the repeated field itself.
fn elements(list: &Tree<'_>, repeated: &Tree<'_>, path: Vec<String>, nodes: &mut Nodes) {
    if (repeated.is_list() || repeated.is_map()) && matches!(&repeated.children[..], [it] if it.repeated()) {
        // A list of lists without a group in between.
        return alone(repeated, path, nodes);
    }
    let name = &repeated.element.name;
    let itself = match repeated.children.as_slice() {
        [child] => {
            !repeated.is_list()
                && !child.repeated()
                && (name == "array" || *name == format!("{}_tuple", list.element.name))
        }
        _ => true,
    };
    if itself {
        nodes.insert(path.clone(), repeated.stated());
        fields(repeated, &path, nodes);
    } else {
        for child in &repeated.children {
            node(child, path.clone(), nodes);
        }
    }
}

/// Whether a writer numbered all elements by their place, which says nothing: Arrow for C++ did so before version 8.
fn numbered_by_place(stated: &Stated, created_by: Option<&str>) -> bool {
    let version = created_by.and_then(|writer| {
        let (_, version) = writer.strip_prefix("parquet-cpp")?.split_once("version ")?;
        version.split('.').next()?.parse::<u32>().ok()
    });
    let by_place = |(place, element): (usize, &Element)| element.id == i64::try_from(place).ok();
    version.is_some_and(|it| it < 8) && stated.elements.iter().enumerate().skip(1).all(by_place)
}

/// Takes out ids of 0 that several fields of a group share: their writer fills the field in and means none.
fn unnumbered(nodes: &mut Nodes) {
    let shared: BTreeSet<Vec<String>> =
        shared_ids(nodes).into_iter().filter(|(id, _)| *id == 0).flat_map(|(_, paths)| paths).collect();
    for path in shared {
        if let Some(node) = nodes.get_mut(&path) {
            node.id = None;
        }
    }
}

/// Ids that several fields of one group have, with their paths.
pub(super) fn shared_ids(nodes: &Nodes) -> Vec<Shared> {
    let mut fields: BTreeMap<(&[String], i64), Vec<Vec<String>>> = BTreeMap::new();
    for (path, node) in nodes {
        if let (Some(id), Some((_, group))) = (node.id, path.split_last()) {
            fields.entry((group, id)).or_default().push(path.clone());
        }
    }
    let shared = fields.into_iter().filter(|(_, paths)| paths.len() > 1);
    shared.map(|((_, id), paths)| (id, paths)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str, id: i64, children: usize) -> Element {
        let physical = (children == 0).then_some(1);
        Element { name: name.to_owned(), id: Some(id), children, physical, ..Element::default() }
    }

    fn repeated(element: Element) -> Element {
        Element { repetition: Some(REPEATED), ..element }
    }

    fn annotated(element: Element, converted: i64) -> Element {
        Element { converted: Some(converted), ..element }
    }

    fn ids(elements: Vec<Element>, created_by: Option<&str>) -> Vec<(String, Option<i64>)> {
        let roots = 1;
        let root = Element { children: roots, ..Element::default() };
        let stated =
            Stated { elements: std::iter::once(root).chain(elements).collect(), ..Stated::default() };
        let named = nodes(&stated, created_by).into_iter();
        named.map(|(path, node)| (path.concat(), node.id)).collect()
    }

    fn expected(of: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
        of.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
    }

    #[test]
    fn lists_of_lists_without_groups_in_between_have_the_paths_of_those_with() {
        let lists = vec![
            annotated(element("a", 1, 1), 3),
            repeated(annotated(element("array", 2, 1), 3)),
            repeated(annotated(element("array", 3, 1), 3)),
            repeated(element("array", 4, 0)),
        ];
        let expected = [("a", 1), ("a[]", 2), ("a[][]", 3), ("a[][][]", 4)];
        assert_eq!(ids(lists, None), expected.map(|(path, id)| (path.to_owned(), Some(id))));
        let maps = vec![
            annotated(element("a", 1, 1), 3),
            repeated(annotated(element("array", 2, 1), 1)),
            repeated(element("map", 3, 2)),
            element("key", 4, 0),
            element("value", 5, 0),
        ];
        let expected = [("a", 1), ("a[]", 2), ("a[]{key}", 4), ("a[]{value}", 5)];
        assert_eq!(ids(maps, None), expected.map(|(path, id)| (path.to_owned(), Some(id))));
    }

    #[test]
    fn a_list_has_one_path_whatever_the_groups_in_between_are_called() {
        let list = || annotated(element("l", 1, 1), 3);
        for (group, item) in [("list", "element"), ("bag", "array_element"), ("array", "x")] {
            let found = ids(vec![list(), repeated(element(group, 9, 1)), element(item, 2, 0)], None);
            let wanted: &[_] = if group == "array" {
                &[("l", Some(1)), ("l[]", Some(9)), ("l[]/x", Some(2))]
            } else {
                &[("l", Some(1)), ("l[]", Some(2))]
            };
            assert_eq!(found, expected(wanted), "{group}");
        }
        // The repeated field is the element itself; the list has no annotation.
        let found = ids(vec![list(), repeated(element("array", 2, 0))], None);
        assert_eq!(found, expected(&[("l", Some(1)), ("l[]", Some(2))]));
        assert_eq!(ids(vec![repeated(element("l", 1, 0))], None), expected(&[("l", Some(1)), ("l[]", None)]));
    }

    #[test]
    fn maps_and_structs_have_the_ids_of_their_fields() {
        let map = vec![
            annotated(element("m", 1, 1), 1),
            repeated(element("key_value", 9, 2)),
            element("key", 2, 0),
            element("value", 3, 2),
            element("x", 4, 0),
            element("y", 5, 0),
        ];
        let wanted = [
            ("m", Some(1)),
            ("m{key}", Some(2)),
            ("m{value}", Some(3)),
            ("m{value}/x", Some(4)),
            ("m{value}/y", Some(5)),
        ];
        assert_eq!(ids(map, None), expected(&wanted));
    }

    #[test]
    fn ids_that_only_count_the_elements_of_old_arrow_state_nothing() {
        let group = || vec![element("s", 1, 2), element("x", 2, 0), element("y", 3, 0)];
        let none = expected(&[("s", None), ("s/x", None), ("s/y", None)]);
        assert_eq!(ids(group(), Some("parquet-cpp-arrow version 5.0.0")), none);
        assert_eq!(ids(group(), Some("parquet-cpp version 1.5.1-SNAPSHOT")), none);
        assert_ne!(ids(group(), Some("parquet-cpp-arrow version 26.0.1")), none);
        assert_ne!(ids(group(), Some("parquet-mr version 1.13.1")), none);
        let other = vec![element("s", 1, 2), element("x", 3, 0), element("y", 2, 0)];
        assert_ne!(ids(other, Some("parquet-cpp-arrow version 5.0.0")), none);
    }

    #[test]
    fn zero_in_several_fields_and_negative_ids_are_no_ids() {
        let zeros = vec![element("s", 0, 2), element("x", 0, 0), element("y", 0, 0)];
        assert_eq!(ids(zeros, None), expected(&[("s", Some(0)), ("s/x", None), ("s/y", None)]));
        let negative = vec![element("s", -1, 2), element("x", 4, 0), element("y", -1, 0)];
        assert_eq!(ids(negative, None), expected(&[("s", None), ("s/x", Some(4)), ("s/y", None)]));
    }

    #[test]
    fn a_schema_that_ends_early_has_no_nodes() {
        assert_eq!(ids(vec![element("s", 1, 3)], None), []);
    }
}
