//! Builds the domain and runs it to its end.

use crate::block;
use crate::boot::{self, BootError, Machine, Module};
use crate::console;
use crate::cpu::clock::Clock;
use crate::cpu::segments::{Loaded, Segments};
use crate::cpu::{self, HostState, features};
use crate::debug_console::DebugConsole;
use crate::disk::Disk;
use crate::domain_memory::DomainMemory;
use crate::memory::{Memory, direct, stacks::StackTops};
use crate::power::{self, Verdict};
use crate::store;
use crate::vmx::{End, Initial, Vcpu, VmxRoot};
use arrayvec::ArrayVec;
use core::mem::offset_of;
use log::{Level, debug, error, info, warn};
use xenolith_abi::shared_info::VcpuInfo;
use xenolith_core::address::{DomId, Gpa, PAGE_SIZE, VcpuId, to_u64, to_usize};
use xenolith_core::crash::CrashReason;
use xenolith_core::domain::Domain;
use xenolith_core::domain_builder::{self, BuildParameters};
use xenolith_core::event_channel::{EventChannels, Service};
use xenolith_core::hole::{self, Hole};
use xenolith_core::hypercall_page;
use xenolith_core::resident::Header;
use xenolith_core::shutdown::ShutdownReason;
use xenolith_core::store::Introduction;
use xenolith_core::time::{self, WallClock};
use xenolith_core::vcpu::VcpuState;
use zerocopy::IntoBytes;

/// Domains that there can be.
const MAX_DOMAINS: usize = 1;
/// The number of the first domain; 0 would be Xen's privileged one.
const FIRST_DOMAIN: DomId = DomId(1);
/// Its name in the store.
const FIRST_NAME: &str = "guest";

/// The code that runs in every guest's hole.
static RESIDENT: &[u8] = include_bytes!(env!("XENOLITH_RESIDENT"));

/// A domain with everything that belongs to it.
#[derive(Debug)]
struct RunningDomain {
    domain: Domain,
    memory: DomainMemory,
    state: VcpuState,
    channels: &'static mut EventChannels,
    vcpu: Vcpu,
}

/// Where booting ends: in the hypervisor's own address space, on this CPU's own stack.
pub(crate) extern "C" fn start(machine: &mut Machine) -> ! {
    let mut domains: ArrayVec<RunningDomain, MAX_DOMAINS> = ArrayVec::new();
    match prepare(machine) {
        Ok(domain) => domains.push(domain),
        Err(error) => boot::fail(error),
    }
    let mut last = Verdict::Panic;
    for running in &mut domains {
        let end = running.vcpu.run(
            &mut running.domain,
            &mut running.state,
            &mut running.memory,
            running.channels,
        );
        last = Verdict::Domain(report(running, end));
    }
    power::end(last)
}

fn prepare(machine: &mut Machine) -> Result<RunningDomain, BootError> {
    let memory = &mut machine.memory;
    let tables = load_segments(memory, &machine.stacks)?;
    cpu::interrupts::init(machine.serial);
    let clock = Clock::calibrate();
    let root = VmxRoot::enter(memory)?;
    let modules = &machine.modules;
    let kernel = modules.kernel.as_ref().ok_or(BootError::NoModule)?;
    let memory_pages = machine.options.memory_bytes / PAGE_SIZE;
    let hole = Hole::new(memory_pages);
    let max_leaf_level = root.capabilities().max_ept_leaf_level();
    let mut guest = DomainMemory::new(memory, memory_pages, &hole, max_leaf_level)?;
    let channels = new_channels(memory, &hole)?;
    store::init(memory)?;
    let ports = bind_services(channels);
    let (initial, supervisor_mode_kernel) =
        build(kernel, modules.ramdisk.as_ref(), memory_pages, &hole, ports, &mut guest)?;
    if let Some(module) = &modules.disk {
        block::attach(memory, FIRST_DOMAIN, Disk::new(module))?;
    }
    let header = resident_header(machine.options.trace);
    hole.write(&mut guest, RESIDENT, &header, initial.rsp, FIRST_DOMAIN);
    channels.publish_changes(|port, record| guest.publish(hole.port(port), record.as_bytes()));
    let (place, gate) = hole::event_gate(&hole, &header);
    guest.publish(place, gate.as_bytes());
    let host = HostState::current(&tables);
    let state = VcpuState::new(VcpuId(0), &hole);
    tell_time(&hole, &clock, &mut guest);
    let vcpu = Vcpu::new(&root, memory, &host, &initial, &header, clock)?;
    let mut domain = Domain::new(FIRST_DOMAIN, memory_pages, header);
    domain.supervisor_mode_kernel = supervisor_mode_kernel;
    domain.may_step = machine.options.step;
    info!("domain {}: {} MiB, entry {}", domain.id.0, memory_pages >> 8, initial.rip);
    Ok(RunningDomain { domain, memory: guest, state, channels, vcpu })
}

/// Returns what the resident says of itself; for a domain that is traced, with all entries by way of
/// root.
fn resident_header(trace: bool) -> Header {
    let mut header = Header::read(RESIDENT).expect("it was built with the hypervisor");
    if trace && DebugConsole::is_present() {
        header.trace();
    } else if trace {
        warn!("there is no debug console, so nothing is traced");
    }
    header
}

