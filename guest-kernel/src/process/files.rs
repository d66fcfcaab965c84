//! The files that a process has open.

use xenolith_system_calls::{EBADF, EMFILE, ERRORS, FILES};

use super::arguments::{self, Answer, Error};

/// A file of the ramdisk that is being read: what is left of it.
type Open = Option<&'static [u8]>;

/// The open files of a process; the console is not among them.
#[derive(Debug, Default)]
pub struct Files([Open; FILES]);

impl Files {
    /// Opens a file of this content; returns its number.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn open(&mut self, content: &'static [u8]) -> Answer {
        let place = self.0.iter().position(Option::is_none).ok_or(Error(EMFILE))?;
        self.0[place] = Some(content);
        Ok(place as u64 + ERRORS + 1)
    }

    fn place(&mut self, number: u64) -> Result<&mut Open, Error> {
        let place = self.0.get_mut(arguments::file(number)?);
        place.filter(|place| place.is_some()).ok_or(Error(EBADF))
    }

    /// Closes a file.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn close(&mut self, number: u64) -> Answer {
        *self.place(number)? = None;
        Ok(0)
    }

    /// Returns what is left of a file.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn rest(&mut self, number: u64) -> Result<&'static [u8], Error> {
        self.place(number).map(|place| place.unwrap_or_default())
    }

    /// Says that so many bytes of what is left of a file have been read.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn advance(&mut self, number: u64, bytes: usize) -> Result<(), Error> {
        let place = self.place(number)?;
        *place = place.map(|rest| rest.get(bytes..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Error = Error(EBADF);

    #[test]
    fn a_file_is_read_to_its_end_and_closed_once() {
        let mut files = Files::default();
        assert_eq!(files.open(b"content"), Ok(3));
        assert_eq!(files.rest(3), Ok(&b"content"[..]));
        files.advance(3, 4).unwrap();
        assert_eq!(files.rest(3), Ok(&b"ent"[..]));
        files.advance(3, 9).unwrap();
        assert_eq!(files.rest(3), Ok(&b""[..]));
        assert_eq!((files.close(3), files.close(3)), (Ok(0), Err(BAD)));
        assert_eq!((files.rest(3), files.advance(3, 0)), (Err(BAD), Err(BAD)));
    }

    #[test]
    fn numbers_are_used_again_and_there_is_a_most() {
        let mut files = Files::default();
        let opened: Vec<_> = (0..FILES).map(|_| files.open(b"").unwrap()).collect();
        assert_eq!(opened, [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(files.open(b""), Err(Error(EMFILE)));
        files.close(5).unwrap();
        assert_eq!(files.open(b"x"), Ok(5));
    }

    #[test]
    fn what_was_never_opened_is_bad() {
        let mut files = Files::default();
        for number in [0, 1, 2, 3, 11, 1 << 32, u64::MAX] {
            assert_eq!(files.rest(number), Err(BAD), "{number}");
            assert_eq!(files.close(number), Err(BAD), "{number}");
        }
    }
}
