use super::*;
use crate::address::Gpa;
use crate::guest_memory::TestMemory;
use proptest::prelude::*;
use std::collections::VecDeque;

#[test]
fn line_ends_get_a_carriage_return() {
    let mut queues = ConsoleQueues::new();
    queues.write(b"a\nb");
    assert_eq!(queues.output.front(), b"a\r\nb");
    assert!(queues.in_line());
    queues.write(b"\n");
    assert!(!queues.in_line());
}

#[test]
fn what_room_promises_fits() {
    let mut queues = ConsoleQueues::new();
    queues.write(&vec![b'\n'; queues.room()]);
    assert_eq!((queues.output.room(), queues.room()), (0, 0));
}

const PAGE: u64 = 0x3000;
const IN: u64 = PAGE;
const OUT: u64 = PAGE + 1024;
const IN_CONS: u64 = PAGE + 3072;
const IN_PROD: u64 = PAGE + 3076;
const OUT_CONS: u64 = PAGE + 3080;
const OUT_PROD: u64 = PAGE + 3084;

/// A console page between two pages that must not be touched, and the queues.
struct Console {
    queues: ConsoleQueues,
    memory: TestMemory,
}

impl Console {
    fn new() -> Self {
        let queues = ConsoleQueues { ring: Some(ConsoleRing::new(Gpa(PAGE))), ..<_>::default() };
        Self { queues, memory: TestMemory::default().with_pages(3, 1, true) }
    }

    fn index(&self, at: u64) -> u32 {
        let mut bytes = [0; 4];
        assert!(self.memory.read(Gpa(at), &mut bytes));
        u32::from_le_bytes(bytes)
    }

    fn set(&mut self, at: u64, index: u32) {
        assert!(self.memory.store_u32(Gpa(at), index));
    }

    /// Writes as a guest does that looks at the room: returns how many bytes went in.
    fn guest_write(&mut self, text: &[u8]) -> usize {
        let (cons, mut prod) = (self.index(OUT_CONS), self.index(OUT_PROD));
        let room = 2048 - prod.wrapping_sub(cons);
        for byte in text.iter().take(room as usize) {
            assert!(self.memory.write(Gpa(OUT + u64::from(prod % 2048)), &[*byte]));
            prod = prod.wrapping_add(1);
        }
        self.set(OUT_PROD, prod);
        text.len().min(room as usize)
    }

    /// Reads at most `count` bytes as a guest does.
    fn guest_read(&mut self, count: u32) -> Vec<u8> {
        let (cons, prod) = (self.index(IN_CONS), self.index(IN_PROD));
        let count = prod.wrapping_sub(cons).min(count);
        self.set(IN_CONS, cons.wrapping_add(count));
        let byte = |at: u32| {
            let mut byte = [0];
            assert!(self.memory.read(Gpa(IN + u64::from(at % 1024)), &mut byte));
            byte[0]
        };
        (0..count).map(|offset| byte(cons.wrapping_add(offset))).collect()
    }

    fn event(&mut self) -> bool {
        self.queues.ring_event(&mut self.memory)
    }

    /// Takes at most `count` bytes for the line.
    fn line_takes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count && !self.queues.output.is_empty() {
            let front = self.queues.output.front();
            let front = front[..front.len().min(count - bytes.len())].to_vec();
            self.queues.output.consume(front.len());
            bytes.extend(front);
        }
        bytes
    }

    fn type_text(&mut self, text: &[u8]) {
        for &byte in text {
            self.queues.input.push(byte);
        }
    }
}

#[test]
fn nothing_moves_before_the_first_event() {
    let mut console = Console::new();
    console.guest_write(b"early");
    console.type_text(b"typed");
    assert!(!console.queues.serve_ring(&mut console.memory));
    assert!(!console.queues.is_input_for_ring());
    assert_eq!((console.index(OUT_CONS), console.index(IN_PROD)), (0, 0));
    assert!(console.event(), "the guest is told that there is room, and input");
    assert!(console.queues.is_input_for_ring());
    assert_eq!(console.line_takes(99), b"early");
    assert_eq!(console.guest_read(99), b"typed");
    assert!(!console.event(), "nothing has moved");
}

#[test]
fn output_goes_out_as_it_is() {
    let mut console = Console::new();
    console.guest_write(b"a\n\x1b[2J\0\xff");
    console.event();
    assert_eq!(console.line_takes(99), b"a\n\x1b[2J\0\xff");
    assert!(console.queues.in_line());
}

#[test]
fn what_the_line_has_no_room_for_stays_in_the_ring() {
    let mut console = Console::new();
    console.queues.write(&[b'.'; OUTPUT_BYTES - 10]);
    console.guest_write(&[b'x'; 30]);
    assert!(console.event());
    assert_eq!(console.index(OUT_CONS), 10);
    assert!(console.queues.ring.unwrap().has_output());
    assert!(!console.queues.serve_ring(&mut console.memory), "there is no room");
    assert_eq!(console.line_takes(OUTPUT_BYTES).len(), OUTPUT_BYTES);
    assert!(console.queues.serve_ring(&mut console.memory));
    assert_eq!(console.line_takes(99), [b'x'; 20]);
    assert!(!console.queues.ring.unwrap().has_output());
}

