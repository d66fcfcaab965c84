//! Every interleaving of a guest and the hypervisor over the words that they share.
//!
//! The hypervisor's side is the real [`SharedWords`], over loom's atomics. The guest's side is what
//! a kernel has to do. One thread is a vCPU with both its guest and the hypervisor's code of its own
//! CPU; the others are CPUs that send events. A kick is an interrupt: it is noticed at some later
//! point where the vCPU looks, and where it surely has arrived when all have finished.
//!
//! Nothing may be lost: each event that was newly set is handled, once.

#![cfg(not(miri))]
#![forbid(unsafe_code)]

use loom::sync::Arc;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use loom::sync::atomic::{AtomicBool, AtomicU64, fence};
use loom::thread::{self, JoinHandle};
use xenolith_core::address::Gpa;
use xenolith_core::event_channel::{Port, Raised, SharedWords, is_deliverable};
use xenolith_core::guest_memory::GuestMemory;

const SHARED_INFO: Gpa = Gpa(0);
const VCPU_INFO: Gpa = Gpa(0);
const SELECTOR: Gpa = Gpa(8);
const A: Port = Port(1);
const B: Port = Port(2);

/// The words of one vCPU and the first 64 ports, and what wakes the vCPU.
#[derive(Debug, Default)]
struct Shared {
    upcall_pending: AtomicU64,
    /// Changed by the vCPU's own thread only, so by plain stores.
    upcall_mask: AtomicU64,
    selector: AtomicU64,
    pending: AtomicU64,
    mask: AtomicU64,
    kicked: AtomicBool,
    blocked: AtomicBool,
}

/// The words as guest memory. Locked instructions are fences too, which loom has to be told.
#[derive(Clone, Debug)]
struct Words(Arc<Shared>);

impl Words {
    fn at(&self, at: Gpa) -> &AtomicU64 {
        match at {
            VCPU_INFO => &self.0.upcall_pending,
            SELECTOR => &self.0.selector,
            _ if at == A.pending_at(SHARED_INFO) => &self.0.pending,
            _ if at == A.mask_at(SHARED_INFO) => &self.0.mask,
            _ => panic!("nothing else is touched: {at}"),
        }
    }

    fn update(&self, at: Gpa, change: impl FnOnce(&AtomicU64) -> u64) -> u64 {
        fence(SeqCst);
        let old = change(self.at(at));
        fence(SeqCst);
        old
    }
}

impl GuestMemory for Words {
    fn read(&self, at: Gpa, into: &mut [u8]) -> bool {
        let mut word = self.at(at).load(Acquire);
        if at == VCPU_INFO {
            word |= self.0.upcall_mask.load(Acquire) << 8;
        }
        into.copy_from_slice(&word.to_le_bytes());
        true
    }

    fn write(&mut self, _: Gpa, _: &[u8]) -> bool {
        unreachable!("shared words change atomically")
    }

    fn replace_word(&mut self, _: Gpa, _: u64, _: u64) -> Option<u64> {
        unreachable!("shared words change bit by bit")
    }

    fn fetch_or(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        Some(self.update(at, |word| word.fetch_or(bits, AcqRel)))
    }

    fn fetch_and(&mut self, at: Gpa, bits: u64) -> Option<u64> {
        if at == VCPU_INFO {
            // `allow_upcalls`: the mask is the other byte of the word.
            assert_eq!(bits, !0xff00);
            self.0.upcall_mask.store(0, Relaxed);
            fence(SeqCst);
            return Some(0);
        }
        Some(self.update(at, |word| word.fetch_and(bits, AcqRel)))
    }
}

/// Starts a CPU that sends an event to each of the ports. It returns how many it newly set.
fn sender<const N: usize>(shared: &Arc<Shared>, ports: [Port; N]) -> JoinHandle<u32> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut memory = Words(Arc::clone(&shared));
        let mut set = 0;
        for port in ports {
            let raised = SharedWords::new(&mut memory, SHARED_INFO).set_pending(port, VCPU_INFO);
            set += u32::from(raised != Raised::AlreadyPending);
            if raised == Raised::Upcall {
                shared.wake();
            }
        }
        set
    })
}

