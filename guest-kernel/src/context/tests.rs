//! Entries and exits nested in every way: what was found is what is left behind.

use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicU64;

use proptest::prelude::*;

use super::*;

type Vcpu = Context<AtomicU64>;

fn vcpu(watching: bool) -> Vcpu {
    let context = Context::new(Watching::new(AtomicU64::new(watching.into()), AtomicU64::new(0)));
    context.trace.set(true);
    context
}

const KERNEL: Destination = Destination::Kernel { events: true };

#[test]
fn a_process_is_left_and_entered() {
    let vcpu = vcpu(false);
    let state = irqentry_enter_from_user(&vcpu);
    assert!(vcpu.watching.is_watching() && !vcpu.trace.is_enabled() && !state.exit_rcu());
    irqentry_exit(&vcpu, state, Destination::User, || panic!("a process is not rescheduled here"));
    assert!(!vcpu.watching.is_watching() && vcpu.trace.is_enabled());
}

/// As after [`crate::traps::catch`]: the process is not continued.
#[test]
fn who_stays_in_the_kernel_is_watched() {
    let vcpu = vcpu(false);
    let state = irqentry_enter_from_user(&vcpu);
    irqentry_exit(&vcpu, state, KERNEL, || ());
    assert!(vcpu.watching.is_watching());
}

#[test]
fn an_idle_vcpu_is_watched_for_the_length_of_an_upcall() {
    let vcpu = vcpu(false);
    let outer = irqentry_enter(&vcpu);
    assert!(outer.exit_rcu() && vcpu.watching.is_watching());
    let inner = irqentry_enter(&vcpu);
    assert!(!inner.exit_rcu());
    irqentry_exit(&vcpu, inner, KERNEL, || ());
    assert!(vcpu.watching.is_watching(), "the nested one leaves it to the outer");
    irqentry_exit(&vcpu, outer, KERNEL, || panic!("nobody schedules while RCU does not watch"));
    assert!(!vcpu.watching.is_watching());
}

#[test]
fn only_a_kernel_with_events_is_rescheduled() {
    let vcpu = vcpu(true);
    let asked = Cell::new(0);
    for to in [KERNEL, Destination::Kernel { events: false }] {
        let state = irqentry_enter(&vcpu);
        irqentry_exit(&vcpu, state, to, || {
            assert!(vcpu.watching.is_watching() && !vcpu.trace.is_enabled());
            asked.set(asked.get() + 1);
        });
    }
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_preemptible_call_is_taken_once() {
    let vcpu = vcpu(true);
    assert!(!vcpu.take_preemptible_call());
    vcpu.set_preemptible_call(true);
    assert!(vcpu.take_preemptible_call());
    assert!(!vcpu.take_preemptible_call(), "a nested upcall does not find it");
}

#[test]
fn the_observer_is_called_while_rcu_watches() {
    thread_local!(static TOLD: RefCell<Vec<bool>> = const { RefCell::new(Vec::new()) });
    let vcpu = vcpu(false);
    vcpu.trace.set_observer(Some(|enabled| TOLD.with_borrow_mut(|told| told.push(enabled))));
    let outer = irqentry_enter(&vcpu);
    let inner = irqentry_enter(&vcpu);
    irqentry_exit(&vcpu, inner, Destination::Kernel { events: false }, || ());
    irqentry_exit(&vcpu, outer, KERNEL, || ());
    TOLD.with_borrow(|told| assert_eq!(*told, [false, true], "the inner changed nothing"));
}

#[test]
fn counts_tell_what_the_vcpu_is_in() {
    let count = PreemptCount::new();
    assert!(count.is_zero() && !count.in_interrupt());
    count.disable_preemption();
    assert!(!count.is_zero() && count.is_preemption_disabled() && !count.in_interrupt());
    count.enter_hardirq();
    assert!(count.in_hardirq() && !count.in_nmi() && count.is_preemption_disabled());
    count.enter_nmi();
    count.enable_preemption();
    assert!(count.in_hardirq() && count.in_nmi() && !count.is_preemption_disabled());
    count.leave_hardirq();
    assert!(!count.in_hardirq() && count.in_nmi());
    count.leave_nmi();
    assert!(count.is_zero());
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Irq { from_user: bool },
    Nmi,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let first =
        prop_oneof![any::<bool>().prop_map(|from_user| Entry::Irq { from_user }), Just(Entry::Nmi)];
    let nested = prop_oneof![Just(Entry::Irq { from_user: false }), Just(Entry::Nmi)];
    (first, proptest::collection::vec(nested, 0..6))
        .prop_map(|(first, nested)| std::iter::once(first).chain(nested).collect())
}

fn nest(vcpu: &Vcpu, entries: &[Entry]) {
    let Some((&entry, inner)) = entries.split_first() else {
        assert!(vcpu.watching.is_watching(), "ordinary code runs while RCU watches");
        return;
    };
    let before = (vcpu.watching.is_watching(), vcpu.trace.is_enabled(), vcpu.count.is_zero());
    match entry {
        Entry::Nmi => {
            let state = nmi_enter(vcpu);
            assert!(vcpu.count.in_nmi());
            nest(vcpu, inner);
            nmi_exit(vcpu, state);
        }
        Entry::Irq { from_user } => {
            let state =
                if from_user { irqentry_enter_from_user(vcpu) } else { irqentry_enter(vcpu) };
            nest(vcpu, inner);
            let to = if from_user { Destination::User } else { KERNEL };
            irqentry_exit(vcpu, state, to, || ());
        }
    }
    let after = (vcpu.watching.is_watching(), vcpu.trace.is_enabled(), vcpu.count.is_zero());
    assert_eq!(after, before, "{entries:?}");
}

proptest! {
    /// Whatever is nested in whatever, in a process, in an idle vCPU or in a busy one.
    #[test]
    fn every_nesting_is_undone(entries in entries(), busy: bool) {
        let from_user = matches!(entries[0], Entry::Irq { from_user: true });
        nest(&vcpu(busy && !from_user), &entries);
    }

    /// Two looks at a vCPU tell whether it has let go, and only then.
    #[test]
    fn a_vcpu_has_let_go_if_it_was_not_watched_for_a_moment(
        steps in proptest::collection::vec(0..3_u8, 0..8), watching: bool,
    ) {
        let vcpu = vcpu(watching);
        let then = vcpu.watching.snapshot();
        let mut let_go = !watching;
        for step in steps {
            match (step, vcpu.watching.is_watching()) {
                (0, true) => { vcpu.watching.stop(); let_go = true; }
                (0, false) => vcpu.watching.start(),
                (1, true) => { vcpu.watching.note_quiescent(); let_go = true; }
                _ => {}
            }
            prop_assert_eq!(vcpu.watching.has_let_go_since(then), let_go);
        }
    }
}
