//! The operations themselves on the record of the first vCPU, which on the host is plain memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    EventsOffLock, Flags, disable_for_now, irq_disable, irq_enable, native_save_flags, restore_fl,
    save_fl,
};
use crate::{
    events::{self, Bitmaps, Port},
    shared_info::{self, VcpuWords},
    vcpu::VcpuId,
};

/// The record is one for all tests, and they run in threads.
static ALONE: Mutex<()> = Mutex::new(());

/// Returns the record with events enabled and nothing due, for one test at a time.
fn record() -> (VcpuWords, MutexGuard<'static, ()>) {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let words = shared_info::of_vcpu(VcpuId::BOOT);
    words.clear_due();
    words.take_selector();
    irq_enable();
    (words, alone)
}

fn mask(words: VcpuWords) -> u8 {
    words.upcall_mask().load(core::sync::atomic::Ordering::Relaxed)
}

#[test]
fn operations_change_the_mask_of_the_record() {
    let (words, _alone) = record();
    assert_eq!((mask(words), save_fl()), (0, Flags::IF));
    irq_disable();
    assert_eq!((mask(words), save_fl()), (1, Flags::DISABLED));
    restore_fl(Flags::DISABLED);
    assert_eq!(mask(words), 1);
    restore_fl(Flags::IF);
    assert_eq!(mask(words), 0);
}

#[test]
fn guards_nest() {
    let (words, _alone) = record();
    let outer = disable_for_now();
    drop(disable_for_now());
    assert_eq!(mask(words), 1, "the inner guard must not enable");
    drop(outer);
    assert_eq!(mask(words), 0);
}

#[test]
fn a_lock_disables_events_while_it_is_held() {
    let (words, _alone) = record();
    let lock = EventsOffLock::new(1);
    let mut held = lock.lock();
    *held += 1;
    assert_eq!(mask(words), 1);
    assert!(lock.try_lock().is_none(), "it is held");
    assert_eq!(mask(words), 1, "who did not get it must not enable");
    drop(held);
    assert_eq!((mask(words), *lock.lock()), (0, 2));
    assert!(lock.try_lock().is_some());
    assert_eq!(mask(words), 0);
}

/// A whole guard, and events that are enabled inside it without a word.
#[test]
#[cfg(debug_assertions)]
fn events_enabled_behind_the_back_of_a_guard_are_noticed() {
    let (words, _alone) = record();
    let noticed = std::panic::catch_unwind(|| {
        irq_disable();
        let guard = disable_for_now();
        irq_enable();
        drop(guard);
    });
    let words_of_panic = noticed.unwrap_err();
    let text = words_of_panic.downcast_ref::<&str>().expect("a panic without arguments");
    assert!(text.contains("behind the back"), "{text}");
    assert_eq!(mask(words), 0);
}

/// An event waits behind a port's mask: it is due once the mask is gone, while events are disabled.
#[test]
fn unmasking_a_port_makes_a_waiting_event_due() {
    let (words, _alone) = record();
    let port = Port(4095);
    assert!(events::mask(port) && !events::mask(port));
    shared_info::pending_word(63).fetch_or(port.bit(), core::sync::atomic::Ordering::Relaxed);
    irq_disable();
    events::unmask(port);
    assert!(super::UpcallFlag::is_pending(&words));
    let mut served = Vec::new();
    events::drain(&words, events::Cursor::default(), |port| served.push(port));
    assert_eq!(served, [port]);
    irq_enable();
}

/// Ring 3 of a host, where interrupts are on.
#[test]
#[cfg_attr(miri, ignore = "executes an instruction")]
fn native_flags_are_those_of_the_processor() {
    let (_, _alone) = record();
    irq_disable();
    assert_ne!(native_save_flags() & Flags::IF.bits(), 0);
    assert_eq!(save_fl(), Flags::DISABLED);
    irq_enable();
}
