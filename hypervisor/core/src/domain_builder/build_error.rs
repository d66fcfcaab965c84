//! Why a domain cannot be built.

use core::fmt;

use super::image_error::ImageError;
use super::layout_error::LayoutError;
use super::start_info::CommandLine;
use crate::address::Gpa;

/// Why a domain cannot be built; the text says it to whoever chose its files and options.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BuildError {
    /// The kernel image is at fault.
    Image(ImageError),
    /// The domain's memory or address space has no room.
    Layout(LayoutError),
    /// The command line has more than [`CommandLine::MAX_BYTES`] bytes.
    CommandLine {
        /// How many.
        bytes: usize,
    },
    /// The hypervisor placed the shared info page in the domain's memory or not on a page.
    SharedInfo {
        /// Where.
        page: Gpa,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Layout(error) => error.fmt(f),
            Self::CommandLine { bytes } => write!(
                f,
                "the guest's command line has {bytes} bytes, at most {} are possible",
                CommandLine::MAX_BYTES
            ),
            Self::SharedInfo { page } => {
                write!(f, "no place for the shared info page: {page} is not a free page")
            }
        }
    }
}

impl core::error::Error for BuildError {}

impl From<ImageError> for BuildError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<LayoutError> for BuildError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error)
    }
}
