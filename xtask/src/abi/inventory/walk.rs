//! The way through the package's modules, file by file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::spanned::Spanned as _;
use syn::{Item, ItemMod};

use super::Inventory;
use crate::abi::source;
use crate::abi::without_header::WithoutHeader;

/// A walk over the package's source.
pub(super) struct Walk<'a> {
    /// The directory of `lib.rs`.
    sources: &'a Path,
    /// The items for which there is no header.
    pub(super) exempt: &'a [WithoutHeader],
    /// What was found so far.
    pub(super) found: Inventory,
}

/// The module that is being read.
pub(super) struct Place {
    /// The modules on the way, each with `::` behind it.
    pub(super) module: String,
    /// The file, as messages name it.
    pub(super) file: String,
    /// The directory of the module's children.
    children: PathBuf,
}

impl<'a> Walk<'a> {
    /// Reads every module from `lib.rs` in `sources` on.
    pub(super) fn over(sources: &'a Path, exempt: &'a [WithoutHeader]) -> Result<Inventory> {
        let mut walk = Self { sources, exempt, found: Inventory::default() };
        walk.file(&sources.join("lib.rs"), String::new(), sources.to_owned())?;
        Ok(walk.found)
    }

    /// Reads one file, which is a module.
    fn file(&mut self, path: &Path, module: String, children: PathBuf) -> Result<()> {
        let file = path.strip_prefix(self.sources).unwrap_or(path).display();
        let file = format!("abi/src/{file}");
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {file}"))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("parsing {file}"))?;
        let place = Place { module, file, children };
        let headers = source::headers(&source::documentation(&parsed.attrs));
        if parsed.attrs.iter().any(source::is_conditional) {
            self.problem(&place, 1, "the module is conditional");
        }
        let before = self.found.questions.len();
        self.items(&place, &parsed.items)?;
        if headers.is_empty() && self.found.questions.len() > before && !place.module.is_empty() {
            self.problem(&place, 1, "the module's documentation names no header as its source");
        }
        self.found.headers.extend(headers);
        Ok(())
    }

    /// Reads the items of a module.
    fn items(&mut self, place: &Place, items: &[Item]) -> Result<()> {
        for item in items {
            match item {
                Item::Use(_) => {}
                Item::Const(constant) if constant.ident == "_" => {}
                Item::Const(constant) => self.constant(place, constant),
                Item::Struct(structure) => self.structure(place, structure),
                Item::Type(alias) => self.type_alias(place, alias),
                Item::Mod(module) => self.module(place, module)?,
                other => {
                    let line = other.span().start().line;
                    self.problem(place, line, "an item of a kind that cannot be compared");
                }
            }
        }
        Ok(())
    }

    /// Reads a module that stands in a file of its own.
    fn module(&mut self, place: &Place, module: &ItemMod) -> Result<()> {
        let name = &module.ident;
        if !self.is_plain(place, name, &module.vis, &module.attrs) {
            return Ok(());
        }
        if module.content.is_some() {
            self.problem(place, source::line(name), "a module within the file");
            return Ok(());
        }
        let directory = place.children.join(name.to_string());
        let beside = place.children.join(format!("{name}.rs"));
        let file = if beside.is_file() { beside } else { directory.join("mod.rs") };
        self.file(&file, format!("{}{name}::", place.module), directory)
    }

    /// Adds a problem.
    pub(super) fn problem(&mut self, place: &Place, line: usize, what: &str) {
        self.found.problems.push(format!("{}:{line}: {what}", place.file));
    }
}
