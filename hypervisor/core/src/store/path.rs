//! Names of nodes.
//!
//! A node is named by a path from the root. In the store the root's is empty and all others begin
//! with a slash and do not end with one, so the path of a child is its parent's, a slash and a
//! name. A domain may leave out the path of its home.

use super::error::Error;
use crate::address::DomId;
use arrayvec::{ArrayString, ArrayVec};
use core::fmt::Write;
use xenolith_abi::xenstore::{ABS_PATH_MAX, REL_PATH_MAX};

/// A path that is well-formed.
pub(super) type Path = ArrayVec<u8, ABS_PATH_MAX>;

/// The path of a domain's home.
pub(super) type Home = ArrayString<24>;

/// Returns the home of a domain.
#[doc(alias = "XS_GET_DOMAIN_PATH")]
pub(super) fn home(domain: DomId) -> Home {
    let mut home = Home::new();
    write!(home, "/local/domain/{}", domain.0).expect("a number of 16 bits has five digits");
    home
}

/// Returns the path that `text` means to `domain`.
///
/// # Errors
///
/// When it is not well-formed, or too long.
pub(super) fn resolve(domain: DomId, text: &[u8]) -> Result<Path, Error> {
    let mut path = Path::new();
    if text == b"/" {
        return Ok(path);
    }
    let longest = if text.first() == Some(&b'/') { ABS_PATH_MAX } else { REL_PATH_MAX };
    if !is_well_formed(text) || text.len() > longest {
        return Err(Error::Invalid);
    }
    if text.first() != Some(&b'/') {
        path.extend(home(domain).bytes());
        path.push(b'/');
    }
    path.try_extend_from_slice(text).map_err(|_| Error::Invalid)?;
    Ok(path)
}

/// Returns whether `text` has only permitted characters, and a name before and behind each slash
/// but for a first.
fn is_well_formed(text: &[u8]) -> bool {
    let permitted = |byte: &u8| byte.is_ascii_alphanumeric() || b"-/_@".contains(byte);
    let names = text.strip_prefix(b"/").unwrap_or(text);
    text.iter().all(permitted) && names.split(|byte| *byte == b'/').all(|name| !name.is_empty())
}

/// Returns whether `path` is `above` or below it.
pub(super) fn is_within(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

/// Compares paths so that what is below a node comes right behind it.
///
/// Paths of one tree begin alike: of what they share, words are compared. A request walks over all
/// nodes several times.
pub(super) fn order(one: &[u8], other: &[u8]) -> core::cmp::Ordering {
    let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    let same = 8 * words.take_while(|(one, other)| one == other).count();
    let (one, other) = (&one[same..], &other[same..]);
    let differ = one.iter().zip(other).find(|(one, other)| one != other);
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    match differ {
        Some((one, other)) => rank(*one).cmp(&rank(*other)),
        None => one.len().cmp(&other.len()),
    }
}

/// Returns `path` as messages have it.
pub(super) fn display(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"/" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cmp::Ordering;

    const ONE: DomId = DomId(1);

    #[test]
    fn a_path_may_begin_at_home() {
        for (text, path) in [
            ("/", ""),
            ("/a", "/a"),
            ("/a/b-c_d@e", "/a/b-c_d@e"),
            ("a", "/local/domain/1/a"),
            ("device/vbd/0", "/local/domain/1/device/vbd/0"),
        ] {
            assert_eq!(resolve(ONE, text.as_bytes()).unwrap().as_slice(), path.as_bytes());
        }
    }

    #[test]
    fn a_path_that_is_not_well_formed_is_refused() {
        for text in ["", "//", "/a/", "a/", "a//b", "//a", "/a b", "/a\0b", "/\u{e4}", "/a.b"] {
            assert_eq!(resolve(ONE, text.as_bytes()), Err(Error::Invalid), "{text:?}");
        }
    }

    #[test]
    fn the_longest_paths_are_as_on_xen() {
        for (first, longest) in [("/", 3072), ("x", 2048)] {
            let text = |length: usize| first.to_owned() + &"y".repeat(length - 1);
            assert!(resolve(ONE, text(longest).as_bytes()).is_ok());
            assert_eq!(resolve(ONE, text(longest + 1).as_bytes()), Err(Error::Invalid));
        }
    }

    #[test]
    fn what_is_below_a_node_comes_right_behind_it() {
        let mut paths = ["/b", "/a-", "/a/b/c", "/a", "/a/b-", "", "/a/b", "/ab"];
        paths.sort_by(|one, other| order(one.as_bytes(), other.as_bytes()));
        assert_eq!(paths, ["", "/a", "/a/b", "/a/b/c", "/a/b-", "/a-", "/ab", "/b"]);
        assert_eq!(order(b"/a", b"/a"), Ordering::Equal);
    }

    #[test]
    fn long_paths_are_ordered_like_short_ones() {
        let tails = ["", "/", "/a", "/a/b", "/a-", "/ab"];
        for length in 0..20 {
            let prefix = "x".repeat(length);
            for (one, other) in tails.iter().flat_map(|one| tails.map(|other| (*one, other))) {
                let [long, long_other] = [one, other].map(|tail| prefix.clone() + tail);
                let expected = order(one.as_bytes(), other.as_bytes());
                let found = order(long.as_bytes(), long_other.as_bytes());
                assert_eq!(found, expected, "{long} {long_other}");
            }
        }
    }

    #[test]
    fn only_whole_names_count() {
        for (path, above, within) in
            [("/a", "/a", true), ("/a/b", "/a", true), ("/ab", "/a", false), ("/a", "", true)]
        {
            assert_eq!(is_within(path.as_bytes(), above.as_bytes()), within, "{path} {above}");
        }
    }
}
