//! Arguments that a call reads and writes back, for which one walk of the tables is enough.

use super::{Call, Machine};
use crate::address::{Gpa, Gva};
use crate::guest_access::Fault;
use crate::guest_memory::GuestMemory;
use core::marker::PhantomData;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Where an argument came from. It holds as long as the caller's tables and CR3 stay as they are:
/// within a call that changes neither.
#[derive(Debug)]
pub(super) struct Place<T> {
    at: Gva,
    /// Its address in memory, if writing it would take no other walk than reading it did.
    found: Option<Gpa>,
    of: PhantomData<T>,
}

impl<M: Machine> Call<'_, M> {
    /// Copies a structure in, which may be written back.
    ///
    /// # Errors
    ///
    /// As [`GuestSpace::copy_in`](crate::guest_access::GuestSpace::copy_in).
    #[inline]
    pub(super) fn borrow<T: FromBytes + IntoBytes>(
        &mut self,
        at: Gva,
        into: &mut T,
    ) -> Result<Place<T>, Fault> {
        let bytes = into.as_mut_bytes();
        let found = self.space().find_writable(at, bytes.len());
        match found {
            Some(place) if self.machine.memory().read(place, bytes) => {}
            Some(_) => return Err(Fault),
            None => self.space().copy_in(at, bytes)?,
        }
        Ok(Place { at, found, of: PhantomData })
    }

    /// Writes it back.
    ///
    /// # Errors
    ///
    /// As [`GuestSpace::copy_out`](crate::guest_access::GuestSpace::copy_out).
    #[inline]
    pub(super) fn give_back<T: IntoBytes + Immutable>(
        &mut self,
        place: &Place<T>,
        value: &T,
    ) -> Result<(), Fault> {
        match place.found {
            Some(at) if self.machine.memory().write(at, value.as_bytes()) => Ok(()),
            Some(_) => Err(Fault),
            None => self.space().copy_out(place.at, value.as_bytes()),
        }
    }
}
