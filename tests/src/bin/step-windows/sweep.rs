//! Runs a sequence with an event at each of its instructions.

use alloc::vec::Vec;
use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use xenolith_guest::{
    entry,
    events::{self, Port},
    hypercall::{
        Errno,
        event_channel::bind_ipi,
        xenolith::{EventArrival, event_after, event_arrival, exit_counts},
    },
    irq, println,
    probe::memory::read_bytes,
    scenario::Checks,
    shared_info::shared_info,
    vcpu::VcpuId,
    x86_64::VirtAddr,
};

use crate::{coverage::Coverage, upcalls};

/// The SYSCALL instruction.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Failures of one sequence that are shown.
const MAX_FAILURES: u32 = 3;

/// What the last event interrupted.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

/// An event: where it came, and what its upcall's frame said.
struct Sample {
    arrival: EventArrival,
    interrupted: u64,
}

/// Runs sequences, and remembers which instructions they met.
pub(crate) struct Sweeper<'a> {
    checks: &'a mut Checks,
    port: Port,
    coverage: Coverage,
    /// Of the sequence that runs.
    failures: u32,
    /// Upcalls on a hypercall that is to be gone on with, where such may come.
    cuts: Option<u32>,
}

impl<'a> Sweeper<'a> {
    /// Takes a port for the event.
    ///
    /// # Errors
    ///
    /// The hypervisor's.
    pub(crate) fn new(checks: &'a mut Checks) -> Result<Self, Errno> {
        let port = new_port(|_| INTERRUPTED.store(upcalls::interrupted(), Relaxed))?;
        Ok(Self { checks, port, coverage: Coverage::new(), failures: 0, cuts: None })
    }

    /// As [`Self::sweep`], of a sequence with a long hypercall: where the event comes in the middle
    /// of that the upcall says its SYSCALL, not what comes behind.
    pub(crate) fn sweep_long<T: PartialEq + fmt::Debug>(
        &mut self,
        name: &str,
        sequence: impl FnMut() -> T,
    ) {
        self.cuts = Some(0);
        self.sweep(name, sequence);
        let cuts = self.cuts.take().unwrap_or(0);
        println!("{name}: cut at {cuts} instructions");
        self.expect(cuts > 0, format_args!("{name}: never cut"));
    }

    /// Runs `sequence`, which begins and ends with events enabled, until the event comes behind it.
    pub(crate) fn sweep<T: PartialEq + fmt::Debug>(
        &mut self,
        name: &str,
        mut sequence: impl FnMut() -> T,
    ) {
        self.failures = 0;
        let before = events::upcalls();
        let wanted = sequence();
        let own_upcalls = events::upcalls() - before;
        let mut samples = Vec::new();
        let mut instructions = 1;
        loop {
            let interrupts = host_interrupts();
            let before = (events::count(self.port), events::upcalls());
            let began = event_after(self.port, instructions);
            self.expect(began.is_ok(), format_args!("{name}: {began:x?}"));
            let found = sequence();
            let came = event_arrival();
            self.expect(
                found == wanted,
                format_args!("{name}, {instructions}: {found:x?} instead of {wanted:x?}"),
            );
            let Ok(Some(arrival)) = came else { break };
            let count = events::count(self.port) - before.0;
            self.expect(count == 1, format_args!("{name}, {instructions}: {count} events"));
            let upcalls = events::upcalls() - before.1 - own_upcalls;
            self.expect(upcalls <= 1, format_args!("{name}, {instructions}: {upcalls} upcalls"));
            self.check_state(name, instructions);
            if self.failures >= MAX_FAILURES {
                break;
            }
            // One that the machine's clock interrupted came elsewhere: it is taken again.
            if host_interrupts() == interrupts {
                samples.push(Sample { arrival, interrupted: INTERRUPTED.load(Relaxed) });
                instructions += 1;
            }
        }
        self.check_frames(name, &samples);
        println!("{name}: {} instructions", samples.len());
    }

