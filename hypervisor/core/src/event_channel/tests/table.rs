use super::*;

#[test]
fn channels_are_made_of_zeroed_memory() {
    use zerocopy::FromBytes;
    let mut words = vec![0u64; size_of::<EventChannels>() / 8];
    let bytes = zerocopy::IntoBytes::as_mut_bytes(words.as_mut_slice());
    let channels = EventChannels::mut_from_bytes(bytes).unwrap();
    channels.start(ONE, SHARED_INFO, 1);
    assert_eq!(channels.domain(), ONE);
    assert_eq!(channels.vcpu_info(VcpuId(0)), SHARED_INFO);
    assert_eq!(channels.ports().record(Port(0)).unwrap().binding(), Binding::Free);
    assert_eq!(channels.check_vcpu(VcpuId(1)), Err(Error::NoVcpu));
}

#[test]
fn every_port_but_0_can_be_in_use() {
    let (mut channels, _) = channels(ONE);
    for number in 1..4096 {
        assert_eq!(channels.alloc_unbound(TWO), Ok(Port(number)));
    }
    assert_eq!(channels.alloc_unbound(TWO), Err(Error::Full));
    assert_eq!(channels.bind_ipi(CPU_0), Err(Error::Full));
    assert_eq!(channels.bind_virq(Virq(0), CPU_0), Err(Error::Full));
    assert_eq!(channels.virq_port(Virq(0), CPU_0), None);
    assert_eq!(channels.bind_service(Service::Console), Err(Error::Full));
    assert_eq!(channels.ports().in_use(), 4095);
    assert_eq!(channels.ports().record(Port(4095)).unwrap().binding(), Binding::Unbound(TWO));
    assert_eq!(channels.ports().record(Port(4096)), Err(Error::Invalid));
}

#[test]
fn ports_exist_by_64_and_do_not_cease_to() {
    let (mut channels, mut memory) = channels(ONE);
    let exists = |channels: &EventChannels, port| channels.ports().record(Port(port)).is_ok();
    assert!(exists(&channels, 63) && !exists(&channels, 64));
    for _ in 1..=64 {
        channels.alloc_unbound(TWO).unwrap();
    }
    assert!(exists(&channels, 127) && !exists(&channels, 128));
    channels.close(&mut memory, Port(64)).unwrap();
    assert!(exists(&channels, 127));
    channels.close(&mut memory, Port(3)).unwrap();
    assert_eq!(channels.bind_ipi(CPU_0), Ok(Port(3)), "the lowest is taken");
    assert_eq!(channels.bind_ipi(CPU_0), Ok(Port(64)));
}

#[test]
fn changes_are_published_once_in_ascending_order() {
    let (mut channels, mut memory) = channels(ONE);
    let changes = |channels: &mut EventChannels| {
        let mut changes = Vec::new();
        channels.publish_changes(|port, record| changes.push((port.0, record.binding())));
        changes
    };
    assert_eq!(changes(&mut channels), [], "the copy begins as zeros");
    for _ in 1..=200 {
        channels.bind_ipi(CPU_0).unwrap();
    }
    let bound: Vec<_> = (1..=200).map(|port| (port, Binding::Ipi)).collect();
    assert_eq!(changes(&mut channels), bound);
    assert_eq!(changes(&mut channels), []);
    for port in [130, 63, 64] {
        channels.close(&mut memory, Port(port)).unwrap();
    }
    channels.close(&mut memory, Port(64)).unwrap_err();
    assert_eq!(channels.alloc_unbound(TWO), Ok(Port(63)));
    let free = Binding::Free;
    assert_eq!(changes(&mut channels), [(63, Binding::Unbound(TWO)), (64, free), (130, free)]);
}

#[test]
fn records_have_the_layout_that_the_resident_reads() {
    use xenolith_abi::event_channel::{STATUS_INTERDOMAIN, STATUS_IPI};
    use zerocopy::IntoBytes;
    let word = |record: PortRecord| u64::from_le_bytes(record.as_bytes().try_into().unwrap());
    let ipi = word(PortRecord::new(Binding::Ipi, VcpuId(0x12)));
    assert_eq!(ipi, 0x12 << 16 | u64::from(STATUS_IPI));
    let end = End { domain: DomId(0x7654), port: Port(0xabc) };
    let connected = word(PortRecord::new(Binding::Interdomain(end), VcpuId(3)));
    assert_eq!(connected, 0x0abc_7654_0003_0000 | u64::from(STATUS_INTERDOMAIN));
    for (binding, kind) in [(Binding::Free, 0), (Binding::Reserved, 0x80)] {
        assert_eq!(word(PortRecord::new(binding, CPU_0)), kind, "not in use");
    }
}

#[test]
fn records_keep_what_ports_are_bound_to() {
    let end = End { domain: DomId(0x7fef), port: Port(4095) };
    for binding in [
        Binding::Reserved,
        Binding::Unbound(DomId(0xffff)),
        Binding::Interdomain(end),
        Binding::Interdomain(Service::Console.end()),
        Binding::Service(Service::Console),
        Binding::Service(Service::Store),
        Binding::Service(Service::Block),
        Binding::Virq(Virq(23)),
        Binding::Ipi,
    ] {
        let record = PortRecord::new(binding, VcpuId(31));
        assert_eq!(record.binding(), binding);
        assert_eq!(record.vcpu(), VcpuId(31));
        assert_eq!(record.is_in_use(), binding != Binding::Reserved);
    }
    let free = PortRecord::new(Binding::Free, VcpuId(3));
    assert_eq!(free, PortRecord::default());
    assert_eq!(free.vcpu(), CPU_0, "a free port notifies vCPU 0");
}

/// The resident and whoever else reads the table go by this.
#[test]
fn the_layout_of_records_is_fixed() {
    let bytes = |binding| {
        let record = PortRecord::new(binding, VcpuId(2));
        <[u8; 8]>::try_from(zerocopy::IntoBytes::as_bytes(&record)).unwrap()
    };
    let end = End { domain: DomId(0x102), port: Port(0x304) };
    assert_eq!(bytes(Binding::Unbound(DomId(7))), [1, 0, 2, 0, 7, 0, 0, 0]);
    assert_eq!(bytes(Binding::Interdomain(end)), [2, 0, 2, 0, 2, 1, 4, 3]);
    assert_eq!(bytes(Binding::Virq(Virq(3))), [4, 3, 2, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Binding::Ipi), [5, 0, 2, 0, 0, 0, 0, 0]);
}

#[test]
fn sets_of_vcpus_list_their_members() {
    let set = VcpuSet::EMPTY.with(VcpuId(31)).with(CPU_1).with(CPU_1);
    assert_eq!(set.iter().collect::<Vec<_>>(), [CPU_1, VcpuId(31)]);
    assert!(!set.contains(CPU_0) && set.contains(CPU_1) && !set.contains(VcpuId(32)));
    assert_eq!(Notify::vcpus(ONE, VcpuSet::EMPTY), Notify::Nobody);
}
