//! States and instructions that end a kernel, but nothing else: `attack=` on the command line.
//!
//! Each has broken a hypervisor somewhere: debug exceptions held back by MOV to SS, tables that
//! are not mapped, an instruction pointer that leaves its mode by an exit, strings that the
//! hypervisor stores for a process that may not.
//! Expected: end `crash` of the domain, no verdict; never a hypervisor panic or a hang.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{hypercall, segment, xenolith},
    command_line,
    paging::Level,
    println,
    probe::{
        Window,
        attack::{self, Context},
        debug,
        hypercall::by_page,
        tables,
    },
    x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags},
};

xenolith_guest::entry!(main);

type Attack = fn(&mut Window);

const ATTACKS: &[(&str, Attack)] = &[
    ("step-mov-ss", |_| attack::single_step_behind_mov_ss()),
    ("step-mov-ss-port", |_| attack::single_step_port_behind_mov_ss()),
    ("breakpoint-mov-ss", |_| attack::breakpoint_behind_mov_ss()),
    ("icebp", |_| attack::icebp()),
    ("guarded-debug", |_| attack::guarded_debug_register()),
    ("idt", |_| attack::interrupt_table_unmapped()),
    ("gdt", |_| attack::descriptor_table_unmapped()),
    ("busy-task", |_| attack::busy_task()),
    ("cr3", |_| attack::wild_cr3()),
    ("fs-base", |_| attack::wild_fs_base()),
    ("avx512", |_| attack::half_of_avx512()),
    ("xcr", |_| attack::no_such_xcr()),
    ("invpcid", |_| attack::invpcid()),
    ("xsaves", |_| attack::xsaves()),
    ("no-resident", |window| call_without(window, RESIDENT)),
    ("no-physmap", |window| call_without(window, PHYSMAP)),
    ("last-canonical", end_of_lower_half),
    ("last-of-4g", end_of_4g),
    ("user-string", string_of_a_process),
    ("user-breakpoint", breakpoint_before_system_call),
    ("compatibility-string", string_in_compatibility_mode),
];

/// `wbinvd`, behind which is nothing.
const WBINVD: [u8; 2] = [0x0f, 0x09];
/// `rep insb; ud2`, the same in 32-bit and 64-bit code.
const READ_STRING: [u8; 4] = [0xf3, 0x6c, 0x0f, 0x0b];
/// The part of the hole through which the resident reads the guest's memory.
const PHYSMAP: VirtAddr = VirtAddr::new(0xffff_8080_0000_0000);
/// The part of the hole that holds the resident.
const RESIDENT: VirtAddr = VirtAddr::new(0xffff_8100_0000_0000);
const KERNEL_STACK: u64 = 0x8000;

fn main(start: &'static StartInfo) -> ! {
    let wanted = command_line::value(start.command_line(), "attack");
    let Some((name, attack)) = ATTACKS.iter().find(|(name, _)| Some(*name) == wanted) else {
        panic!("no such attack: {wanted:?}")
    };
    println!("attack: {name}");
    attack(&mut Window::take(start));
    panic!("the guest went on")
}

/// Maps a page of the window in the lower half, with three more pages as its tables.
fn map_low(window: &Window, at: VirtAddr) {
    let flags = (Window::DATA | Flags::USER_ACCESSIBLE).bits();
    let space = window.space();
    for (level, page) in [(Level::Four, 1), (Level::Three, 2), (Level::Two, 3), (Level::One, 0)] {
        let entry = window.own_frame(page).as_u64() | flags;
        // Tables of the boot mapping, for kernels at low addresses, are not expected here.
        tables::replace_entry(space, at, level, entry).expect("the window's own tables");
    }
}

/// Makes a hypercall after unmapping a part of the hole that it needs.
fn call_without(window: &Window, part: VirtAddr) {
    let replaced = tables::replace_entry(window.space(), part, Level::Four, 0);
    replaced.expect("the top table is the kernel's");
    by_page(hypercall::XEN_VERSION, [0; 5]);
}

