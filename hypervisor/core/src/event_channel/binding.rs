//! What happens to the ports of one domain.

use super::channels::EventChannels;
use super::error::Error;
use super::notify::Notify;
use super::port::{End, Port, Service, Virq};
use super::record::{Binding, PortRecord};
use crate::address::{DomId, VcpuId};
use crate::guest_memory::GuestMemory;

impl EventChannels {
    /// Allocates a port to which `remote` may connect.
    ///
    /// # Errors
    ///
    /// When all ports are in use.
    pub fn alloc_unbound(&mut self, remote: DomId) -> Result<Port, Error> {
        self.ports.allocate(PortRecord::new(Binding::Unbound(remote), VcpuId(0)))
    }

    /// Binds a port to a virtual interrupt.
    ///
    /// # Errors
    ///
    /// When there is no such interrupt, a global one is asked for on another vCPU than 0, there is
    /// no such vCPU, the interrupt has a port there, or all ports are in use; in this order.
    pub fn bind_virq(&mut self, virq: Virq, vcpu: VcpuId) -> Result<Port, Error> {
        if !virq.exists() || (virq.is_global() && vcpu != VcpuId(0)) {
            return Err(Error::Invalid);
        }
        self.check_vcpu(vcpu)?;
        if self.virq_port(virq, vcpu).is_some() {
            return Err(Error::Bound);
        }
        let port = self.ports.allocate(PortRecord::new(Binding::Virq(virq), vcpu))?;
        self.set_virq_port(virq, vcpu, Some(port));
        Ok(port)
    }

    /// Binds a port to what the domain sends to `vcpu`.
    ///
    /// # Errors
    ///
    /// When there is no such vCPU, or all ports are in use.
    pub fn bind_ipi(&mut self, vcpu: VcpuId) -> Result<Port, Error> {
        self.check_vcpu(vcpu)?;
        self.ports.allocate(PortRecord::new(Binding::Ipi, vcpu))
    }

    /// Binds a port to a service, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// When all ports are in use.
    pub fn bind_service(&mut self, service: Service) -> Result<Port, Error> {
        let port = self.ports.allocate(PortRecord::new(Binding::Service(service), VcpuId(0)))?;
        self.set_service_port(service, Some(port));
        Ok(port)
    }

    /// Connects `port`, which has to wait for the domain that `service` seems to be, to the service,
    /// in place of an earlier one.
    ///
    /// # Errors
    ///
    /// When it does not wait for that domain.
    pub fn connect_service(&mut self, port: Port, service: Service) -> Result<(), Error> {
        let record = self.ports.record(port)?;
        if record.binding() != Binding::Unbound(service.end().domain) {
            return Err(Error::Invalid);
        }
        self.disconnect_service(service);
        self.ports.set(port, PortRecord::new(Binding::Service(service), record.vcpu()));
        self.set_service_port(service, Some(port));
        Ok(())
    }

    /// Lets the port of a service, unless the domain has closed it, wait for another connection.
    pub fn disconnect_service(&mut self, service: Service) {
        let Some(port) = self.service_port(service) else { return };
        if let Ok(record) = self.ports.record(port) {
            let waiting = Binding::Unbound(service.end().domain);
            self.ports.set(port, PortRecord::new(waiting, record.vcpu()));
        }
        self.set_service_port(service, None);
    }

    /// Makes `port` notify `vcpu` from now on; what is pending stays where it is.
    ///
    /// # Errors
    ///
    /// When there is no such vCPU; when the port is not in use, or bound to one vCPU for good.
    pub fn bind_vcpu(&mut self, port: Port, vcpu: VcpuId) -> Result<(), Error> {
        self.check_vcpu(vcpu)?;
        let binding = self.ports.record(port)?.binding();
        match binding {
            Binding::Virq(virq) if !virq.is_global() => return Err(Error::Invalid),
            Binding::Free | Binding::Reserved | Binding::Ipi => return Err(Error::Invalid),
            Binding::Virq(_)
            | Binding::Unbound(_)
            | Binding::Interdomain(_)
            | Binding::Service(_) => {}
        }
        self.ports.set(port, PortRecord::new(binding, vcpu));
        Ok(())
    }

    /// Connects `port`, which has to wait for the domain of `end`, to `end`.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub(super) fn connect(&mut self, port: Port, end: End) -> Result<(), Error> {
        let record = self.ports.record(port)?;
        if record.binding() != Binding::Unbound(end.domain) {
            return Err(Error::Invalid);
        }
        self.ports.set(port, PortRecord::new(Binding::Interdomain(end), record.vcpu()));
        Ok(())
    }

    /// Connects `port`, which was reserved, to `end`. Events that `end` sent before were dropped,
    /// so the port has one from the start.
    pub(super) fn complete<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        port: Port,
        end: End,
    ) -> Notify {
        self.ports.set(port, PortRecord::new(Binding::Interdomain(end), VcpuId(0)));
        self.set_pending(memory, port)
    }

    /// Lets `port` wait for its former peer, if it is still connected to `end`, which is gone.
    pub(super) fn disconnect(&mut self, port: Port, end: End) {
        let Ok(record) = self.ports.record(port) else { return };
        if record.binding() == Binding::Interdomain(end) {
            self.ports.set(port, PortRecord::new(Binding::Unbound(end.domain), record.vcpu()));
        }
    }

    /// Frees `port` with what is pending there, and returns the end that it was connected to.
    ///
    /// # Errors
    ///
    /// When it is not in use.
    pub(super) fn close<M: GuestMemory>(
        &mut self,
        memory: &mut M,
        port: Port,
    ) -> Result<Option<End>, Error> {
        let record = self.ports.record(port)?;
        let mut peer = None;
        match record.binding() {
            Binding::Free | Binding::Reserved => return Err(Error::Invalid),
            Binding::Virq(virq) => {
                let bound_on = if virq.is_global() { VcpuId(0) } else { record.vcpu() };
                self.set_virq_port(virq, bound_on, None);
            }
            Binding::Service(service) if self.service_port(service) == Some(port) => {
                self.set_service_port(service, None);
            }
            Binding::Interdomain(end) => peer = Some(end),
            Binding::Unbound(_) | Binding::Ipi | Binding::Service(_) => {}
        }
        self.words(memory).clear_pending(port);
        self.ports.release(port);
        Ok(peer)
    }
}
