//! Entries onto a kernel stack that cannot be used: `entry=`, `ring=` and `stack=` on the command line.
//!
//! There is nobody left to tell: the frame has no place, and the exception that says so has none
//! either. On Xen it is the domain's crash, and so it is here, whoever was about to write the frame:
//! the processor, the resident or root.
//! Expected: end `crash`, with a message that names the stack; no verdict; never a hang, a triple
//! fault or a panic of the hypervisor.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::programs::{Ring, Stage};
use xenolith_guest::{
    StartInfo, command_line,
    entry::Frame,
    events,
    hypercall::{
        event_channel::{Virq, bind_virq},
        timer,
    },
    irq::Flags,
    println,
    probe::{Window, exception::continue_with, hypercall::by_page},
    shared_info::shared_info,
    time,
    vcpu::VcpuId,
    x86_64::structures::paging::PageTableFlags,
};

xenolith_guest::entry!(main);

/// What enters the kernel: its name, the code that is run, and what is done before.
type Entry = (&'static str, &'static [u8], fn(&mut Frame));

const ENTRIES: &[Entry] = &[
    // UD2
    ("exception", &[0x0f, 0x0b], |_| {}),
    // SYSCALL: a system call of a process
    ("syscall", &[0x0f, 0x05], |_| {}),
    // 2: JMP 2b, until the timer's event comes
    ("event", &[0xeb, 0xfe], |_| start_timer()),
    // MOV byte [RBX], 1; MOV EAX, 17; SYSCALL: a hypercall when an upcall is due
    ("hypercall", &[0xc6, 0x03, 0x01, 0xb8, 0x11, 0, 0, 0, 0x0f, 0x05], call_version),
    // MOV EAX, 23; SYSCALL: the iret hypercall, whose frame is on that stack
    ("iret", &[0xb8, 0x17, 0, 0, 0, 0x0f, 0x05], |_| {}),
    // The iret hypercall to where nothing can be
    ("refused-iret", &[], |frame| frame.rip = NOT_CANONICAL),
];

/// An address that is none.
const NOT_CANONICAL: u64 = 0x5eed_0000_0000_0000;

/// The page of the kernel's that the entry cannot use; the stack begins at its end.
const PAGE: usize = Stage::FREE;

fn main(start: &'static StartInfo) -> ! {
    let word = |name| command_line::value(start.command_line(), name).expect("on the command line");
    let (entry, ring, kind) = (word("entry"), word("ring"), word("stack"));
    let mut stage = Stage::build(start).expect("exceptions are there");
    events::install().expect("events are there");
    let stack = match kind {
        "unmapped" => unusable(&mut stage, None),
        "read-only" => unusable(&mut stage, Some(PageTableFlags::PRESENT)),
        "wild" => NOT_CANONICAL,
        // Behind the machine-to-physical table's first page.
        "hole" => 0xffff_8000_0000_1000,
        _ => panic!("no such stack"),
    };
    let &(_, code, prepare) =
        ENTRIES.iter().find(|(name, ..)| *name == entry).expect("no such entry");
    println!("{entry} from the {ring}, stack {stack:#x}, {kind}");
    let mut frame = match ring {
        "kernel" => Frame { rsp: stack, ..stage.load(Ring::Kernel, code, Flags::IF) },
        _ => stage.load(Ring::User, code, Flags::IF),
    };
    if ring != "kernel" {
        by_page(xenolith_guest::abi::hypercall::STACK_SWITCH, [0, stack, 0, 0, 0]);
    }
    prepare(&mut frame);
    let seen = continue_with(&frame);
    panic!("the guest went on: {:?}", seen.cause())
}

/// Returns the end of a page that the kernel cannot write to.
fn unusable(stage: &mut Stage, flags: Option<PageTableFlags>) -> u64 {
    match flags {
        Some(flags) => stage.window.map(PAGE, stage.window.own_frame(PAGE), flags),
        None => stage.window.unmap(PAGE),
    }
    stage.window.map(PAGE + 1, stage.window.own_frame(PAGE + 1), Window::DATA);
    stage.page(PAGE + 1).as_u64()
}

/// Prepares a hypercall for the version, and has the upcall's byte, first in the shared page, written.
fn call_version(frame: &mut Frame) {
    (frame.rbx, frame.rdi) = (shared_info().address().as_u64(), 0);
}

/// Has an event come in a while.
fn start_timer() {
    use xenolith_guest::abi::event_channel::VIRQ_TIMER;
    let port = bind_virq(Virq(VIRQ_TIMER), VcpuId::BOOT).expect("a free port");
    events::unmask(port);
    let deadline = time::now() + core::time::Duration::from_millis(2);
    timer::set(Some(deadline)).expect("the timer is there");
}
