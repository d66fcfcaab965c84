//! Keys for the hypervisor: one that is typed after three times Ctrl-A.
//!
//! On Xen three times Ctrl-A switches the keyboard over; here it is for the next key only.

/// Ctrl-A.
pub(super) const KEY: u8 = 1;
/// How often it has to come in a row.
const TIMES: u8 = 3;

/// What a key asks of the hypervisor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request {
    /// q: that domains show their state.
    Debug,
    /// e: how often vCPUs have exited, by reason.
    ExitCounts,
    /// n: that vCPUs get an NMI.
    Nmi,
}

impl Request {
    pub(super) const fn of(key: u8) -> Option<Self> {
        match key {
            b'q' => Some(Self::Debug),
            b'e' => Some(Self::ExitCounts),
            b'n' => Some(Self::Nmi),
            _ => None,
        }
    }
}

/// What a typed byte is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Typed {
    /// It may belong to an escape, and is kept until that is known.
    Held,
    /// Input, and so are as many [`KEY`]s that were held before it.
    Input {
        /// How many.
        escapes: u8,
    },
    /// A key for the hypervisor.
    Command(u8),
}

/// How much of an escape has been typed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Escape {
    count: u8,
}

impl Escape {
    pub(super) const fn new() -> Self {
        Self { count: 0 }
    }

    pub(super) const fn typed(&mut self, byte: u8) -> Typed {
        let escapes = self.count;
        if escapes == TIMES {
            self.count = 0;
            return Typed::Command(byte);
        }
        if byte == KEY {
            self.count += 1;
            return Typed::Held;
        }
        self.count = 0;
        Typed::Input { escapes }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ConsoleQueues;
    use super::Request;

    #[test]
    fn only_three_in_a_row_are_an_escape() {
        for (typed, input, asked) in [
            (&b"abc"[..], &b"abc"[..], None),
            (b"\x01a\x01\x01b", b"\x01a\x01\x01b", None),
            (b"a\x01\x01\x01qb", b"ab", Some(Request::Debug)),
            (b"\x01\x01\x01e", b"", Some(Request::ExitCounts)),
            (b"\x01\x01\x01nn", b"n", Some(Request::Nmi)),
            (b"\x01\x01\x01q\x01\x01\x01x", b"", Some(Request::Debug)),
            (b"\x01\x01\x01xq", b"q", None),
            (b"\x01\x01\x01\x01q", b"q", None),
            (b"\x01\x01", b"", None),
        ] {
            let mut queues = ConsoleQueues::new();
            for &byte in typed {
                queues.receive(byte);
            }
            assert_eq!(queues.input.front(), input, "{typed:x?}");
            assert_eq!(queues.take_request(), asked, "{typed:x?}");
            assert_eq!(queues.take_request(), None, "once");
        }
    }
}
