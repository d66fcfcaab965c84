//! What setting and unmasking events does to the shared words, and who is woken.

use super::*;

const PORT: Port = Port(1);
const SELECTOR: u64 = 8;

/// Domain 1 with an IPI port for `vcpu`.
fn with_ipi(vcpu: VcpuId) -> (Box<EventChannels>, TestMemory) {
    let (mut channels, memory) = channels(ONE);
    assert_eq!(channels.bind_ipi(vcpu), Ok(PORT));
    (channels, memory)
}

fn mask(memory: &mut TestMemory, port: Port) {
    memory.fetch_or(port.mask_at(SHARED_INFO), port.bit()).unwrap();
}

/// Returns `pending_sel` and the first word of a vCPU.
fn seen_by(channels: &EventChannels, memory: &TestMemory, vcpu: VcpuId) -> (u64, u64) {
    let info = channels.vcpu_info(vcpu);
    (word(memory, Gpa(info.0 + SELECTOR)), word(memory, info))
}

#[test]
fn words_are_where_xen_has_them() {
    let at = |port: u32| {
        let port = Port(port);
        (port.pending_at(Gpa(0)).0, port.mask_at(Gpa(0)).0, port.bit(), port.word())
    };
    assert_eq!(at(1), (2048, 2560, 2, 0));
    assert_eq!(at(64), (2056, 2568, 1, 1));
    assert_eq!(at(4095), (2048 + 504, 2560 + 504, 1 << 63, 63));
    assert_eq!(channels(ONE).0.vcpu_info(CPU_1), Gpa(SHARED_INFO.0 + 64));
}

#[test]
fn an_event_reaches_its_vcpu_by_three_steps() {
    let (mut channels, mut memory) = with_ipi(CPU_1);
    assert_eq!(channels.set_pending(&mut memory, PORT), vcpus(ONE, [CPU_1]));
    assert_eq!(word(&memory, PORT.pending_at(SHARED_INFO)), PORT.bit());
    assert_eq!(seen_by(&channels, &memory, CPU_1), (1, 1));
    assert_eq!(seen_by(&channels, &memory, CPU_0), (0, 0));
}

/// Each step is left out when what it would do is done already.
#[test]
fn nobody_is_woken_twice() {
    for (what, change) in [
        ("pending", (PORT.pending_at(SHARED_INFO), PORT.bit())),
        ("masked", (PORT.mask_at(SHARED_INFO), PORT.bit())),
        ("selected", (Gpa(SHARED_INFO.0 + SELECTOR), 1)),
        ("upcall pending", (SHARED_INFO, 1)),
    ] {
        let (mut channels, mut memory) = with_ipi(CPU_0);
        memory.fetch_or(change.0, change.1).unwrap();
        assert_eq!(channels.set_pending(&mut memory, PORT), Notify::Nobody, "{what}");
        let pending = word(&memory, PORT.pending_at(SHARED_INFO)) & PORT.bit() != 0;
        let (selector, first) = seen_by(&channels, &memory, CPU_0);
        let expected = match what {
            "pending" | "masked" => (true, 0, 0),
            "selected" => (true, 1, 0),
            _ => (true, 1, 1),
        };
        assert_eq!((pending, selector, first), expected, "{what}");
    }
}

#[test]
fn the_mask_byte_hinders_delivery_and_not_the_wake_up() {
    let (mut channels, mut memory) = with_ipi(CPU_0);
    memory.fetch_or(SHARED_INFO, 0x8000).unwrap();
    assert_eq!(channels.set_pending(&mut memory, PORT), vcpus(ONE, [CPU_0]));
    assert!(!channels.has_deliverable(&memory, CPU_0));
    channels.allow_upcalls(&mut memory, CPU_0);
    assert!(channels.has_deliverable(&memory, CPU_0));
}

