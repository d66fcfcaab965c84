//! Constants and names of types in the inventory, and what an item must be to be compared.

use syn::{Attribute, Ident, ItemConst, ItemType, Visibility};

use super::walk::{Place, Walk};
use crate::abi::question::{Location, Question, Subject};
use crate::abi::source::{self, Shape};

impl Walk<'_> {
    /// Takes in a constant.
    pub(super) fn constant(&mut self, place: &Place, constant: &ItemConst) {
        let name = &constant.ident;
        for c in self.c_names(place, name, &constant.vis, &constant.attrs) {
            let rust = format!("{}{name}", place.module);
            match source::shape(&constant.ty) {
                Shape::Unsigned | Shape::Signed => {
                    self.ask(place, name, Subject::Number { rust, c });
                }
                Shape::Bytes(length) => self.ask(place, name, Subject::Bytes { rust, c, length }),
                Shape::Other => {
                    let what = format!("{name} is of a type that cannot be compared");
                    self.problem(place, source::line(name), &what);
                }
            }
        }
    }

    /// Takes in another name for a type.
    pub(super) fn type_alias(&mut self, place: &Place, alias: &ItemType) {
        for c in self.c_names(place, &alias.ident, &alias.vis, &alias.attrs) {
            let rust = format!("{}{}", place.module, alias.ident);
            self.ask(place, &alias.ident, Subject::Size { rust, c });
        }
    }

    /// The C names of an item: its aliases, or else its own name; none if it is not to be compared.
    pub(super) fn c_names(
        &mut self,
        place: &Place,
        name: &Ident,
        visibility: &Visibility,
        attributes: &[Attribute],
    ) -> Vec<String> {
        if !self.is_plain(place, name, visibility, attributes) {
            return Vec::new();
        }
        let path = format!("{}{name}", place.module);
        let mut aliases = source::aliases(attributes);
        if let Some(listed) = self.exempt.iter().find(|listed| listed.covers(&path)) {
            if !aliases.is_empty() {
                let what = format!("{name} is listed as without header, but has an alias");
                self.problem(place, source::line(name), &what);
            }
            self.found.without_header.push((path, listed.reason));
            return Vec::new();
        }
        if aliases.is_empty() {
            aliases.push(name.to_string());
        }
        // A number in place of a name would agree with itself.
        if let Some(alias) = aliases.iter().find(|alias| !alias.starts_with(is_start_of_c_name)) {
            let what = format!("{name} has the alias {alias:?}, which is no C name");
            self.problem(place, source::line(name), &what);
        }
        aliases
    }

    /// Whether an item is public and unconditional; it is a problem if not.
    pub(super) fn is_plain(
        &mut self,
        place: &Place,
        name: &Ident,
        visibility: &Visibility,
        attributes: &[Attribute],
    ) -> bool {
        let line = source::line(name);
        if attributes.iter().any(source::is_conditional) {
            self.problem(place, line, &format!("{name} is conditional"));
        } else if !matches!(visibility, Visibility::Public(_)) {
            self.problem(place, line, &format!("{name} is private"));
        } else {
            return true;
        }
        false
    }

    /// Adds a question.
    pub(super) fn ask(&mut self, place: &Place, name: &Ident, subject: Subject) {
        let location = Location { file: place.file.clone(), line: source::line(name) };
        self.found.questions.push(Question { location, subject });
    }
}

/// Whether a C name can start with the character.
fn is_start_of_c_name(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}
