//! Grace periods against readers in upcalls, in every interleaving (loom): what breaks if entries
//! do not keep RCU's state, breaks here.

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst, fence},
    },
    thread,
};

use super::GracePeriod;
use crate::{
    context::{
        Context, Destination, Watching, Word, irqentry_enter, irqentry_exit, nmi_enter, nmi_exit,
    },
    model::explore,
};

impl Word for AtomicU64 {
    fn load(&self) -> u64 {
        // The processor's locked instruction is a full barrier; loom wants to be told.
        fence(SeqCst);
        let value = Self::load(self, SeqCst);
        fence(SeqCst);
        value
    }

    fn increment(&self) {
        fence(SeqCst);
        self.fetch_add(1, SeqCst);
        fence(SeqCst);
    }
}

/// A vCPU that reads, and two values of which one is in place and the other may be free.
struct Model {
    vcpu: Context<AtomicU64>,
    /// Which value is in place.
    place: AtomicUsize,
    freed: [AtomicBool; 2],
}

impl Model {
    fn new(watching: bool) -> Arc<Self> {
        let watching = Watching::new(AtomicU64::new(watching.into()), AtomicU64::new(0));
        let freed = [AtomicBool::new(false), AtomicBool::new(false)];
        Arc::new(Self { vcpu: Context::new(watching), place: AtomicUsize::new(0), freed })
    }

    fn read(&self) {
        let value = self.place.load(SeqCst);
        assert!(!self.freed[value].load(SeqCst), "freed while it was read");
        thread::yield_now();
        assert!(!self.freed[value].load(SeqCst), "freed while it was read");
    }

    /// Another vCPU replaces the value and frees the old one.
    fn replace(model: &Arc<Self>) -> thread::JoinHandle<()> {
        let model = Arc::clone(model);
        thread::spawn(move || {
            model.place.swap(1, SeqCst);
            fence(SeqCst);
            let vcpus = [&model.vcpu.watching];
            let period = GracePeriod::begin(vcpus);
            while !period.has_ended(vcpus) {
                thread::yield_now();
            }
            model.freed[0].store(true, SeqCst);
        })
    }
}

const KERNEL: Destination = Destination::Kernel { events: true };

#[test]
fn a_reader_in_an_upcall_of_an_idle_vcpu_is_waited_for() {
    explore(|| {
        let model = Model::new(false);
        let writer = Model::replace(&model);
        let state = irqentry_enter(&model.vcpu);
        model.read();
        irqentry_exit(&model.vcpu, state, KERNEL, || ());
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_in_an_interrupted_exit_is_waited_for() {
    explore(|| {
        let model = Model::new(false);
        let writer = Model::replace(&model);
        // An NMI in an idle vCPU, as before the first step of an entry.
        let state = nmi_enter(&model.vcpu);
        model.read();
        nmi_exit(&model.vcpu, state);
        writer.join().unwrap();
    });
}

#[test]
fn readers_before_and_behind_a_change_of_tasks_are_waited_for() {
    explore(|| {
        let model = Model::new(true);
        let writer = Model::replace(&model);
        model.read();
        model.vcpu.watching.note_quiescent();
        model.read();
        // Idle in the end, or who began to wait too late would wait for ever.
        model.vcpu.watching.stop();
        writer.join().unwrap();
    });
}

/// The model finds what it is for: an entry that does not establish its state.
#[test]
#[should_panic(expected = "freed while it was read")]
fn a_reader_without_entry_state_is_overlooked() {
    explore(|| {
        let model = Model::new(false);
        let writer = Model::replace(&model);
        model.read();
        writer.join().unwrap();
    });
}

/// Nor may a nested exit leave what is the outer one's to leave.
#[test]
#[should_panic(expected = "freed while it was read")]
fn a_nested_exit_with_the_state_of_the_outer_ends_the_watch_too_soon() {
    explore(|| {
        let model = Model::new(false);
        let writer = Model::replace(&model);
        let outer = irqentry_enter(&model.vcpu);
        let _inner = irqentry_enter(&model.vcpu);
        irqentry_exit(&model.vcpu, outer, KERNEL, || ());
        model.read();
        writer.join().unwrap();
    });
}