#[test]
fn delivery_looks_at_two_whole_bytes() {
    for (word, deliverable) in [
        (0, false),
        (1, true),
        (0x80, true),
        (0x100, false),
        (0x101, false),
        (0x8001, false),
        (0xff00, false),
        (0xffff_ffff_ffff_0000, false),
        (0xffff_ffff_ffff_00ff, true),
    ] {
        assert_eq!(is_deliverable(word), deliverable, "{word:#x}");
    }
}

#[test]
fn unmasking_delivers_what_was_held_back() {
    let (mut channels, mut memory) = with_ipi(CPU_1);
    mask(&mut memory, PORT);
    mask(&mut memory, Port(2));
    assert_eq!(channels.set_pending(&mut memory, PORT), Notify::Nobody);
    assert_eq!(channels.unmask(&mut memory, PORT), Ok(vcpus(ONE, [CPU_1])));
    assert_eq!(word(&memory, PORT.mask_at(SHARED_INFO)), Port(2).bit(), "only its own bit");
    assert_eq!(seen_by(&channels, &memory, CPU_1), (1, 1));
    assert_eq!(channels.unmask(&mut memory, PORT), Ok(Notify::Nobody), "not masked any more");
}

#[test]
fn unmasking_without_an_event_wakes_nobody() {
    let (mut channels, mut memory) = with_ipi(CPU_0);
    mask(&mut memory, PORT);
    assert_eq!(channels.unmask(&mut memory, PORT), Ok(Notify::Nobody));
    assert_eq!(word(&memory, PORT.mask_at(SHARED_INFO)), 0);
    assert_eq!(seen_by(&channels, &memory, CPU_0), (0, 0));
}

#[test]
fn free_ports_neither_unmask_nor_take_events() {
    let (mut channels, mut memory) = with_ipi(CPU_0);
    for port in [Port(0), Port(2), Port(63)] {
        mask(&mut memory, port);
        memory.fetch_or(port.pending_at(SHARED_INFO), port.bit()).unwrap();
        assert_eq!(channels.unmask(&mut memory, port), Ok(Notify::Nobody));
        assert_ne!(word(&memory, port.mask_at(SHARED_INFO)) & port.bit(), 0);
        assert_eq!(channels.set_pending(&mut memory, port), Notify::Nobody);
        assert_eq!(channels.is_any_pending(&memory, &[port.0]), Err(Error::Invalid));
    }
    for port in [Port(64), Port(4096), Port(u32::MAX)] {
        assert_eq!(channels.unmask(&mut memory, port), Err(Error::Invalid));
        assert_eq!(channels.is_any_pending(&memory, &[port.0]), Err(Error::Invalid));
        assert_eq!(channels.set_pending(&mut memory, port), Notify::Nobody);
    }
    assert_eq!(seen_by(&channels, &memory, CPU_0), (0, 0));
}

#[test]
fn virtual_interrupts_go_where_they_are_bound() {
    let (mut channels, mut memory) = channels(ONE);
    for vcpu in [CPU_0, CPU_1] {
        assert_eq!(channels.raise_virq(&mut memory, Virq(0), vcpu), Notify::Nobody, "not bound");
    }
    assert_eq!(channels.raise_virq(&mut memory, Virq(99), CPU_0), Notify::Nobody);
    let timer = channels.bind_virq(Virq(0), CPU_1).unwrap();
    let console = channels.bind_virq(Virq(2), CPU_0).unwrap();
    assert_eq!(channels.raise_virq(&mut memory, Virq(0), CPU_0), Notify::Nobody);
    assert_eq!(channels.raise_virq(&mut memory, Virq(0), CPU_1), vcpus(ONE, [CPU_1]));
    assert_eq!(channels.is_any_pending(&memory, &[timer.0]), Ok(true));
    assert_eq!(channels.raise_virq(&mut memory, Virq(2), CPU_1), vcpus(ONE, [CPU_0]));
    assert_eq!(channels.is_any_pending(&memory, &[console.0]), Ok(true));
}

