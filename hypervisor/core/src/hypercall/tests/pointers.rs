use super::super::Outcome;
use super::super::test_machine::{BEHIND_HOLE, Caller, IN_HOLE, MISSING, READ_ONLY};
use crate::guest_access::test_space::BASE;
use xenolith_abi::errno::EFAULT;
use xenolith_abi::hypercall as abi;
use xenolith_abi::memory::MemoryMap;

/// What a call does with its pointer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    Read,
    Write,
}
use Use::{Read, Write};

/// A call with one pointer to at least two bytes: number, first argument, the arguments before
/// the pointer's place, bytes that it points to.
struct Pointer {
    name: &'static str,
    number: u32,
    args: fn(u64) -> Vec<u64>,
    does: Use,
    bytes: usize,
}

macro_rules! pointer {
    ($name:literal, $number:expr, $does:ident $bytes:literal, $args:expr) => {
        Pointer { name: $name, number: $number, args: $args, does: $does, bytes: $bytes }
    };
}

const POINTERS: [Pointer; 22] = [
    pointer!("extraversion", abi::XEN_VERSION, Write 16, |p| vec![1, p]),
    pointer!("compile_info", abi::XEN_VERSION, Write 144, |p| vec![2, p]),
    pointer!("capabilities", abi::XEN_VERSION, Write 1024, |p| vec![3, p]),
    pointer!("changeset", abi::XEN_VERSION, Write 64, |p| vec![4, p]),
    pointer!("platform_parameters", abi::XEN_VERSION, Write 8, |p| vec![5, p]),
    pointer!("get_features", abi::XEN_VERSION, Write 8, |p| vec![6, p]),
    pointer!("guest_handle", abi::XEN_VERSION, Write 16, |p| vec![8, p]),
    pointer!("commandline", abi::XEN_VERSION, Write 9, |p| vec![9, p]),
    pointer!("current_reservation", abi::MEMORY_OP, Read 2, |p| vec![3, p]),
    pointer!("maximum_reservation", abi::MEMORY_OP, Read 2, |p| vec![4, p]),
    pointer!("maximum_gpfn", abi::MEMORY_OP, Read 2, |p| vec![14, p]),
    pointer!("memory_map", abi::MEMORY_OP, Write 16, |p| vec![9, p]),
    pointer!("machphys_mapping", abi::MEMORY_OP, Write 24, |p| vec![12, p]),
    pointer!("shutdown", abi::SCHED_OP, Read 4, |p| vec![2, p]),
    pointer!("console write", abi::CONSOLE_IO, Read 100, |p| vec![0, 100, p]),
    pointer!("console read", abi::CONSOLE_IO, Write 100, |p| vec![1, 100, p]),
    pointer!("exit_counts", abi::ARCH_7, Write 640, |p| vec![0, p, 80]),
    pointer!("exit_counts of one", abi::ARCH_7, Write 8, |p| vec![0, p, 1]),
    pointer!("set_trap_table", abi::SET_TRAP_TABLE, Read 16, |p| vec![p]),
    pointer!("register callback", abi::CALLBACK_OP, Read 16, |p| vec![0, p]),
    pointer!("unregister callback", abi::CALLBACK_OP, Read 4, |p| vec![1, p]),
    pointer!("register NMI callback", abi::NMI_OP, Read 16, |p| vec![0, p]),
];

const FAULT: Outcome = Outcome::Return(-EFAULT);

/// Returns a caller that has input waiting, as `console read` needs it.
fn caller() -> Caller {
    let mut caller = Caller::new();
    (0..100).for_each(|byte| caller.machine.queues.input.push(byte));
    caller
}

fn call(caller: &mut Caller, pointer: &Pointer, at: u64) -> Outcome {
    caller.call(pointer.number, &(pointer.args)(at))
}

