//! Lines that tell the user what is going on: on standard error, so that standard output holds
//! results only.

/// Tells the user what is being done.
#[macro_export]
macro_rules! progress {
    ($($argument:tt)*) => {
        eprintln!("xtask: {}", format_args!($($argument)*))
    };
}
