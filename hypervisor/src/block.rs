//! The block device of the domain: where it is, and what is logged of it. All else is in `core`.

use crate::boot::BootError;
use crate::disk::Disk;
use crate::domain_memory::DomainMemory;
use crate::memory::{Memory, direct};
use crate::store;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use log::{info, warn};
use spin::Mutex;
use xenolith_core::address::{DomId, PAGE_SIZE, to_u64};
use xenolith_core::block::{BlockDevice, Buffers, Served, Surroundings};
use xenolith_core::event_channel::EventChannels;
use xenolith_core::grant_table::GrantTable;
use xenolith_core::hypercall::unsupported::Limit;

/// The device.
type Device = BlockDevice<&'static mut Buffers>;

/// The device, its disk, and how much was logged of it.
#[derive(Debug)]
struct Block {
    device: Device,
    disk: Disk,
    logged: Limit,
}

static BLOCK: Mutex<Option<Block>> = Mutex::new(None);
/// Whether the store had no room for the device's state.
static UNTOLD: AtomicBool = AtomicBool::new(false);

/// What the device reaches of its domain.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    pub(crate) memory: &'a mut DomainMemory,
    pub(crate) channels: &'a mut EventChannels,
    pub(crate) grants: GrantTable,
    /// The domain's system time.
    pub(crate) now_ns: u64,
}

/// Gives a disk to a domain that the store knows.
///
/// # Errors
///
/// When memory is used up.
pub(crate) fn attach(memory: &mut Memory, domain: DomId, disk: Disk) -> Result<(), BootError> {
    const BYTES: u64 = to_u64(size_of::<Buffers>()).next_multiple_of(PAGE_SIZE);
    let place = memory.allocate_zeroed(BYTES, PAGE_SIZE).ok_or(BootError::OutOfMemory)?;
    // SAFETY: all zeros is a value of the type (`FromZeros`), nothing else refers to the memory,
    // and it is never given back.
    let buffers = unsafe { &mut *direct::<Buffers>(place) };
    let mut device = BlockDevice::new(domain, buffers);
    store::with(|store| device.introduce(store, &disk).expect("the store has room at the start"));
    *BLOCK.lock() = Some(Block { device, disk, logged: Limit::new() });
    Ok(())
}

/// Serves what the domain has asked for.
pub(crate) fn serve(guest: &mut Guest<'_>) -> Served {
    with(guest, BlockDevice::serve).unwrap_or_default()
}

/// Looks at what the front end says in the store. Returns whether it may have requests.
pub(crate) fn front_end_changed(guest: &mut Guest<'_>) -> bool {
    with(guest, BlockDevice::front_end_changed).unwrap_or_default()
}

/// Returns whether the store does not know yet in which state the device is.
pub(crate) fn is_untold() -> bool {
    UNTOLD.load(Ordering::Relaxed)
}

/// Tells the store. Returns whether it had room.
pub(crate) fn retell(guest: &mut Guest<'_>) -> bool {
    with(guest, BlockDevice::retell).unwrap_or_default()
}

/// Runs `action` on the device, if there is one, and all that it works with.
fn with<R>(
    guest: &mut Guest<'_>,
    action: impl FnOnce(&mut Device, &mut Surroundings<'_, DomainMemory, Disk>) -> R,
) -> Option<R> {
    let mut block = BLOCK.lock();
    let Block { device, disk, logged } = block.as_mut()?;
    let domain = guest.channels.domain();
    let now_ns = guest.now_ns;
    let result = store::with(|store| {
        let mut around = Surroundings {
            memory: guest.memory,
            grants: guest.grants,
            channels: guest.channels,
            store,
            medium: disk,
            log: &mut |line| log(logged, domain, now_ns, line),
        };
        action(device, &mut around)
    });
    UNTOLD.store(!device.is_told(), Ordering::Relaxed);
    Some(result)
}

fn log(logged: &mut Limit, domain: DomId, now_ns: u64, line: fmt::Arguments<'_>) {
    let Some(left_out) = logged.count(|| now_ns) else { return };
    if left_out != 0 {
        info!("domain {}: {left_out} lines like this were left out", domain.0);
    }
    warn!("domain {}: block device: {line}", domain.0);
}