#[test]
fn bad_pointers_are_refused() {
    for (address, why) in [
        (0, "null"),
        (1, "not mapped"),
        (0x7fff_ffff_ffff, "last canonical byte of the lower half"),
        (0x8000_0000_0000, "not canonical"),
        (0xffff_7fff_ffff_fff8, "not canonical"),
        (0x1234_5678_9abc_def0, "not canonical"),
        (IN_HOLE, "in the hole, though mapped"),
        (IN_HOLE + 15 * 0x1000, "in the hole, though mapped"),
        (BEHIND_HOLE - 1, "in front of mapped pages"),
        (MISSING, "not mapped"),
        (MISSING + 0xfff, "only the second page is mapped"),
        (MISSING - 1, "the second page is not mapped"),
        (BASE + 0x1_0000 - 1, "the pages end"),
        (u64::MAX, "the space ends"),
    ] {
        for pointer in &POINTERS {
            let is_null_table = pointer.number == abi::SET_TRAP_TABLE && address == 0;
            if !is_null_table {
                let outcome = call(&mut caller(), pointer, address);
                assert_eq!(outcome, FAULT, "{} at {address:#x}: {why}", pointer.name);
            }
        }
    }
}

#[test]
fn pages_that_cannot_be_written_can_be_read() {
    for pointer in &POINTERS {
        for address in [READ_ONLY, READ_ONLY - 1, READ_ONLY + 0xfff] {
            let faults = call(&mut caller(), pointer, address) == FAULT;
            assert_eq!(faults, pointer.does == Write, "{} at {address:#x}", pointer.name);
        }
    }
}

#[test]
fn pointers_may_be_odd_cross_pages_and_lie_behind_the_hole() {
    for pointer in &POINTERS {
        let mut aligned = caller();
        let outcome = call(&mut aligned, pointer, BASE);
        let mut want = vec![0; pointer.bytes];
        aligned.space().copy_in(crate::address::Gva(BASE), &mut want).unwrap();
        assert_eq!(want.iter().any(|byte| *byte != 0), writes_something(pointer));
        for address in [BASE + 3, BASE + 0x1000 - 1, BEHIND_HOLE, BEHIND_HOLE + 0x1000 - 1] {
            let mut caller = caller();
            assert_eq!(call(&mut caller, pointer, address), outcome, "{}", pointer.name);
            let mut found = vec![0; pointer.bytes];
            caller.space().copy_in(crate::address::Gva(address), &mut found).unwrap();
            assert_eq!(found, want, "{} at {address:#x}", pointer.name);
        }
    }
}

/// Returns whether a call leaves something in memory of zeros.
fn writes_something(pointer: &Pointer) -> bool {
    pointer.does == Write && pointer.name != "memory_map"
}

#[test]
fn nothing_is_written_where_the_pointer_is_bad() {
    for pointer in POINTERS.iter().filter(|pointer| pointer.does == Write) {
        let mut caller = caller();
        assert_eq!(call(&mut caller, pointer, READ_ONLY), FAULT);
        assert_eq!(caller.take::<[u8; 0x1000]>(READ_ONLY), [0; 0x1000], "{}", pointer.name);
        assert_eq!(call(&mut caller, pointer, IN_HOLE), FAULT);
        assert_eq!(caller.take::<[u8; 0x1000]>(BASE), [0; 0x1000], "{}", pointer.name);
    }
}

#[test]
fn null_is_an_address_where_page_0_is_mapped() {
    for pointer in POINTERS.iter().filter(|pointer| pointer.number != abi::SET_TRAP_TABLE) {
        let mut caller = caller();
        caller.machine.memory.poke(0x1000, 0x2003);
        caller.machine.memory.poke(0x2000, 0x3003);
        assert_ne!(call(&mut caller, pointer, 0), FAULT, "{}", pointer.name);
    }
}

#[test]
fn the_buffer_of_a_memory_map_is_checked_too() {
    for (buffer, ok) in [
        (BASE + 0x1000 - 1, true),
        (0, false),
        (IN_HOLE, false),
        (MISSING - 19, false),
        (MISSING - 20, true),
        (READ_ONLY, false),
    ] {
        let mut caller = Caller::new();
        let map = MemoryMap { nr_entries: 1, padding: 0, buffer };
        caller.put(BASE, &map);
        let outcome = caller.call(abi::MEMORY_OP, &[9, BASE]);
        assert_eq!(outcome == FAULT, !ok, "{buffer:#x}");
        assert_eq!(caller.take::<MemoryMap>(BASE), map);
    }
}
