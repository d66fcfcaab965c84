//! Random operations on two domains, beside a model that is too simple to be wrong.

mod real;
mod simple;
mod steps;

use super::*;
use proptest::prelude::*;
use real::run;
use simple::{Model, ModelDomain, index};
use std::collections::BTreeSet;
use steps::step;

/// A port, if one was made, and who is to be told.
type Answer = Result<(Option<Port>, Notify), Error>;

/// Nothing was made, and nobody is to be told.
const DONE: Answer = Ok((None, Notify::Nobody));

/// By domain and port, the records as they were published.
type Copies = BTreeMap<u16, BTreeMap<u32, PortRecord>>;

/// Compares the first ports and all words of both domains.
fn assert_alike(domains: &mut TestDomains, model: &mut Model, copies: &mut Copies) {
    let bits = |set: &BTreeSet<u32>| set.iter().fold(0_u64, |bits, bit| bits | 1 << bit);
    for domain in [ONE, TWO] {
        let expected = model.of(domain).clone();
        let (channels, memory) = domains.of(domain);
        for port in 0..64 {
            let record = channels.ports().record(Port(port)).unwrap();
            let bound = expected.ports.get(&port).copied().unwrap_or((Binding::Free, CPU_0));
            assert_eq!((record.binding(), record.vcpu()), bound, "{domain:?} port {port}");
        }
        let copy = copies.entry(domain.0).or_default();
        channels.publish_changes(|port, record| _ = copy.insert(port.0, record));
        for port in 0..64 {
            let shown = copy.get(&port).copied().unwrap_or_default();
            let record = channels.ports().record(Port(port)).unwrap();
            assert_eq!(shown, record, "what the resident reads, {domain:?} port {port}");
        }
        assert_eq!(channels.ports().in_use() as usize, expected.ports.len());
        assert_eq!(word(memory, Port(0).pending_at(SHARED_INFO)), bits(&expected.pending));
        assert_eq!(word(memory, Port(0).mask_at(SHARED_INFO)), bits(&expected.masked));
        for vcpu in [CPU_0, CPU_1] {
            let (at, cpu) = (channels.vcpu_info(vcpu), index(vcpu));
            assert_eq!(word(memory, at), u64::from(expected.upcall[cpu]));
            assert_eq!(word(memory, Gpa(at.0 + 8)), bits(&expected.selected[cpu]));
            assert_eq!(channels.is_polling(vcpu), expected.polls[cpu].is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes under Miri")]
    fn the_table_does_what_the_model_does(
        steps in proptest::collection::vec((prop_oneof![Just(ONE), Just(TWO)], step()), 1..60),
    ) {
        let mut domains = TestDomains::new();
        let domains_of_model = [ONE, TWO].map(|domain| (domain.0, ModelDomain::default()));
        let mut model = Model { domains: domains_of_model.into() };
        let mut copies = Copies::new();
        for (caller, step) in steps {
            let expected = model.run(caller, &step);
            prop_assert_eq!(run(&mut domains, caller, &step), expected, "{:?} {:?}", caller, step);
            assert_alike(&mut domains, &mut model, &mut copies);
        }
    }
}
