//! The Rust side: a program that is built against the package and answers the questions from it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Probe;
use super::inventory::Inventory;
use super::question::{Field, Question, Subject};

/// What the generated program starts with.
const PROLOGUE: &str = "\
use core::mem::{offset_of, size_of};

/// The size of what a reference to a field points to.
const fn size_behind<S, T>(_: fn(&S) -> &T) -> usize {
    size_of::<T>()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!(\"{byte:02x}\")).collect()
}

fn main() {
";

/// Builds and runs the Rust probe in `directory` and returns what it prints.
///
/// # Errors
/// The package does not compile.
pub(super) fn answers(inventory: &Inventory, probe: &Probe, directory: &Path) -> Result<String> {
    let directory = directory.join("abi-values");
    std::fs::create_dir_all(directory.join("src")).context("making room for the Rust probe")?;
    let package = probe.package.canonicalize().context("finding the abi package")?;
    let manifest = directory.join("Cargo.toml");
    let package = package.to_str().context("the abi package's path is not Unicode")?;
    std::fs::write(&manifest, manifest_text(package)).context("writing the probe's manifest")?;
    std::fs::write(directory.join("src/main.rs"), program(inventory))
        .context("writing the Rust probe")?;
    std::fs::copy(&probe.lock_file, directory.join("Cargo.lock"))
        .with_context(|| format!("copying {}", probe.lock_file.display()))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&probe.target)
        .output()
        .context("running cargo for the Rust probe")?;
    ensure!(
        output.status.success(),
        "the Rust probe cannot be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("the Rust probe's output")
}

/// Writes the manifest of a workspace of one package.
fn manifest_text(package: &str) -> String {
    format!(
        "[package]\nname = \"abi-values\"\nedition = \"2024\"\n\n[dependencies]\n\
         xenolith-abi = {{ path = {package:?} }}\n\n[workspace]\n"
    )
}

/// Writes the program.
fn program(inventory: &Inventory) -> String {
    let mut text = PROLOGUE.to_owned();
    for (number, question) in inventory.questions.iter().enumerate() {
        writeln!(text, "    println!(\"{number} {{}}\", {});", answer(question))
            .expect("a string takes everything");
    }
    text.push_str("}\n");
    text
}

/// Writes the expression that answers one question.
fn answer(question: &Question) -> String {
    match &question.subject {
        Subject::Number { rust, .. } => format!("xenolith_abi::{rust}"),
        Subject::Bytes { rust, .. } => format!("hexadecimal(&xenolith_abi::{rust})"),
        Subject::Size { rust, .. } => format!("size_of::<xenolith_abi::{rust}>()"),
        Subject::Offset(Field { owner, name, .. }) => offset(owner, name),
        Subject::Extent { field: Field { owner, name, .. }, signed } => {
            let sign = if *signed { " signed" } else { "" };
            format!("format_args!(\"{{}}{sign}\", {})", size(owner, name))
        }
        Subject::Padding { rust, padding, .. } => {
            let ranges: Vec<String> = padding.iter().map(|field| range(rust, field)).collect();
            format!("format_args!(\"[{{}}]\", <[String]>::join(&[{}], \" \"))", ranges.join(", "))
        }
    }
}

/// Writes the expression for a field's offset.
fn offset(rust: &str, field: &str) -> String {
    format!("offset_of!(xenolith_abi::{rust}, {field})")
}

/// Writes the expression for a field's size.
fn size(rust: &str, field: &str) -> String {
    format!("size_behind(|value: &xenolith_abi::{rust}| &value.{field})")
}

/// Writes the expression for a field's bytes, first and end.
fn range(rust: &str, field: &str) -> String {
    let (offset, size) = (offset(rust, field), size(rust, field));
    format!("format!(\"{{}}..{{}}\", {offset}, {offset} + {size})")
}