#[test]
fn moving_a_port_leaves_its_event_where_it_was() {
    let (mut channels, mut memory) = channels(ONE);
    let port = channels.bind_virq(Virq(2), CPU_0).unwrap();
    let _ = channels.set_pending(&mut memory, port);
    channels.bind_vcpu(port, CPU_1).unwrap();
    assert_eq!(channels.set_pending(&mut memory, port), Notify::Nobody);
    assert_eq!(seen_by(&channels, &memory, CPU_1), (0, 0));
    memory.poke(port.pending_at(SHARED_INFO).0, 0);
    assert_eq!(channels.set_pending(&mut memory, port), vcpus(ONE, [CPU_1]));
}

#[test]
fn pollers_are_woken_by_masked_events_too() {
    for (what, woken) in
        [(PollFor::Port(PORT), true), (PollFor::Port(Port(2)), false), (PollFor::Any, true)]
    {
        let (mut channels, mut memory) = with_ipi(CPU_0);
        mask(&mut memory, PORT);
        channels.begin_poll(CPU_1, what);
        let expected = if woken { vcpus(ONE, [CPU_1]) } else { Notify::Nobody };
        assert_eq!(channels.set_pending(&mut memory, PORT), expected, "{what:?}");
        assert_eq!(channels.is_polling(CPU_1), !woken, "{what:?}");
    }
}

#[test]
fn a_poll_ends_once_and_with_any_wake_up() {
    let (mut channels, mut memory) = with_ipi(CPU_0);
    channels.begin_poll(CPU_0, PollFor::Port(Port(7)));
    channels.begin_poll(CPU_1, PollFor::Any);
    assert_eq!(channels.set_pending(&mut memory, PORT), vcpus(ONE, [CPU_0, CPU_1]));
    assert!(!channels.is_polling(CPU_0) && !channels.is_polling(CPU_1));
    channels.begin_poll(CPU_1, PollFor::Any);
    assert_eq!(channels.set_pending(&mut memory, PORT), Notify::Nobody, "it was pending");
    assert!(channels.is_polling(CPU_1));
    channels.end_poll(CPU_1);
    memory.poke(PORT.pending_at(SHARED_INFO).0, 0);
    assert_eq!(channels.set_pending(&mut memory, PORT), Notify::Nobody);
}

#[test]
fn a_moved_record_has_every_word_selected() {
    let (mut channels, mut memory) = with_ipi(CPU_0);
    let to = Gpa(0x6040);
    memory.poke(SHARED_INFO.0, 0x100);
    memory.poke(SHARED_INFO.0 + 16, 0x1234);
    let moved = channels.move_vcpu_info(&mut memory, CPU_0, to);
    assert_eq!(moved, Some(vcpus(ONE, [CPU_0])));
    assert_eq!(channels.vcpu_info(CPU_0), to);
    assert_eq!(seen_by(&channels, &memory, CPU_0), (u64::MAX, 0x101));
    assert_eq!(word(&memory, Gpa(to.0 + 16)), 0x1234);
    assert_eq!(channels.move_vcpu_info(&mut memory, CPU_1, Gpa(0x9000)), None);
    assert_eq!(channels.vcpu_info(CPU_1), Gpa(SHARED_INFO.0 + 64));
    assert_eq!(channels.move_vcpu_info(&mut memory, CPU_0, Gpa(0x6080)), Some(Notify::Nobody));
}

#[test]
fn words_without_memory_lose_events_quietly() {
    let mut channels = Box::new(EventChannels::new_zeroed());
    channels.start(ONE, Gpa(0x10_0000), 1);
    let port = channels.bind_ipi(CPU_0).unwrap();
    let mut memory = TestMemory::default();
    assert_eq!(channels.set_pending(&mut memory, port), Notify::Nobody);
    assert_eq!(channels.unmask(&mut memory, port), Ok(Notify::Nobody));
    assert_eq!(channels.is_any_pending(&memory, &[port.0]), Ok(false));
    assert!(!channels.has_deliverable(&memory, CPU_0));
    assert_eq!(channels.close(&mut memory, port), Ok(None));
}
