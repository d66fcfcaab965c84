//! No keys: the kernel is told so, and a domain has no other way to them.

use xenolith_guest::{
    check, check_eq,
    entry::{Cause, PtRegs, Vector},
    irq::EventsOffLock,
    probe::{control, cpuid, exception::catch, msr, raise},
    protection_keys::{self, Pkrs, Unavailable},
    pvops::{self, World},
    scenario::Checks,
    traps,
};

const IA32_PKRS: u32 = 0x6e1;
const CR4_PKS: u64 = 1 << 24;
const INVALID_OPCODE: Vector = Vector(6);

/// Whether CPUID shows PKS.
pub(crate) fn processor_has_keys() -> bool {
    cpuid::read(7, 0).ecx >> 31 != 0
}

/// How often an exception was handled, and what its entry has kept.
static SAVED: EventsOffLock<(u32, Option<Pkrs>)> = EventsOffLock::new((0, None));

fn note(regs: &mut PtRegs) {
    regs.auxiliary().arch.set_pkrs(Pkrs::DEFAULT);
    let mut saved = SAVED.lock();
    *saved = (saved.0 + 1, regs.auxiliary().arch.pkrs());
    regs.rip += 2;
}

pub(crate) fn check(checks: &mut Checks) {
    check_eq!(checks, traps::install(), Ok(()));
    check!(checks, !processor_has_keys(), "CPUID shows PKS");
    check_eq!(checks, protection_keys::allocate(), Err(Unavailable::NotOffered));
    check_eq!(checks, protection_keys::current(), None);
    traps::set_handler(INVALID_OPCODE, Some(note));
    raise::invalid_opcode();
    check_eq!(checks, *SAVED.lock(), (1, None), "what an entry keeps");
    if pvops::world() == World::Xenolith {
        check_refused(checks);
    }
}

fn check_refused(checks: &mut Checks) {
    let before = control::cr4();
    check_eq!(checks, before & CR4_PKS, 0, "CR4.PKS");
    let attempts: [(&str, fn()); 3] = [
        ("CR4.PKS", || control::write_cr4(control::cr4() | CR4_PKS)),
        ("reading IA32_PKRS", || _ = msr::read(IA32_PKRS)),
        ("writing IA32_PKRS", || msr::write(IA32_PKRS, 0)),
    ];
    for (name, attempt) in attempts {
        let caught = catch(attempt).map(|frame| (frame.cause(), frame.error_code));
        check_eq!(checks, caught, Some((Cause::Exception(Vector(13)), 0)), "{name}");
    }
    check_eq!(checks, control::cr4(), before, "CR4 afterwards");
}
