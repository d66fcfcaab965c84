//! The C side: a program that includes Xen's headers and answers the questions from them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::INTERFACE_VERSION;
use super::inventory::Inventory;
use super::question::{Field, Question, Subject};

/// What the generated program starts with, after the headers.
const PROLOGUE: &str = include_str!("c_probe.h");

/// C names that are macros with arguments, and the number that the package means by them.
const SPELLED_OUT: &[(&str, &str)] = &[
    ("TI_GET_DPL", "TI_GET_DPL(&(struct trap_info){ .flags = 0xff })"),
    ("TI_GET_IF", "TI_GET_IF(&(struct trap_info){ .flags = 0xff })"),
];

/// Compiles and runs the C probe in `directory` and returns what it prints.
///
/// # Errors
/// No compiler, no headers, a C name that the headers do not have.
pub(super) fn answers(inventory: &Inventory, include: &Path, directory: &Path) -> Result<String> {
    ensure!(
        include.join("xen/xen.h").is_file(),
        "Xen's headers are not in {}: install libxen-dev (Debian, Ubuntu) or xen-devel (Fedora)",
        include.join("xen").display()
    );
    let source = directory.join("probe.c");
    std::fs::write(&source, program(inventory)).context("writing the C probe")?;
    let program = directory.join("probe");
    compile(&source, &program, include)?;
    let output = Command::new(&program).output().context("running the C probe")?;
    ensure!(output.status.success(), "the C probe ended with {}", output.status);
    String::from_utf8(output.stdout).context("the C probe's output")
}

/// Runs the C compiler, whose complaints name lines of the package's source.
fn compile(source: &Path, program: &Path, include: &Path) -> Result<()> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        .args([
            "-std=gnu11",
            "-w",
            "-fno-diagnostics-show-caret",
            "-ftrack-macro-expansion=0",
            "-I",
        ])
        .args([include, "-o".as_ref(), program, source])
        .env("LC_ALL", "C")
        .output()
        .with_context(|| {
            format!(
                "no C compiler ({}): install gcc and libc6-dev (Debian, Ubuntu) or gcc (Fedora)",
                compiler.display()
            )
        })?;
    if !output.status.success() {
        let complaints = String::from_utf8_lossy(&output.stderr);
        let mut errors: Vec<&str> =
            complaints.lines().filter(|line| line.contains("error:")).collect();
        errors.dedup();
        bail!(
            "the C probe does not compile; an item may lack its alias, or {} may not be Xen \
             4.17's:\n{}",
            include.join("xen").display(),
            if errors.is_empty() { complaints.into_owned() } else { errors.join("\n") }
        );
    }
    Ok(())
}

/// Writes the program.
fn program(inventory: &Inventory) -> String {
    let mut text = format!("#define __XEN_INTERFACE_VERSION__ {INTERFACE_VERSION}\n");
    text.push_str("#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n");
    text.push_str("#include <string.h>\n#include <xen/xen.h>\n");
    for header in &inventory.headers {
        writeln!(text, "#include <{header}>").expect("a string takes everything");
    }
    text.push_str(PROLOGUE);
    let (mut outside, mut inside) = (String::new(), String::new());
    for (number, question) in inventory.questions.iter().enumerate() {
        let line = format!("#line {} \"{}\"\n", question.location.line, question.location.file);
        inside.push_str(&line);
        inside.push_str(&statement(number, question));
        inside.push('\n');
        if let Subject::Bytes { c, .. } = &question.subject {
            writeln!(outside, "{line}BYTES({number}, {c})").expect("a string takes everything");
        }
    }
    format!("{text}{outside}int main(void)\n{{\n{inside}return 0;\n}}\n")
}

/// Writes the statement that answers one question.
fn statement(number: usize, question: &Question) -> String {
    match &question.subject {
        Subject::Number { c, .. } => {
            let spelled_out = SPELLED_OUT.iter().find(|(name, _)| name == c);
            format!("NUMBER({number}, ({}));", spelled_out.map_or(c.as_str(), |(_, c)| c))
        }
        Subject::Bytes { length, .. } => format!("PRINT_BYTES({number}, {length});"),
        Subject::Size { c, .. } => format!("SIZE({number}, {c});"),
        Subject::Offset(Field { c_owner, c_name, .. }) => {
            format!("OFFSET({number}, {c_owner}, {c_name});")
        }
        Subject::Extent { field: Field { c_owner, c_name, .. }, .. } => {
            format!("EXTENT({number}, {c_owner}, {c_name});")
        }
        Subject::Padding { c, named, .. } => {
            let cover: Vec<String> =
                named.iter().map(|name| format!("COVER({c}, {name})")).collect();
            format!("PADDING({number}, {c}, {});", cover.join("; "))
        }
    }
}
