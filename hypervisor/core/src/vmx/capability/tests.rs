//! Fixtures are what Bochs' CPU models report (lynnfield, haswell, skylake, icelake, tigerlake).

use super::*;

type Fixture = [(u32, u64); 11];

const LYNNFIELD: Fixture = [
    (0x480, 0x00d8_1000_0000_002b),
    (0x481, 0x0000_007f_0000_0016),
    (0x482, 0xf7f9_fffe_0401_e172),
    (0x483, 0x007f_ffff_0003_6dff),
    (0x484, 0x0000_ffff_0000_11ff),
    (0x485, 0x0000_0000_0004_01e0),
    (0x48b, 0x0000_007f_0000_0000),
    (0x48c, 0x0000_0f01_0611_4141),
    (0x48d, 0x0000_007f_0000_0016),
    (0x48e, 0xf7f9_fffe_0400_6172),
    (0, 0),
];
const ICELAKE: Fixture = [
    (0x480, 0x00d8_1000_0000_0004),
    (0x481, 0x0000_007f_0000_0016),
    (0x482, 0xfff9_fffe_0401_e172),
    (0x483, 0x007f_ffff_0003_6dff),
    (0x484, 0x0000_ffff_0000_11ff),
    (0x485, 0x0000_0000_6004_01e0),
    (0x48b, 0x0297_7fff_0000_0000),
    (0x48c, 0x0000_0f01_0633_4141),
    (0x48d, 0x0000_007f_0000_0016),
    (0x48e, 0xfff9_fffe_0400_6172),
    (0, 0),
];
const TIGERLAKE: Fixture = [
    (0x480, 0x01d8_1000_0000_0004),
    (0x481, 0x0000_007f_0000_0016),
    (0x482, 0xfff9_fffe_0401_e172),
    (0x483, 0x107f_ffff_0003_6dff),
    (0x484, 0x0010_ffff_0000_11ff),
    (0x485, 0x0000_0000_6004_01e0),
    (0x48b, 0x0297_7fff_0000_0000),
    (0x48c, 0x0000_0f01_06b3_4141),
    (0x48d, 0x0000_007f_0000_0016),
    (0x48e, 0xfff9_fffe_0400_6172),
    (0, 0),
];

/// Reads `fixture`; TRUE exit and entry controls equal the plain ones in these models.
fn reader(fixture: Fixture) -> impl Fn(u32) -> u64 {
    move |msr| {
        let msr = match msr {
            0x48f => 0x483,
            0x490 => 0x484,
            other => other,
        };
        fixture.iter().find(|(number, _)| *number == msr).expect("the fixture has it").1
    }
}

fn with(mut fixture: Fixture, msr: u32, change: impl Fn(u64) -> u64) -> Fixture {
    for (number, value) in &mut fixture {
        if *number == msr {
            *value = change(*value);
        }
    }
    fixture
}

#[test]
fn every_model_with_ept_will_do() {
    for (fixture, leaf_level) in [(LYNNFIELD, 2), (ICELAKE, 3), (TIGERLAKE, 3)] {
        let found = Capabilities::read(reader(fixture)).unwrap();
        assert_eq!(found.max_ept_leaf_level(), leaf_level);
        assert!(found.has_preemption_timer && found.has_rdtscp());
        assert!(found.saves_preemption_timer, "it can be");
        assert_eq!(found.exit & (1 << 22), 0, "it is not");
        assert_eq!(found.pin, 0x16 | 0x9);
        assert_eq!(found.processor & (1 << 15 | 1 << 16), 0, "CR3 accesses do not exit");
        assert_eq!(found.secondary, 0x6a);
        assert_eq!(found.revision, low(fixture[0].1));
    }
}

#[test]
fn the_plain_controls_force_cr3_exits() {
    let no_true = with(ICELAKE, 0x480, |basic| basic & !(1 << 55));
    assert_eq!(
        Capabilities::read(reader(no_true)),
        Err(CapabilityError::StuckOn {
            feature: "CR3_LOAD_EXITING",
            msr: "IA32_VMX_PROCBASED_CTLS",
            bit: 15
        })
    );
}

#[test]
fn each_missing_bit_is_named() {
    let cases: [(u32, u32, &str); 9] = [
        (0x48d, 32, "EXTERNAL_INTERRUPT_EXITING (IA32_VMX_PINBASED_CTLS bit 32)"),
        (0x48e, 63, "SECONDARY_CONTROLS (IA32_VMX_PROCBASED_CTLS bit 63)"),
        (0x48e, 60, "USE_MSR_BITMAPS (IA32_VMX_PROCBASED_CTLS bit 60)"),
        (0x48b, 33, "ENABLE_EPT (IA32_VMX_PROCBASED_CTLS2 bit 33)"),
        (0x48b, 37, "ENABLE_VPID (IA32_VMX_PROCBASED_CTLS2 bit 37)"),
        (0x483, 53, "LOAD_EFER (IA32_VMX_EXIT_CTLS bit 53)"),
        (0x484, 41, "GUEST_64_BIT (IA32_VMX_ENTRY_CTLS bit 41)"),
        (0x48c, 6, "FOUR_LEVELS (IA32_VMX_EPT_VPID_CAP bit 6)"),
        (0x48c, 42, "INVVPID_ALL (IA32_VMX_EPT_VPID_CAP bit 42)"),
    ];
    for (msr, bit, text) in cases {
        let broken = with(ICELAKE, msr, |value| value & !(1 << bit));
        let error = Capabilities::read(reader(broken)).unwrap_err();
        assert_eq!(error.to_string(), format!("this CPU lacks {text}"));
    }
}

#[test]
fn optional_features_may_be_missing() {
    let plain = with(ICELAKE, 0x48b, |value| value & !(1 << 38 | 1 << 35));
    let plain = with(plain, 0x48d, |value| value & !(1 << 38));
    let plain = with(plain, 0x48c, |value| value & !(3 << 16));
    let found = Capabilities::read(reader(plain)).unwrap();
    assert!(!found.has_rdtscp() && !found.has_preemption_timer);
    assert_eq!(found.max_ept_leaf_level(), 1);
}

#[test]
fn uncached_vmcs_memory_is_refused() {
    let uncached = with(ICELAKE, 0x480, |basic| basic & !(0xf << 50));
    assert_eq!(Capabilities::read(reader(uncached)), Err(CapabilityError::MemoryType(0)));
}

#[test]
fn feature_control_is_completed_or_refused() {
    assert_eq!(feature_control(0), Ok(Some(5)));
    assert_eq!(feature_control(0x8000), Ok(Some(0x8005)));
    assert_eq!(feature_control(5), Ok(None));
    assert_eq!(feature_control(1), Err(CapabilityError::LockedOff));
}
