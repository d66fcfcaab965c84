//! What a key allows and refuses.

use xenolith_guest::{
    check, check_eq,
    entry::Vector,
    probe::{Window, exception::write},
    protection_keys::{self, Access, Pkrs, Unavailable},
    scenario::Checks,
    traps::{Fault, probe_read},
    x86_64::VirtAddr,
};

use crate::{PAGES, keys};

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const PROTECTION_KEY: u64 = 1 << 5;

/// Returns what a load from an address must come to.
pub(crate) fn load_expected(access: Access, address: VirtAddr, value: u64) -> Result<u64, Fault> {
    if access == Access::None { Err(refusal(address, 0)) } else { Ok(value) }
}

/// Returns what a store to an address must come to.
pub(crate) fn store_expected(access: Access, address: VirtAddr) -> Result<(), Fault> {
    if access == Access::Write { Ok(()) } else { Err(refusal(address, WRITE)) }
}

fn refusal(address: VirtAddr, kind: u64) -> Fault {
    let error_code = PRESENT | PROTECTION_KEY | kind;
    Fault { vector: Vector(14), error_code, cr2: address.as_u64() }
}

pub(crate) fn check(checks: &mut Checks, window: &mut Window) {
    let [first, second] = keys();
    let pages = PAGES.map(|page| window.address(page * 4096 + 8));
    check_eq!(checks, protection_keys::current(), Some(Pkrs::DEFAULT), "at first");
    let mut value = 0;
    for access in [Access::None, Access::Read, Access::Write, Access::Read, Access::None] {
        first.set_access(access);
        check_eq!(checks, first.access(), access);
        check_eq!(checks, second.access(), Access::None, "the other key");
        let stored = write(pages[0], value + 1);
        check_eq!(checks, stored, store_expected(access, pages[0]), "a store with {access:?}");
        value += u64::from(stored.is_ok());
        let loaded = probe_read(pages[0]);
        check_eq!(checks, loaded, load_expected(access, pages[0], value), "{access:?}");
        let other = probe_read::<u64>(pages[1]);
        check_eq!(checks, other, Err(refusal(pages[1], 0)), "the other key's page");
        check_eq!(checks, write(pages[2], value), Ok(()), "a page of no key");
        let now = Some(Pkrs::DEFAULT.with(first, access));
        check_eq!(checks, protection_keys::current(), now, "behind page faults");
    }
    check_entry(checks, window);
}

/// The key is the page's, whatever else of its entry changes.
fn check_entry(checks: &mut Checks, window: &mut Window) {
    let (key, address) = (keys()[0], window.address(PAGES[0] * 4096));
    key.set_access(Access::None);
    check_eq!(checks, window.set_key(PAGES[0], None), Ok(()));
    check!(checks, probe_read::<u64>(address).is_ok(), "a page whose key was taken away");
    check_eq!(checks, window.set_key(PAGES[0], Some(key)), Ok(()));
    check_eq!(checks, window.set_flags(PAGES[0], Window::DATA), Ok(()));
    check_eq!(checks, probe_read::<u64>(address), Err(refusal(address, 0)), "with other flags");
}

/// There are no more than the processor has.
pub(crate) fn check_last(checks: &mut Checks) {
    let more = core::iter::from_fn(|| protection_keys::allocate().ok()).count();
    check_eq!(checks, more, 13, "keys behind the first two");
    check_eq!(checks, protection_keys::allocate(), Err(Unavailable::NoneLeft));
}