    /// Checks that every window was met throughout.
    pub(crate) fn finish(self) {
        self.coverage.check(self.checks);
    }

    /// Says that a sequence could not be prepared.
    pub(crate) fn error(&mut self, error: Errno) {
        self.checks.error(format_args!("not prepared: {error}"));
    }

    /// Checks that something holds.
    pub(crate) fn expect(&mut self, holds: bool, what: fmt::Arguments<'_>) {
        if holds {
            self.checks.pass();
        } else {
            self.failures += 1;
            self.checks.fail(what);
        }
    }

    /// Checks what must hold after each run.
    fn check_state(&mut self, name: &str, instructions: u64) {
        if let Some((what, word)) = upcalls::take_wrong() {
            self.expect(false, format_args!("{name}, {instructions}: upcall's {what}: {word:#x}"));
        }
        let vcpu = shared_info().vcpu(0);
        let pending = shared_info().pending(0).load(Relaxed);
        let due = (vcpu.upcall_pending().load(Relaxed), vcpu.pending_selector().load(Relaxed));
        self.expect(
            (pending, due) == (0, (0, 0)),
            format_args!("{name}, {instructions}: left pending: {pending:#x} {due:x?}"),
        );
        let enabled = irq::save_fl().is_enabled();
        self.expect(enabled, format_args!("{name}, {instructions}: events are left disabled"));
        let bases = upcalls::has_kernel_bases();
        self.expect(bases, format_args!("{name}, {instructions}: bases of GS"));
    }

    /// Checks what the upcalls' frames said, knowing which instructions there are.
    fn check_frames(&mut self, name: &str, samples: &[Sample]) {
        let outside = |s: &&Sample| !upcalls::is_hypervisors(s.arrival.rip);
        let known: Vec<u64> = samples.iter().filter(outside).map(|s| s.arrival.rip).collect();
        for (index, sample) in samples.iter().enumerate() {
            let Some(next) = samples[index..].iter().find(outside) else { break };
            self.coverage.meet(&sample.arrival);
            // Two events may share an upcall, which then says what the other one interrupted.
            let shared = next.arrival.rip == entry::upcall_address().as_u64();
            let holds = if sample.arrival.mask != 0 {
                // It came when events were enabled; a kernel that finds it may go another way then.
                true
            } else if next.arrival.mask == 0 && !shared {
                sample.interrupted == next.arrival.rip || self.is_cut(sample, next)
            } else {
                // An entry has masked it on the way.
                known.contains(&sample.interrupted)
            };
            self.expect(
                holds,
                format_args!(
                    "{name}, {}: the upcall says {:#x}; it came at {:#x}, outside next at {:#x}",
                    index + 1,
                    sample.interrupted,
                    sample.arrival.rip,
                    next.arrival.rip
                ),
            );
            if self.failures >= MAX_FAILURES {
                break;
            }
        }
    }
}

impl Sweeper<'_> {
    /// Returns whether a long hypercall was cut, from which `next` is where it returns to.
    fn is_cut(&mut self, sample: &Sample, next: &Sample) -> bool {
        let Some(cuts) = &mut self.cuts else { return false };
        let at = VirtAddr::new(sample.interrupted);
        let is_cut = read_bytes(at) == SYSCALL && sample.interrupted + 2 == next.arrival.rip;
        *cuts += u32::from(is_cut);
        is_cut
    }
}

/// Returns how many interrupts of the machine have taken this domain out of its container.
fn host_interrupts() -> u64 {
    const EXTERNAL_INTERRUPT: usize = 1;
    exit_counts().map_or(0, |counts| counts.of(EXTERNAL_INTERRUPT))
}

/// Returns a new port by which the kernel notifies itself, unmasked.
///
/// # Errors
///
/// The hypervisor's.
pub(crate) fn new_port(handler: fn(Port)) -> Result<Port, Errno> {
    let port = bind_ipi(VcpuId::BOOT)?;
    events::set_handler(port, handler);
    events::unmask(port);
    Ok(port)
}
