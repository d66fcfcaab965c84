//! The records in a linked program.

use anyhow::{Context, Result, ensure};
use elf::ElfBytes;
use elf::endian::LittleEndian;
use xenolith_guest::pvops::{Function, Site};
use zerocopy::FromBytes;

/// The section that holds all of them.
const SECTION: &str = ".pvops";

/// The records of a program.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    /// Where operations are executed.
    pub(crate) sites: Vec<Site>,
    /// What the table holds, in each world.
    pub(crate) functions: Vec<Function>,
}

impl Records {
    /// Reads them from an ELF file with symbols.
    ///
    /// # Errors
    /// The file is broken, or lacks them.
    pub(crate) fn of_file(file: &[u8]) -> Result<Self> {
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
        Ok(Self { sites: list(&elf, "sites")?, functions: list(&elf, "functions")? })
    }
}

/// The records between the two symbols that link.ld makes.
fn list<T: FromBytes>(elf: &ElfBytes<'_, LittleEndian>, name: &str) -> Result<Vec<T>> {
    let section = elf.section_header_by_name(SECTION)?.context("no records of operations")?;
    let bytes = elf.section_data(&section)?.0;
    let offset = |end| -> Result<usize> {
        let symbol = symbol(elf, &format!("pvops_{name}_{end}"))?;
        let offset = symbol.checked_sub(section.sh_addr).context("a bound is elsewhere")?;
        Ok(usize::try_from(offset)?)
    };
    let bytes = bytes.get(offset("start")?..offset("end")?).context("a bound is elsewhere")?;
    ensure!(bytes.len().is_multiple_of(size_of::<T>()), "the last of the {name} is cut short");
    let records = bytes.chunks_exact(size_of::<T>()).map(T::read_from_bytes);
    records.collect::<Result<_, _>>().ok().context("a record has another size")
}

/// The value of a symbol.
fn symbol(elf: &ElfBytes<'_, LittleEndian>, wanted: &str) -> Result<u64> {
    let (symbols, names) = elf.symbol_table()?.context("no symbols")?;
    for symbol in symbols {
        if names.get(symbol.st_name.try_into()?)? == wanted {
            return Ok(symbol.st_value);
        }
    }
    anyhow::bail!("no symbol {wanted}")
}
