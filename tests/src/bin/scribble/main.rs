//! A kernel that scribbles over the hypervisor's part of its address space, then goes on as usual:
//! `over=` says what, `with=` how, `seed=` from which number on, on the command line.
//!
//! The resident works with data that the kernel can write, and what it cannot go on from it passes to
//! root, which then works with it too. The kernel can also enter the resident anywhere.
//! Expected: the kernel survives, its domain crashes, or it goes round in circles until the watchdog that
//! it has set ends it: root goes on working in any case.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::random::Random;
use xenolith_guest::{
    StartInfo,
    abi::{
        domain,
        event_channel::{SEND, UNMASK},
        hypercall::{SET_GDT, SET_SEGMENT_BASE, SET_TIMER_OP, VCPU_OP, XEN_VERSION},
    },
    command_line,
    events::Port,
    hypercall::{
        event_channel::{alloc_unbound, bind_interdomain, bind_ipi},
        sched::{ShutdownReason, shutdown, watchdog},
    },
    println,
    probe::{Window, cpuid, hypercall::syscall, memory, round_trip},
    shared_info::shared_info,
    vcpu::VcpuId,
    x86_64::{VirtAddr, structures::paging::PageTableFlags},
};

xenolith_guest::entry!(main);

/// The resident's data, and its code with the header, in the group of vCPU 0.
const DATA: VirtAddr = VirtAddr::new(0xffff_8100_0001_0000);
const TEXT: VirtAddr = VirtAddr::new(0xffff_8100_0002_0000);
/// Words of a page.
const WORDS: u64 = 512;
/// Words of the data that mean something: the first, and those with the stack for system calls.
const USED: [core::ops::Range<u64>; 2] = [0..16, 30..36];
const ROUNDS: u64 = 16;

/// Returns a number of a kind that matters to somebody who takes it for an address or a mode.
fn word(random: &mut Random, own: u64, window: &Window) -> u64 {
    match random.below(9) {
        0 => 0,
        1 => u64::MAX,
        2 => own,
        3 => TEXT.as_u64() + random.below(0x1000),
        4 => DATA.as_u64() + random.below(4096),
        5 => window.address(0).as_u64() + random.below(8 * 4096),
        6 => 0x8000_0000_0000,
        7 => random.below(256),
        _ => random.next(),
    }
}

/// How long the kernel may run: if it goes round in circles, root ends it.
const LOOP_SECONDS: u32 = 3;

fn main(start: &'static StartInfo) -> ! {
    let line = start.command_line();
    let [over, with] = ["over", "with"].map(|name| command_line::value(line, name).unwrap_or(""));
    let seed = command_line::value(line, "seed").and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("scribble: over {over} with {with}, seed {seed}");
    round_trip::install().expect("the hypervisor takes handlers");
    watchdog(0, LOOP_SECONDS).expect("there is a watchdog");
    let mut random = Random::new(seed);
    let mut window = Window::take(start);
    let port = prepare(&mut window);
    for _ in 0..ROUNDS {
        scribble(over, with, &mut random, &mut window);
        exercise(port, &window);
    }
    println!("survived");
    shutdown(ShutdownReason::POWEROFF)
}

/// Binds a port to itself and two to each other, and puts a process in place.
fn prepare(window: &mut Window) -> Port {
    /// `syscall; ud2; mov rax, [rcx]; int3`
    const PROGRAM: [u8; 8] = [0x0f, 0x05, 0x0f, 0x0b, 0x48, 0x8b, 0x01, 0xcc];
    window.write(0, &PROGRAM);
    for page in 0..2 {
        let flags = Window::DATA | PageTableFlags::USER_ACCESSIBLE;
        window.map(page, window.own_frame(page), flags);
    }
    let near = alloc_unbound(domain::SELF, domain::SELF);
    near.and_then(|near| bind_interdomain(domain::SELF, near)).expect("ports are free");
    bind_ipi(VcpuId::BOOT).expect("ports are free")
}

fn scribble(over: &str, with: &str, random: &mut Random, window: &mut Window) {
    match over {
        "data" => over_words(DATA, 0..WORDS, with, random, window),
        "used" => {
            for range in USED {
                over_words(DATA, range, with, random, window);
            }
        }
        "shared" => over_words(shared_info().address(), 0..WORDS, with, random, window),
        "gdt" => over_descriptors(with, random, window),
        "jump" => {
            for range in USED {
                over_words(DATA, range, with, random, window);
            }
            memory::call(TEXT + random.below(0xa00));
        }
        _ => panic!("nothing is called {over:?}"),
    }
}

fn over_words(
    page: VirtAddr,
    words: core::ops::Range<u64>,
    with: &str,
    random: &mut Random,
    window: &Window,
) {
    for at in words.map(|word| page + 8 * word) {
        let own = at.as_u64();
        let word = match with {
            "zeros" => 0,
            "ones" => u64::MAX,
            "own" => own,
            "text" => TEXT.as_u64() + own % 4096,
            "any" => random.next(),
            // A few words that differ lead further than many do.
            "some" if random.below(12) != 0 => continue,
            "some" => word(random, own, window),
            _ => panic!("nothing is called {with:?}"),
        };
        memory::write_u64(at, word);
    }
}

/// Gives 14 pages for the descriptor table, and loads what is in them.
fn over_descriptors(with: &str, random: &mut Random, window: &mut Window) {
    const FIRST: usize = 16;
    let frames: [u64; 14] =
        core::array::from_fn(|page| window.own_frame(FIRST + page).as_u64() >> 12);
    for page in (FIRST..).take(frames.len()) {
        over_words(window.address(page * 4096), 0..WORDS, with, random, window);
    }
    syscall(SET_GDT.into(), [frames.as_ptr().expose_provenance() as u64, 7168, 0, 0, 0]);
    let selector = random.below(0xe000);
    syscall(SET_SEGMENT_BASE.into(), [3, selector, 0, 0, 0]);
}

/// Leaves the kernel in every way that there is, some of them through the resident only.
fn exercise(port: Port, window: &Window) {
    syscall(XEN_VERSION.into(), [0; 5]);
    syscall(XEN_VERSION.into(), [7, 0, 0, 0, 0]);
    syscall(SET_SEGMENT_BASE.into(), [0, 1 << 63, 0, 0, 0]);
    syscall(VCPU_OP.into(), [3, 0, 0, 0, 0]);
    for operation in [SEND, UNMASK] {
        for port in 0..=port.0 {
            round_trip::port_operation(operation, Port(port));
        }
    }
    syscall(SET_TIMER_OP.into(), [1, 0, 0, 0, 0]);
    round_trip::set_words(1 << port.0, 0, true);
    round_trip::allow_and_call();
    round_trip::port_operation(SEND, port);
    round_trip::undefined();
    round_trip::load_of_nothing();
    round_trip::iret();
    cpuid::read_forced(0, 0);
    cpuid::read(0, 0);
    round_trip::in_process(window.address(0), window.address(2 * 4096), 0);
}
