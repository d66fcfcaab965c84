//! Which tests a run is about.

use crate::machine::Machine;
use crate::scenario::catalogue::Scenario;
use crate::setup::requirement::Use;
use xenolith_core::fuzzing::TARGETS;

/// The least number of tests that a run of everything must pass; raised as tests are added.
const MINIMUM: u32 = 1000;

/// The packages whose tests run on the host.
const HOST_PACKAGES: [&str; 4] = ["xenolith-abi", "xenolith-core", "xenolith-guest", "xtask"];

/// The packages whose tests run under Miri: what holds layouts, copies or code that is unsafe.
const MIRI_PACKAGES: [&str; 3] = ["xenolith-abi", "xenolith-core", "xenolith-guest"];

/// Tests other than scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// The tests of a package that runs on the host.
    Host(&'static str),
    /// The tests of a package under Miri.
    Miri(&'static str),
    /// The comparison of the ABI with Xen's headers.
    Abi,
    /// What entry code of guest kernels calls.
    Noinstr,
    /// The package that the guide begins with.
    Guide,
    /// What sites of operations in guest kernels become.
    Sites,
    /// The size of the hypervisor.
    Size,
    /// What any bytes make a part of the hypervisor do.
    Fuzz(&'static str),
}

impl Tier {
    /// All of them, in the order in which they run.
    pub(crate) const ALL: [Self; 20] = [
        Self::Host(HOST_PACKAGES[0]),
        Self::Host(HOST_PACKAGES[1]),
        Self::Host(HOST_PACKAGES[2]),
        Self::Host(HOST_PACKAGES[3]),
        Self::Miri(MIRI_PACKAGES[0]),
        Self::Miri(MIRI_PACKAGES[1]),
        Self::Miri(MIRI_PACKAGES[2]),
        Self::Abi,
        Self::Noinstr,
        Self::Guide,
        Self::Sites,
        Self::Size,
        Self::Fuzz(TARGETS[0].name),
        Self::Fuzz(TARGETS[1].name),
        Self::Fuzz(TARGETS[2].name),
        Self::Fuzz(TARGETS[3].name),
        Self::Fuzz(TARGETS[4].name),
        Self::Fuzz(TARGETS[5].name),
        Self::Fuzz(TARGETS[6].name),
        Self::Fuzz(TARGETS[7].name),
    ];

    /// Its name in lists and filters.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Host(package) => format!("host/{package}"),
            Self::Miri(package) => format!("miri/{package}"),
            Self::Abi => "abi".to_owned(),
            Self::Noinstr => "noinstr".to_owned(),
            Self::Guide => "guide".to_owned(),
            Self::Sites => "sites".to_owned(),
            Self::Size => "size".to_owned(),
            Self::Fuzz(target) => format!("fuzz/{target}"),
        }
    }
}

/// The tests of a run.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Those that are no scenarios.
    pub(crate) tiers: Vec<Tier>,
    /// The scenarios.
    pub(crate) scenarios: Vec<Scenario>,
    /// Whether that is everything.
    is_whole: bool,
}

/// A scenario's name in lists and filters.
pub(crate) fn scenario_name(scenario: &Scenario) -> String {
    format!("scenario/{}", scenario.name)
}

/// Whether a scenario is skipped where its machine cannot be had: bare kernels in QEMU, without
/// which all that concerns the hypervisor can be tested.
fn may_be_skipped(scenario: &Scenario) -> bool {
    scenario.spec.is_bare() && scenario.spec.machine() != Machine::Bochs
}

impl Selection {
    /// What the filters leave: names that contain one of them, or everything if there are none.
    pub(crate) fn of(mut scenarios: Vec<Scenario>, filters: &[String]) -> Self {
        let is_wanted =
            |name: String| filters.is_empty() || filters.iter().any(|it| name.contains(it));
        scenarios.retain(|scenario| is_wanted(scenario_name(scenario)));
        let tiers = Tier::ALL.into_iter().filter(|tier| is_wanted(tier.name())).collect();
        Self { tiers, scenarios, is_whole: filters.is_empty() }
    }