/// Executes an instruction that ends where the lower half of addresses does.
fn end_of_lower_half(window: &mut Window) {
    window.write(4096 - 2, &WBINVD);
    map_low(window, VirtAddr::new(0x7fff_ffff_f000));
    let (cs, ss) = (xenolith::KERNEL_CS.into(), xenolith::KERNEL_SS.into());
    let rsp = window.address(0).as_u64() + KERNEL_STACK;
    attack::enter(&Context { rip: 0x7fff_ffff_fffe, cs, rflags: 2, rsp, ss }, 0)
}

/// Loads a descriptor table with flat 32-bit code (8) and data (16) of ring 0, and data from
/// 64 KiB on (24).
fn load_descriptors(window: &mut Window) {
    let (code, data, shifted) =
        (0x00cf_9b00_0000_ffff_u64, 0x00cf_9300_0000_ffff_u64, 0x00cf_9301_0000_ffff_u64);
    for (at, descriptor) in (4..8).zip([0, code, data, shifted]) {
        window.write(4096 * 4 + 8 * (at - 4), &descriptor.to_le_bytes());
    }
    attack::load_descriptors(window.address(4096 * 4));
}

/// Executes an instruction of 32-bit code that ends where its addresses do.
fn end_of_4g(window: &mut Window) {
    window.write(4096 - 2, &WBINVD);
    map_low(window, VirtAddr::new(0xffff_f000));
    load_descriptors(window);
    attack::enter(&Context { rip: 0xffff_fffe, cs: 8, rflags: 2, rsp: 0xffff_f800, ss: 16 }, 0)
}

/// A process that may use ports reads a string into the kernel's memory.
fn string_of_a_process(window: &mut Window) {
    window.write(0, &READ_STRING);
    window.map(0, window.own_frame(0), Window::DATA | Flags::USER_ACCESSIBLE);
    let (cs, ss) = (segment::FLAT_RING3_CS64.into(), segment::FLAT_RING3_SS64.into());
    let rip = window.address(0).as_u64();
    let rsp = rip + 4096;
    attack::enter(&Context { rip, cs, rflags: 0x3002, rsp, ss }, rip + 8192)
}

/// A process makes a system call behind a MOV to SS whose operand has a data breakpoint: the
/// exception comes when the process's stack and GS are the kernel's already. HLT stands where the
/// kernel handles debug exceptions, so that one is a #GP; a system call without a callback is #UD.
fn breakpoint_before_system_call(window: &mut Window) {
    const MOV_SS_SYSCALL: [u8; 4] = [0x8e, 0x17, 0x0f, 0x05];
    const HLT: u8 = 0xf4;
    const WRITES_AND_READS_OF_4_BYTES: u64 = 0xf_0401;
    let at = |offset: usize| window.address(offset);
    let (code, data, trap, handler) = (at(0), at(64), at(4096), at(8192));
    let entry = [1, handler.as_u64(), 0, 0];
    window.write(0, &MOV_SS_SYSCALL);
    window.write(64, &u64::from(segment::FLAT_RING3_SS64).to_le_bytes());
    for (index, word) in entry.into_iter().enumerate() {
        window.write(4096 + 8 * index, &word.to_le_bytes());
    }
    window.write(8192, &[HLT]);
    window.map(2, window.own_frame(2), Window::DATA);
    window.map(0, window.own_frame(0), Window::DATA | Flags::USER_ACCESSIBLE);
    by_page(hypercall::SET_TRAP_TABLE, [trap.as_u64(), 0, 0, 0, 0]);
    debug::write_addresses([data.as_u64(), 0, 0, 0]);
    debug::write_control(WRITES_AND_READS_OF_4_BYTES);
    let (cs, ss) = (segment::FLAT_RING3_CS64.into(), segment::FLAT_RING3_SS64.into());
    let (rip, rsp) = (code.as_u64(), code.as_u64() + 4096);
    attack::enter_by_hypercall(&Context { rip, cs, rflags: 0x202, rsp, ss }, data.as_u64())
}

/// A string with a segment base, which only 32-bit code has.
fn string_in_compatibility_mode(window: &mut Window) {
    window.write(0, &READ_STRING);
    map_low(window, VirtAddr::new(0x10_0000));
    load_descriptors(window);
    attack::enter(&Context { rip: 0x10_0000, cs: 8, rflags: 2, rsp: 0x10_0800, ss: 16 }, 0x10_0400)
}
