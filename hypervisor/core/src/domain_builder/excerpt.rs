//! A piece of a guest's image that can be quoted in an error message.

use core::fmt;

use arrayvec::ArrayString;

const LENGTH: usize = 32;

/// The beginning of a string, made printable; it does not borrow from the image.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Excerpt(ArrayString<LENGTH>);

impl Excerpt {
    /// Quotes a string, with a question mark for whatever is not printable ASCII.
    pub fn of(bytes: &[u8]) -> Self {
        let printable =
            |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
        let mut text = ArrayString::new();
        for character in bytes.iter().take(LENGTH).map(printable) {
            text.push(character);
        }
        Self(text)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_prints() {
        assert_eq!(Excerpt::of(b"xen-3.1").to_string(), "\"xen-3.1\"");
        assert_eq!(Excerpt::of(b"a\x1b[2J\xff\0").to_string(), "\"a?[2J??\"");
        assert_eq!(Excerpt::of(&[b'x'; 99]).to_string().len(), LENGTH + 2);
    }
}
