//! Reads lines from the console, or from the file that it is given, and runs them.
//!
//! A line is a program's name and its arguments, or one of: `exit`, `status` (how the last program
//! ended). A line that ends in `&` is not waited for. `#` begins a comment. Lines of a file are
//! shown as if they had been typed.
#![no_std]
#![no_main]

use xenolith_programs::{
    calls::{open, read, spawn, wait},
    numbers::{EAGAIN, ENOENT, ENOEXEC, ENOMEM, INPUT, INTERRUPTED, KILLED},
    print, println, program,
};

program!(main);

/// The longest line.
const LONGEST: usize = 256;

/// A line that is being read.
struct Lines {
    file: u64,
    bytes: [u8; LONGEST],
}

/// What a shell remembers.
struct Shell {
    /// How the last program ended.
    status: u64,
}

fn main(script: &'static [u8]) -> u8 {
    let file = if script.is_empty() { Ok(INPUT) } else { open(script) };
    let Ok(file) = file else {
        println!("shell: {}: no such file", script.escape_ascii());
        return 1;
    };
    let mut lines = Lines { file, bytes: [0; LONGEST] };
    let mut shell = Shell { status: 0 };
    loop {
        print!("$ ");
        let Some(line) = lines.next() else {
            println!();
            return 0;
        };
        let line = line.trim_ascii();
        if file != INPUT {
            println!("{}", line.escape_ascii());
        }
        match line {
            [] | [b'#', ..] => {}
            b"exit" => return 0,
            b"status" => shell.tell(),
            _ => shell.run(line),
        }
    }
}

impl Lines {
    /// Reads the next line without its end; what is longer than it may be is cut.
    fn next(&mut self) -> Option<&[u8]> {
        let mut length = 0;
        loop {
            let mut byte = [0];
            if read(self.file, &mut byte) != Ok(1) {
                return (length != 0).then_some(&self.bytes[..length]);
            }
            if byte == *b"\n" {
                return Some(&self.bytes[..length]);
            }
            if length < LONGEST {
                self.bytes[length] = byte[0];
                length += 1;
            }
        }
    }
}

impl Shell {
    fn run(&mut self, line: &[u8]) {
        let (line, waits) = match line.strip_suffix(b"&") {
            Some(line) => (line.trim_ascii_end(), false),
            None => (line, true),
        };
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (name, arguments) = line.split_at(end);
        match spawn(name, arguments.trim_ascii_start()) {
            Ok(process) if waits => self.status = wait(process).unwrap_or_default(),
            Ok(process) => println!("process {process}"),
            Err(error) => println!("{}: {}", name.escape_ascii(), words(error)),
        }
    }

    fn tell(&self) {
        if self.status == INTERRUPTED {
            println!("ended at the console");
        } else if self.status & KILLED == 0 {
            println!("status {}", self.status);
        } else {
            println!("killed by exception {}", self.status & !KILLED);
        }
    }
}

fn words(error: i64) -> &'static str {
    match error {
        ENOENT => "no such program",
        ENOEXEC => "not a program",
        EAGAIN => "too many processes",
        ENOMEM => "no memory is left",
        _ => "cannot be started",
    }
}