impl Shared {
    /// What a CPU does for a vCPU that has to be woken.
    fn wake(&self) {
        self.kicked.swap(true, AcqRel);
        self.blocked.swap(false, AcqRel);
    }
}

/// The vCPU: the guest, and the hypervisor on the same CPU.
#[derive(Debug)]
struct Vcpu {
    shared: Arc<Shared>,
    memory: Words,
    handled: u32,
}

impl Vcpu {
    fn new() -> Self {
        let shared = Arc::new(Shared::default());
        Self { memory: Words(Arc::clone(&shared)), shared, handled: 0 }
    }

    fn words(&mut self) -> SharedWords<'_, Words> {
        SharedWords::new(&mut self.memory, SHARED_INFO)
    }

    /// A point where a kick may have arrived: then the guest exits and is entered again.
    fn maybe_exit(&mut self) {
        if self.shared.kicked.swap(false, AcqRel) {
            self.enter();
        }
    }

    /// The hypervisor's decision on the way into the guest.
    fn enter(&mut self) {
        if self.memory.read_word(VCPU_INFO).is_some_and(is_deliverable) {
            self.upcall();
        }
    }

    /// The guest's upcall handler, entered with upcalls masked, and its way out.
    fn upcall(&mut self) {
        self.shared.upcall_mask.store(1, Relaxed);
        while self.shared.upcall_pending.load(Relaxed) != 0 {
            self.shared.upcall_pending.store(0, Relaxed);
            fence(SeqCst);
            if self.shared.selector.swap(0, AcqRel) != 0 {
                self.drain();
            }
        }
        self.enable();
    }

    /// Handles what is pending and not masked.
    fn drain(&mut self) {
        for port in [A, B] {
            let ready = self.shared.pending.load(Acquire) & !self.shared.mask.load(Acquire);
            if ready & port.bit() != 0 {
                self.shared.pending.fetch_and(!port.bit(), AcqRel);
                self.handled += 1;
            }
        }
    }

    fn disable(&mut self) {
        self.shared.upcall_mask.store(1, Relaxed);
    }

    /// Unmasks upcalls and looks again. A store may still wait in the CPU's buffer when the load
    /// is done: an event that the load does not see kicks.
    fn enable(&mut self) {
        self.shared.upcall_mask.store(0, Relaxed);
        if self.shared.upcall_pending.load(Relaxed) != 0 {
            self.upcall();
        }
    }

    fn mask_port(&mut self, port: Port) {
        self.shared.mask.fetch_or(port.bit(), AcqRel);
    }

    /// Unmasks a port without a hypercall, upcalls being masked, as Linux does.
    fn unmask_port(&mut self, port: Port) {
        self.memory.fetch_and(port.mask_at(SHARED_INFO), !port.bit());
        if self.shared.pending.load(Acquire) & port.bit() != 0
            && self.memory.fetch_or(SELECTOR, 1) == Some(0)
        {
            self.memory.fetch_or(VCPU_INFO, 1);
        }
    }

    /// `EVTCHNOP_unmask`.
    fn unmask_port_by_call(&mut self, port: Port) {
        if self.words().unmask(port, VCPU_INFO) {
            self.shared.wake();
        }
        self.enter();
    }

    /// `SCHEDOP_block`, up to where the vCPU sleeps if it still counts as blocked.
    fn block(&mut self) {
        self.words().allow_upcalls(VCPU_INFO);
        self.shared.blocked.store(true, Relaxed);
        fence(SeqCst);
        if self.memory.read_word(VCPU_INFO).is_some_and(is_deliverable) {
            self.shared.blocked.store(false, Relaxed);
        }
    }

    /// As [`Self::block`], in the wrong order.
    fn block_wrongly(&mut self) {
        self.words().allow_upcalls(VCPU_INFO);
        if !self.memory.read_word(VCPU_INFO).is_some_and(is_deliverable) {
            self.shared.blocked.store(true, Relaxed);
            fence(SeqCst);
        }
    }

    /// Sleeps until the senders have finished, and goes on if one of them woke it.
    fn sleep(mut self, senders: impl IntoIterator<Item = JoinHandle<u32>>) {
        let set: u32 = senders.into_iter().map(|sender| sender.join().expect("senders end")).sum();
        assert!(!self.shared.blocked.load(Acquire), "it sleeps for ever");
        self.enter();
        assert_eq!(self.handled, set, "events handled, events set");
    }

    /// Waits for the senders, lets the last kick arrive, and compares.
    fn finish(mut self, senders: impl IntoIterator<Item = JoinHandle<u32>>) {
        let set: u32 = senders.into_iter().map(|sender| sender.join().expect("senders end")).sum();
        self.maybe_exit();
        assert_eq!(self.handled, set, "events handled, events set");
        assert_eq!(self.shared.pending.load(Acquire), 0);
    }
}

