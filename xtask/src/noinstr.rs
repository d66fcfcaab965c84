//! The check that entry code of guest kernels calls nothing outside its section, but between the
//! points where it says that ordinary code may run (`guest-kernel/src/instrumentation.rs`).
//!
//! It looks at the linked program, because what a compiler inlines, outlines or panics with shows
//! nowhere else. A program that breaks the rule on purpose shows that the check finds it.

mod binary;
mod walk;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use xenolith_guest::pvops::World;

use crate::build::{self, PAIRED_KERNEL, Profile, programs_of};
use crate::sites::records::Program;
use crate::workspace::Workspace;
use binary::EntryCode;

/// The scenario whose kernel breaks the rule, and the function that does.
const PLANTED: (&str, &str) = ("checker-noinstr", "planted_violation");

/// The fewest functions that entry code has; fewer means that they were not found.
const FUNCTIONS: usize = 10;

/// Builds both kernels and checks that one is clean and the other is not.
///
/// # Errors
/// A tool fails, or a kernel is not as it should be.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    build::single(PAIRED_KERNEL, workspace)?;
    let (code, mut violations) = check(&workspace.program("paired-kernel"))?;
    for world in World::ALL {
        let patched = patched(&workspace.program("paired-kernel"), &code, world)?;
        let found = walk::violations(&patched);
        violations.extend(found.into_iter().map(|it| format!("patched, {world:?}: {it}")));
    }
    if !violations.is_empty() {
        bail!("entry code of the paired kernel\n{}", violations.join("\n"));
    }
    ensure!(code.functions.len() >= FUNCTIONS, "only {} functions found", code.functions.len());
    build::single(programs_of(&[PLANTED.0], Profile::Release), workspace)?;
    let (_, violations) = check(&workspace.program(PLANTED.0))?;
    let is_planted = |it: &String| it.contains(PLANTED.1);
    ensure!(violations.iter().any(is_planted), "the planted violation was not found");
    ensure!(violations.iter().all(is_planted), "not planted:\n{}", violations.join("\n"));
    let (functions, points) = (code.functions.len(), code.points.len());
    let planted = violations.len();
    Ok(format!("{functions} functions, {points} points; {planted} planted violations found"))
}

/// The same entry code with its sites of operations patched for a world.
fn patched(program: &Path, code: &EntryCode, world: World) -> Result<EntryCode> {
    let program = Program::of_path(program)?;
    let mut code = code.clone();
    code.sites.clear();
    for (site, bytes) in program.sites.iter().zip(program.patched(world)?) {
        if let Some(offset) = code.offset(site.address) {
            let place = code.bytes.get_mut(offset..offset + bytes.len());
            place.context("a site ends outside of entry code")?.copy_from_slice(&bytes);
        }
    }
    Ok(code)
}

/// The entry code of a program, and what is wrong with it.
fn check(program: &Path) -> Result<(EntryCode, Vec<String>)> {
    let file = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let code = EntryCode::of_file(&file)
        .with_context(|| format!("cannot find the entry code of {}", program.display()))?;
    let violations = walk::violations(&code);
    Ok((code, violations))
}
