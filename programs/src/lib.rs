//! What a program for the paired kernel needs: its start, system calls, printing.
//!
//! A program is a `no_std`, `no_main` binary that names its main function:
//!
//! ```ignore
//! xenolith_programs::program!(main);
//!
//! fn main(arguments: &'static [u8]) -> u8 {
//!     println!("hello");
//!     0
//! }
//! ```
#![cfg_attr(target_os = "none", no_std)]

pub mod calls;
#[cfg(target_os = "none")]
mod panic;
pub mod print;
#[cfg(target_os = "none")]
pub mod start;
pub mod test;

pub use xenolith_system_calls as numbers;