/// Runs a scenario in every order that needs at most three preemptions.
fn explore(scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(scenario);
}

#[test]
fn events_reach_a_running_vcpu() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        let senders = [sender(&vcpu.shared, [A, B])];
        vcpu.maybe_exit();
        vcpu.maybe_exit();
        vcpu.finish(senders);
    });
}

#[test]
fn an_event_sent_again_while_it_is_handled_is_handled_again() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        let senders = [sender(&vcpu.shared, [A, A])];
        vcpu.maybe_exit();
        vcpu.finish(senders);
    });
}

#[test]
fn two_senders_do_not_disturb_each_other() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        let senders = [sender(&vcpu.shared, [A]), sender(&vcpu.shared, [B])];
        vcpu.maybe_exit();
        vcpu.finish(senders);
    });
}

#[test]
fn events_that_come_while_upcalls_are_masked_are_seen_on_unmasking() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        let senders = [sender(&vcpu.shared, [A, B])];
        vcpu.disable();
        vcpu.maybe_exit();
        vcpu.enable();
        vcpu.finish(senders);
    });
}

#[test]
#[should_panic(expected = "events handled, events set")]
fn unmasking_without_looking_again_would_lose_events() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        let senders = [sender(&vcpu.shared, [A])];
        vcpu.disable();
        vcpu.maybe_exit();
        vcpu.shared.upcall_mask.store(0, Relaxed);
        vcpu.finish(senders);
    });
}

#[test]
fn a_port_unmasked_in_the_guest_loses_nothing() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        vcpu.mask_port(A);
        let senders = [sender(&vcpu.shared, [A])];
        vcpu.maybe_exit();
        vcpu.disable();
        vcpu.unmask_port(A);
        vcpu.enable();
        vcpu.finish(senders);
    });
}

#[test]
fn a_port_unmasked_by_the_hypervisor_loses_nothing() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        vcpu.mask_port(A);
        let senders = [sender(&vcpu.shared, [A, B])];
        vcpu.maybe_exit();
        vcpu.unmask_port_by_call(A);
        vcpu.finish(senders);
    });
}

#[test]
#[should_panic(expected = "events handled, events set")]
fn unmasking_a_port_without_looking_again_would_lose_events() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        vcpu.mask_port(A);
        let senders = [sender(&vcpu.shared, [A])];
        vcpu.memory.fetch_and(A.mask_at(SHARED_INFO), !A.bit());
        vcpu.finish(senders);
    });
}

#[test]
fn a_vcpu_that_blocks_is_woken() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        vcpu.disable();
        let senders = [sender(&vcpu.shared, [A])];
        vcpu.block();
        vcpu.sleep(senders);
    });
}

#[test]
#[should_panic(expected = "it sleeps for ever")]
fn looking_before_one_counts_as_blocked_would_sleep_for_ever() {
    explore(|| {
        let mut vcpu = Vcpu::new();
        vcpu.disable();
        let senders = [sender(&vcpu.shared, [A])];
        vcpu.block_wrongly();
        vcpu.sleep(senders);
    });
}
