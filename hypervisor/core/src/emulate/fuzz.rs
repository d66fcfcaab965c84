//! Instructions that leave the guest, with any registers, in an address space of any shape.

use super::control_register::Register;
use super::cpuid::{View, filter};
use super::port::StringAccess;
use super::{msr, port, xcr0};
use crate::fuzzing::Bytes;
use crate::guest_access::test_space::{BASE, CR3, mapped};
use crate::guest_access::{GuestSpace, Privilege};
use crate::guest_memory::TestMemory;
use std::vec::Vec;

/// Executions of one string instruction, at most.
const STEPS: u32 = 4;

/// Executes instructions until there are no more bytes.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let mut memory = mapped(&[5], &[9]);
    while !bytes.is_empty() {
        match bytes.byte() % 8 {
            0 => change_table(&mut bytes, &mut memory),
            1..=3 => string(&mut bytes, &mut memory),
            4 => cpuid(&mut bytes),
            5 => msrs(&mut bytes),
            6 => registers(&mut bytes),
            _ => {
                let (rax, width) = (bytes.long(), 1 << (bytes.byte() % 3));
                let kept = if width == 4 { 0 } else { rax & u64::MAX << (8 * width) };
                assert_eq!(port::read(rax, width), kept | u64::MAX >> (64 - 8 * width));
            }
        }
    }
}

/// Writes an entry of a page table, as guests do at any time.
fn change_table(bytes: &mut Bytes<'_>, memory: &mut TestMemory) {
    let at = 0x1000 + u64::from(bytes.half() & 0x3ff8);
    let frame = u64::from(bytes.byte()) << 12;
    memory.poke(at, frame | bytes.long() & !0xff000);
}

fn string(bytes: &mut Bytes<'_>, memory: &mut TestMemory) {
    let flags = bytes.byte();
    let privilege = if flags & 8 == 0 { Privilege::Kernel } else { Privilege::User };
    let mut access = StringAccess {
        bytes: 1 << (bytes.byte() % 3),
        input: flags & 1 != 0,
        repeated: flags & 2 != 0,
        backwards: flags & 4 != 0,
        address_mask: if flags & 16 == 0 { u64::MAX } else { u32::MAX.into() },
        count: if flags & 32 == 0 { bytes.half().into() } else { bytes.long() },
        index: if flags & 64 == 0 { BASE + u64::from(bytes.half()) } else { bytes.long() },
    };
    for _ in 0..STEPS {
        let mut space = GuestSpace::new(memory, CR3).with_privilege(privilege);
        match access.step(&mut space) {
            Ok(after) => {
                if after.finished {
                    return;
                }
                let left = |count: u64| count & access.address_mask;
                assert!(access.repeated && left(after.count) < left(access.count), "{access:?}");
                access = StringAccess { count: after.count, index: after.index, ..access };
            }
            Err(fault) => {
                assert!(access.input && fault.vector == 14 && fault.address.is_some());
                return;
            }
        }
    }
}

fn cpuid(bytes: &mut Bytes<'_>) {
    let (leaf, subleaf) = (bytes.word(), bytes.word());
    let vcpu = bytes.byte().into();
    let osxsave = bytes.byte() & 1 != 0;
    let xcr0 = bytes.long() & xcr0::ALLOWED;
    let instructions = bytes.byte();
    let view = View {
        vcpu,
        osxsave,
        xcr0,
        rdtscp: instructions & 1 != 0,
        xsavec: instructions & 2 != 0,
        tsc_khz: bytes.word(),
        max_gfn: bytes.long(),
    };
    // A CPU that says yes to everything, but whose areas are small.
    let cpu = |leaf, _| if leaf == 0xd { [64, 576, 0, 0] } else { [u32::MAX; 4] };
    let [_, _, ecx, _] = filter(leaf, subleaf, &view, cpu);
    assert!(leaf != 1 || ecx & 1 << 5 == 0, "VMX is hidden");
}

fn msrs(bytes: &mut Bytes<'_>) {
    let (number, value) = (bytes.word(), bytes.long());
    // What can be read with no effect can be written back.
    if let Ok(shown) = msr::read(number)
        && let Ok(write) = msr::write(number, shown)
    {
        assert_eq!(write, msr::Write::Ignore);
    }
    if let Ok(msr::Write::HypercallPage(frame)) = msr::write(number, value) {
        assert!(frame.gpa().is_some());
    }
    if let Some((byte, bit)) = msr::bitmap_position(number) {
        assert!(byte < 2048 && bit.is_power_of_two());
    }
}

fn registers(bytes: &mut Bytes<'_>) {
    let register = Register { shown: bytes.long(), guest_owned: bytes.long() };
    let value = bytes.long();
    if let Ok(new) = register.write(value) {
        assert_eq!((new ^ register.shown) & !register.guest_owned, 0);
    }
    let supported = bytes.long();
    if let Ok(allowed) = xcr0::check(Privilege::Kernel, bytes.word(), value, supported) {
        assert_eq!(allowed & !(supported & xcr0::ALLOWED), 0);
    }
}

/// Strings over pages that are missing, and whatever follows.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let ins = [1, 3, 1, 0x88, 0x13, 0xf0, 0x3f];
    let outs = [2, 2 | 16, 2, 0xff, 0xff, 0, 0];
    let backwards = [1, 7, 0, 0x10, 0x40, 4, 0];
    let table = [0, 0, 0x30, 33, 0x63, 0, 0, 0, 0, 0, 0, 0];
    let user = [1, 3 | 8, 2, 4, 0, 0xff, 0x0f];
    let cpuid = [4, 0xd, 0, 0, 0, 1, 0, 0, 0, 0, 1, 7];
    let msr = [5, 0x80, 0, 0, 0xc0, 1, 1, 0, 0, 0, 0, 0, 0];
    let hypercall_page = [5, 0, 0, 0, 0x40, 0, 0x10, 0, 0, 0, 0, 0, 0];
    [&ins[..], &outs, &backwards, &table, &user, &cpuid, &msr, &hypercall_page]
        .iter()
        .map(|seed| [*seed, &ins, &table, &user].concat())
        .collect()
}