/// Writes the time records that a guest finds in its shared page.
fn tell_time(hole: &Hole, clock: &Clock, guest: &mut DomainMemory) {
    let time = clock.system_time();
    let vcpu = hole.shared_info();
    let record = Gpa(vcpu.0 + to_u64(offset_of!(VcpuInfo, time)));
    time::write_record(guest, record, &time);
    match cpu::cmos::date().unix_seconds() {
        Some(seconds) => {
            let now = time.now_ns(cpu::clock::tsc());
            WallClock::at_boot(seconds, now).write(guest, hole.shared_info());
        }
        None => warn!("the machine's clock has no date"),
    }
}

/// Makes the event channels of the first domain, which are too large for a stack.
fn new_channels(memory: &mut Memory, hole: &Hole) -> Result<&'static mut EventChannels, BootError> {
    const BYTES: u64 = to_u64(size_of::<EventChannels>()).next_multiple_of(PAGE_SIZE);
    let place = memory.allocate_zeroed(BYTES, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    // SAFETY: all zeros is a value of the type, nothing else refers to the memory, and it is never
    // given back.
    let channels = unsafe { &mut *direct::<EventChannels>(place) };
    channels.start(FIRST_DOMAIN, hole.shared_info(), 1);
    Ok(channels)
}

/// The ports that a domain has from the start, as `start_info` names them.
#[derive(Clone, Copy, Debug)]
struct ServicePorts {
    store: u32,
    console: u32,
}

/// Binds the ports that Xen's tools bind, in their order, so that they have the same numbers.
fn bind_services(channels: &mut EventChannels) -> ServicePorts {
    let [store, console] = [Service::Store, Service::Console]
        .map(|service| channels.bind_service(service).expect("all ports are free"));
    ServicePorts { store: store.0, console: console.0 }
}

fn load_segments(memory: &mut Memory, stacks: &StackTops) -> Result<Loaded, BootError> {
    const BYTES: u64 = to_u64(size_of::<Segments>()).next_multiple_of(PAGE_SIZE);
    let place = memory.allocate_zeroed(BYTES, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    let place = direct::<Segments>(place);
    // SAFETY: the memory has just been allocated for it.
    unsafe { place.write(Segments::new(stacks)) };
    // SAFETY: it has just been written, nothing else refers to it, and it is never given back.
    let segments = unsafe { &mut *place };
    // SAFETY: interrupts are off, and nothing keeps a selector of the boot GDT.
    let loaded = unsafe { segments.load() };
    cpu::traps::load();
    Ok(loaded)
}

/// Builds the domain; returns how its vCPU starts, and whether its kernel knows of ring 0.
fn build(
    kernel: &Module,
    ramdisk: Option<&Module>,
    memory_pages: u64,
    hole: &Hole,
    ports: ServicePorts,
    guest: &mut DomainMemory,
) -> Result<(Initial, bool), BootError> {
    let parameters = BuildParameters {
        memory_pages,
        shared_info: hole.shared_info(),
        console_port: ports.console,
        store_port: ports.store,
        hypervisor_entries: hole.entries(),
        hypercall_stub: hypercall_page::stub,
    };
    let line = kernel.command_line.as_bytes();
    let state = domain_builder::build(bytes(kernel), ramdisk.map(bytes), line, &parameters, guest)?;
    debug!("{:x?}", state.layout);
    if let (Some(page), Some(console_page)) =
        (state.layout.xenstore.gpa(), state.layout.console.gpa())
    {
        console::share_ring(console_page);
        let introduction = Introduction {
            domain: FIRST_DOMAIN,
            name: FIRST_NAME,
            page,
            port: ports.store,
            console_page,
            console_port: ports.console,
            memory_kib: memory_pages * (PAGE_SIZE >> 10),
        };
        store::introduce(guest, &introduction);
    }
    let initial = Initial {
        rip: state.rip,
        rsp: state.rsp,
        rsi: state.rsi,
        cr3: state.cr3,
        hole: *hole,
        ept_pointer: guest.ept_pointer(),
        osxsave: features::has_xsave(),
    };
    Ok((initial, state.supervisor_mode_kernel))
}

/// Returns the contents of a module.
fn bytes(module: &Module) -> &[u8] {
    let range = module.range;
    // SAFETY: the loader put the module there; the range was reserved before anything was
    // allocated and is in the direct map. Nothing writes to it.
    unsafe { core::slice::from_raw_parts(direct(range.start), to_usize(range.bytes())) }
}

/// Logs how a domain ended and returns the reason that counts.
fn report(running: &mut RunningDomain, end: End) -> ShutdownReason {
    let id = running.domain.id.0;
    let nmis = cpu::traps::take_nmis();
    if nmis != 0 {
        warn!("{nmis} non-maskable interrupts arrived");
    }
    running.vcpu.log_exit_counts(Level::Debug);
    match end {
        End::Shutdown(reason) => {
            info!("domain {id} ended: {}", reason.name());
            if reason == ShutdownReason::Crash {
                error!("domain {id} says that it crashed");
                dump(running);
            }
            reason
        }
        End::Crash(reason) => {
            report_crash(running, &reason);
            ShutdownReason::Crash
        }
    }
}

fn report_crash(running: &mut RunningDomain, reason: &CrashReason) {
    error!("domain {} vcpu 0 crashed: {reason}", running.domain.id.0);
    dump(running);
}

fn dump(running: &mut RunningDomain) {
    running.vcpu.dump(&mut running.memory).for_each_line(|line| error!("{line}"));
}