    /// The names of all.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let tiers = self.tiers.iter().map(|tier| tier.name());
        tiers.chain(self.scenarios.iter().map(scenario_name))
    }

    /// What is fuzzed.
    pub(crate) fn fuzzed(&self) -> Vec<&'static str> {
        let name = |tier: &Tier| if let Tier::Fuzz(name) = tier { Some(*name) } else { None };
        self.tiers.iter().filter_map(name).collect()
    }

    /// The packages whose tests run under Miri.
    pub(crate) fn interpreted(&self) -> Vec<&'static str> {
        let name = |tier: &Tier| if let Tier::Miri(name) = tier { Some(*name) } else { None };
        self.tiers.iter().filter_map(name).collect()
    }

    /// The least number of tests that must pass.
    pub(crate) fn minimum(&self) -> u32 {
        if self.is_whole { MINIMUM } else { 1 }
    }

    /// What has to be installed for it.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = vec![Use::Build];
        // The tests of this package make the comparison as well.
        if [Tier::Abi, Tier::Host("xtask")].iter().any(|tier| self.tiers.contains(tier)) {
            uses.push(Use::Abi);
        }
        let has_disk = self.scenarios.iter().any(|it| it.spec.has_file_system());
        if has_disk || self.tiers.contains(&Tier::Host("xtask")) {
            uses.push(Use::FileSystem);
        }
        let guide = self.tiers.contains(&Tier::Guide).then_some(Machine::Bochs);
        let scenarios = self.scenarios.iter().filter(|it| !may_be_skipped(it));
        for machine in guide.into_iter().chain(scenarios.map(|it| it.spec.machine())) {
            for &part in Use::of_machine(machine) {
                if !uses.contains(&part) {
                    uses.push(part);
                }
            }
        }
        uses
    }

    /// What its scenarios need that are skipped where it cannot be had.
    pub(crate) fn wishes(&self) -> Vec<Use> {
        let scenarios = self.scenarios.iter().filter(|it| may_be_skipped(it));
        scenarios.flat_map(|it| Use::of_machine(it.spec.machine())).copied().collect()
    }

    /// Takes those scenarios out.
    pub(crate) fn take_skipped(&mut self) -> Vec<Scenario> {
        self.take(may_be_skipped)
    }

    /// Whether GRUB is booted.
    pub(crate) fn has_grub(&self) -> bool {
        self.scenarios.iter().any(|it| it.spec.is_grub())
    }

    /// Takes those scenarios out that boot GRUB.
    pub(crate) fn take_grub(&mut self) -> Vec<Scenario> {
        self.take(|it| it.spec.is_grub())
    }

    /// Whether Linux is booted.
    pub(crate) fn has_linux(&self) -> bool {
        self.scenarios.iter().any(|it| it.spec.is_linux())
    }

    /// Takes those scenarios out that boot Linux.
    pub(crate) fn take_linux(&mut self) -> Vec<Scenario> {
        self.take(|it| it.spec.is_linux())
    }

    /// Takes these scenarios out.
    fn take(&mut self, is_taken: impl FnMut(&Scenario) -> bool) -> Vec<Scenario> {
        let (taken, kept) = std::mem::take(&mut self.scenarios).into_iter().partition(is_taken);
        self.scenarios = kept;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scenario of this name and description.
    fn scenario(name: &str, description: &str) -> Scenario {
        let spec = toml::from_str(description).unwrap();
        Scenario { name: name.into(), directory: "/".into(), spec }
    }

    /// The names that `filters` leave.
    fn names(filters: &[&str]) -> Vec<String> {
        let scenarios = vec![scenario("boot", ""), scenario("no-vmx", "machine = \"qemu-tcg\"")];
        let filters: Vec<_> = filters.iter().map(|it| (*it).to_owned()).collect();
        Selection::of(scenarios, &filters).names().collect()
    }

    #[test]
    fn no_filter_leaves_everything() {
        assert_eq!(names(&[]).len(), Tier::ALL.len() + 2);
    }

    #[test]
    fn filters_leave_what_contains_one_of_them() {
        assert_eq!(names(&["boot"]), ["scenario/boot"]);
        assert_eq!(names(&["scenario/"]), ["scenario/boot", "scenario/no-vmx"]);
        assert_eq!(
            names(&["vmx", "core"]),
            ["host/xenolith-core", "miri/xenolith-core", "scenario/no-vmx"]
        );
        assert!(names(&["nothing like it"]).is_empty());
    }

    #[test]
    fn a_run_needs_at_least_one_test_and_a_whole_run_many() {
        assert_eq!(Selection::of(vec![], &["x".to_owned()]).minimum(), 1);
        assert_eq!(Selection::of(vec![], &[]).minimum(), MINIMUM);
    }

    #[test]
    fn only_what_is_used_must_be_installed() {
        let tcg = scenario("x", "machine = \"qemu-tcg\"");
        let selection = Selection::of(vec![tcg], &["scenario".to_owned()]);
        assert_eq!(selection.uses(), [Use::Build, Use::Qemu]);
        let bare = scenario("x", "environment = \"bare\"");
        let mut selection = Selection::of(vec![bare], &["scenario".to_owned()]);
        assert_eq!((selection.uses(), selection.wishes()), (vec![Use::Build], vec![Use::Qemu]));
        assert_eq!(selection.take_skipped().len(), 1);
        assert!(selection.take_linux().is_empty() && !selection.has_linux());
        assert_eq!(selection.names().count(), 0);
        let selection = Selection::of(vec![scenario("x", "")], &[]);
        assert_eq!(
            selection.uses(),
            [Use::Build, Use::Abi, Use::FileSystem, Use::Image, Use::Bochs]
        );
    }
}
