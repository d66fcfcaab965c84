//! What has to hold of the run of nodes, for tests that try to break it.

use super::{HEADER, Tree, path};
use crate::store::{MAX_NODES, MAX_VALUE_BYTES, TREE_BYTES};

impl Tree {
    /// Checks the whole run.
    ///
    /// # Panics
    ///
    /// When something does not hold.
    pub(in crate::store) fn check(&self) {
        assert!(self.used <= TREE_BYTES && self.nodes <= MAX_NODES);
        let (mut next, mut count) = (0, 0);
        let mut before: Option<&[u8]> = None;
        while let Some(node) = self.next(&mut next) {
            assert!(node.value.len() <= MAX_VALUE_BYTES && node.size() > HEADER);
            assert!(before.is_none_or(|it| path::order(it, node.path).is_lt()), "out of order");
            let parent = node.path.iter().rposition(|byte| *byte == b'/');
            assert!(parent.is_none_or(|end| self.has(&node.path[..end])), "no parent");
            before = Some(node.path);
            count += 1;
        }
        assert_eq!((count, next), (self.nodes, self.used));
    }
}
