//! What the operations on interrupts cost on this processor: the bytes that sites of the paired kernel
//! become, executed in ring 3, beside the ways to do the same with RFLAGS.
//!
//! `cargo xtask bench --native` takes them from the linked kernel and hands them over (`kit`). The vCPU's
//! record is memory of this process, at the address that is in the instructions, with nothing due.
//! CLI and STI fault in ring 3, so NOPs of a byte stand for them, and POPF leaves IF alone but is the
//! same instruction. A package of its own keeps Criterion out of what is built for guests.

mod code;
mod kit;

use std::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

use code::{Form, Image, Step};
use kit::Kit;

/// IF, and the bit of RFLAGS that is always one.
const ENABLED: u64 = 0x202;
/// The same without IF.
const DISABLED: u64 = 2;

/// Operations one behind the other.
#[derive(Debug)]
struct Sequence {
    /// Its name, of which xtask knows what it stands for.
    name: &'static str,
    steps: &'static [Step],
    /// The argument of `restore_fl` at first, and the event mask.
    flags: u64,
    mask: u8,
    /// Whether it is something on RFLAGS as well, and not only what NOPs stand for.
    has_rflags: bool,
}

const SAVE: Step = Step::Op("save_fl");
const DISABLE: Step = Step::Op("irq_disable");
const ENABLE: Step = Step::Op("irq_enable");
const RESTORE: Step = Step::Op("restore_fl");
const PAIR: &[Step] = &[SAVE, Step::ToArgument, DISABLE, RESTORE];

const SEQUENCES: &[Sequence] = &[
    sequence("save_fl", &[SAVE], ENABLED),
    Sequence { has_rflags: false, ..sequence("irq_disable", &[DISABLE], ENABLED) },
    Sequence { has_rflags: false, ..sequence("irq_enable", &[ENABLE], ENABLED) },
    sequence("restore_fl_enabled", &[RESTORE], ENABLED),
    Sequence { mask: 1, ..sequence("restore_fl_disabled", &[RESTORE], DISABLED) },
    Sequence { has_rflags: false, ..sequence("disable_enable", &[DISABLE, ENABLE], ENABLED) },
    sequence("save_disable_restore", PAIR, ENABLED),
    // The processor's IF is set here: what is saved is not what would be inside another pair.
    Sequence { mask: 1, has_rflags: false, ..sequence("nested", PAIR, DISABLED) },
];

const fn sequence(name: &'static str, steps: &'static [Step], flags: u64) -> Sequence {
    Sequence { name, steps, flags, mask: 0, has_rflags: true }
}

fn sites(criterion: &mut Criterion) {
    let kit = Kit::read();
    let mut image = Image::map(kit.record);
    let mut built = Vec::new();
    for sequence in SEQUENCES {
        for form in Form::ALL {
            if form.is_mask() || sequence.has_rflags {
                built.push((sequence, form, image.function(&kit, sequence.steps, form)));
            }
        }
    }
    let image = image.executable();
    for (sequence, form, function) in built {
        let mut group = criterion.benchmark_group(sequence.name);
        group.sampling_mode(SamplingMode::Flat);
        image.set_mask(sequence.mask);
        group.bench_function(form.name(), |bench| {
            bench.iter(|| image.call(function, sequence.flags));
        });
    }
}

/// Samples are short and many, so that some are free of whatever else the host does.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(500)
        .nresamples(1000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .without_plots()
}

criterion_group! {
    name = benches;
    config = settings();
    targets = sites
}
criterion_main!(benches);
