//! The tree against a map of paths.

use super::super::path;
use super::super::permissions::PRIVILEGED;
use super::super::tree::Tree;
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    Write(String, Vec<u8>),
    Remove(String),
    SetPermissions(String, u16, usize),
}

fn any_path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("a-"), Just("ab")];
    proptest::collection::vec(name, 0..5)
        .prop_map(|names| names.iter().flat_map(|name| ["/", name]).collect())
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any_path(), proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(path, value)| Step::Write(path, value)),
        1 => any_path().prop_map(Step::Remove),
        1 => (any_path(), 0u16..4, 1usize..6)
            .prop_map(|(path, owner, count)| Step::SetPermissions(path, owner, count)),
    ]
}

/// Paths with values and the number of permissions.
#[derive(Debug, Default)]
struct Model(BTreeMap<String, (Vec<u8>, usize)>);

impl Model {
    fn write(&mut self, path: &str, value: &[u8]) {
        let ends = (0..path.len()).filter(|end| path.as_bytes()[*end] == b'/').chain([path.len()]);
        let mut inherited = 1;
        for end in ends {
            let node = self.0.entry(path[..end].to_owned()).or_insert((Vec::new(), inherited));
            inherited = node.1;
        }
        self.0.get_mut(path).unwrap().0 = value.to_vec();
    }

    fn remove(&mut self, path: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|node, _| !path::is_within(node.as_bytes(), path.as_bytes()));
        self.0.len() != before
    }

    fn children(&self, path: &str) -> BTreeSet<String> {
        let below = self.0.keys().filter_map(|node| node.strip_prefix(path)?.strip_prefix('/'));
        below.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_tree_agrees_with_a_map(steps in proptest::collection::vec(any_step(), 1..120)) {
        let mut tree = Tree::new_box_zeroed().unwrap();
        tree.plant();
        let mut model = Model::default();
        model.write("", b"");
        for step in steps {
            match step {
                Step::Write(path, value) => {
                    tree.write(path.as_bytes(), &value, PRIVILEGED).unwrap();
                    model.write(&path, &value);
                }
                Step::Remove(path) if path.is_empty() => {}
                Step::Remove(path) => {
                    prop_assert_eq!(tree.remove(path.as_bytes()), model.remove(&path));
                }
                Step::SetPermissions(path, owner, count) => {
                    let text = format!("n{owner}\0").repeat(count);
                    let permissions = permissions::Permissions::parse(text.as_bytes()).unwrap();
                    let done = tree.set_permissions(path.as_bytes(), &permissions);
                    let node = model.0.get_mut(&path);
                    prop_assert_eq!(done.is_ok(), node.is_some());
                    if let Some(node) = node { node.1 = count; }
                }
            }
            for (path, (value, count)) in &model.0 {
                let node = tree.node(path.as_bytes(), PRIVILEGED, READ).unwrap();
                prop_assert_eq!(node.value, value);
                prop_assert_eq!(usize::from(node.permissions().count()), *count);
                let mut children = BTreeSet::new();
                tree.for_each_child(path.as_bytes(), |name| {
                    assert!(children.insert(String::from_utf8(name.to_vec()).unwrap()));
                });
                prop_assert_eq!(children, model.children(path));
            }
            prop_assert_eq!(tree.count(), model.0.len());
        }
    }

    #[test]
    fn a_full_tree_stays_as_it_was(sizes in proptest::collection::vec(0usize..2049, 60..120)) {
        let mut tree = Tree::new_box_zeroed().unwrap();
        tree.plant();
        let mut values = BTreeMap::new();
        for (n, size) in sizes.into_iter().enumerate() {
            let path = format!("/{}", n % 50);
            let value = vec![u8::try_from(n).unwrap(); size];
            match tree.write(path.as_bytes(), &value, PRIVILEGED) {
                Ok(()) => drop(values.insert(path, value)),
                Err(error) => prop_assert_eq!(error, Error::NoSpace),
            }
        }
        for (path, value) in values {
            prop_assert_eq!(tree.node(path.as_bytes(), PRIVILEGED, READ).unwrap().value, value);
        }
    }
}