#[test]
fn input_waits_for_room_and_comes_back_when_the_port_is_closed() {
    let mut console = Console::new();
    console.event();
    console.set(IN_PROD, 1020);
    console.type_text(b"abcdefgh");
    assert!(console.queues.serve_ring(&mut console.memory));
    assert_eq!(console.guest_read(1020).len(), 1020);
    assert_eq!(console.guest_read(99), b"abcd", "around the end of the ring");
    assert!(console.event());
    console.queues.detach_ring();
    console.type_text(b"more");
    assert!(!console.queues.serve_ring(&mut console.memory));
    assert_eq!(console.guest_read(99), b"efgh");
    assert_eq!(console.queues.input.front(), b"more");
    assert!(!console.queues.is_input_for_ring());
}

#[test]
fn indices_that_cannot_be_true_move_nothing() {
    for (cons, prod) in [(0, 2049), (1, 0), (0, u32::MAX), (5, 4), (u32::MAX, 2048), (1 << 31, 0)] {
        let mut console = Console::new();
        console.set(OUT_CONS, cons);
        console.set(OUT_PROD, prod);
        console.set(IN_CONS, cons);
        console.set(IN_PROD, prod);
        console.type_text(b"kept");
        let before = console.memory.clone();
        assert!(!console.event(), "{cons} {prod}");
        assert_eq!(console.memory, before, "{cons} {prod}");
        assert_eq!(console.queues.output.room(), OUTPUT_BYTES);
        assert_eq!(console.queues.input.front(), b"kept");
    }
}

#[test]
fn a_page_that_is_not_there_is_no_ring() {
    let mut console = Console::new();
    console.memory = TestMemory::default();
    console.type_text(b"kept");
    assert!(!console.event());
    assert_eq!(console.queues.input.front(), b"kept");
    console.memory = TestMemory::default().with_pages(3, 1, false);
    console.memory.poke(OUT_CONS, 3 << 32);
    assert!(!console.event(), "it cannot be told so");
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    Read(u32),
    Type(Vec<u8>),
    Line(usize),
    Event,
    Serve,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000).prop_map(Step::Write),
        (0u32..1500).prop_map(Step::Read),
        prop::collection::vec(any::<u8>(), 0..700).prop_map(Step::Type),
        (0usize..9000).prop_map(Step::Line),
        Just(Step::Event),
        Just(Step::Serve),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// What goes in at one end comes out at the other, once and in order, wherever the indices
    /// begin; input is lost only where queue and ring are full.
    #[test]
    fn bytes_arrive_once_and_in_order(start: [u32; 2], steps in prop::collection::vec(step(), 0..60)) {
        let mut console = Console::new();
        for (at, index) in [(IN_CONS, 0), (IN_PROD, 0), (OUT_CONS, 1), (OUT_PROD, 1)] {
            console.set(at, start[index]);
        }
        console.event();
        let (mut sent, mut typed) = (VecDeque::new(), VecDeque::new());
        for step in steps {
            match step {
                Step::Write(text) => {
                    let count = console.guest_write(&text);
                    sent.extend(&text[..count]);
                }
                Step::Read(count) => for byte in console.guest_read(count) {
                    prop_assert_eq!(Some(byte), typed.pop_front());
                },
                Step::Type(text) => {
                    let room = console.queues.input.room();
                    console.type_text(&text);
                    typed.extend(&text[..text.len().min(room)]);
                }
                Step::Line(count) => for byte in console.line_takes(count) {
                    prop_assert_eq!(Some(byte), sent.pop_front());
                },
                Step::Event => { console.event(); }
                Step::Serve => { console.queues.serve_ring(&mut console.memory); }
            }
        }
        while !sent.is_empty() || !typed.is_empty() {
            console.event();
            for byte in console.line_takes(9000) {
                prop_assert_eq!(Some(byte), sent.pop_front());
            }
            for byte in console.guest_read(1024) {
                prop_assert_eq!(Some(byte), typed.pop_front());
            }
        }
    }

    /// Whatever a guest writes to its page, no more moves than fits in a ring, nothing else in the
    /// page changes, and nothing panics.
    #[test]
    fn any_page_is_survived(
        words: [u64; 2],
        near in prop::option::of((0u32..3000, 0u32..3000)),
        queued in 0..=OUTPUT_BYTES,
        typed in 0..=INPUT_BYTES,
    ) {
        let mut console = Console::new();
        console.memory.poke(IN_CONS, words[0]);
        console.memory.poke(OUT_CONS, words[1]);
        if let Some((input, output)) = near {
            console.set(IN_PROD, console.index(IN_CONS).wrapping_add(input));
            console.set(OUT_PROD, console.index(OUT_CONS).wrapping_add(output));
        }
        (0..queued).for_each(|_| console.queues.output.push(b'.'));
        (0..typed).for_each(|_| console.queues.input.push(b'i'));
        let guest_words = [console.index(IN_CONS), console.index(OUT_PROD)];
        console.event();
        prop_assert_eq!(guest_words, [console.index(IN_CONS), console.index(OUT_PROD)]);
        prop_assert!(queued + 2048 + console.queues.output.room() >= OUTPUT_BYTES);
        prop_assert!(console.queues.input.room() <= INPUT_BYTES - typed + 1024);
    }
}
