//! The entry code of a linked program: its bytes, its functions and its marked points.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use elf::ElfBytes;
use elf::abi::STT_FUNC;
use elf::endian::LittleEndian;
use xenolith_guest::pvops::Site;

use crate::sites::records::Program;

/// What link.ld calls the bounds.
const START: &str = "noinstr_text_start";
const END: &str = "noinstr_text_end";
/// Holds an address and 1 or 0 for each point.
const POINTS: &str = ".noinstr.points";

/// Entry code.
#[derive(Clone, Debug)]
pub(crate) struct EntryCode {
    /// The address of the first byte.
    pub(crate) start: u64,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// The functions by their addresses.
    pub(crate) functions: BTreeMap<u64, String>,
    /// Points by their addresses: whether ordinary code may run from there on.
    pub(crate) points: BTreeMap<u64, bool>,
    /// Sites of operations, by their addresses: the functions that one may get to.
    pub(crate) sites: BTreeMap<u64, Vec<u64>>,
}

impl EntryCode {
    /// Reads it from an ELF file with symbols.
    ///
    /// # Errors
    /// The file is broken, or lacks bounds, points or symbols.
    pub(crate) fn of_file(file: &[u8]) -> Result<Self> {
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
        let (symbols, names) = elf.symbol_table()?.context("no symbols")?;
        let (mut bounds, mut functions) = (BTreeMap::new(), BTreeMap::new());
        for symbol in symbols {
            let name = names.get(symbol.st_name.try_into()?)?;
            if name == START || name == END {
                bounds.insert(name, symbol.st_value);
            } else if symbol.st_symtype() == STT_FUNC {
                functions.insert(symbol.st_value, name.to_owned());
            }
        }
        let start = *bounds.get(START).context("no start")?;
        let end = *bounds.get(END).context("no end")?;
        functions.retain(|address, _| (start..end).contains(address));
        let bytes = contents(&elf, start, end)?;
        let section = elf.section_header_by_name(POINTS)?.context("no points")?;
        let points = points(elf.section_data(&section)?.0)?;
        let sites = sites(&Program::of_file(file)?)?;
        Ok(Self { start, bytes, functions, points, sites })
    }

    /// Whether an address is in it.
    pub(crate) fn contains(&self, address: u64) -> bool {
        self.offset(address).is_some()
    }

    /// Where the bytes at an address are.
    pub(crate) fn offset(&self, address: u64) -> Option<usize> {
        let offset = usize::try_from(address.checked_sub(self.start)?).ok()?;
        (offset < self.bytes.len()).then_some(offset)
    }

    /// An address in words: the function that it is in.
    pub(crate) fn describe(&self, address: u64) -> String {
        match self.functions.range(..=address).next_back() {
            Some((start, name)) => format!("{address:#x}, {name}+{:#x}", address - start),
            None => format!("{address:#x}"),
        }
    }
}

/// What each site may call or jump to: any world's function of its operation.
fn sites(records: &Program) -> Result<BTreeMap<u64, Vec<u64>>> {
    let functions = |op| records.functions.iter().filter(move |it| it.op() == op);
    let target = |site: &Site| {
        ensure!(site.op().is_some(), "the site at {:#x} has no operation", site.address);
        Ok((site.address, functions(site.op()).map(|it| it.address).collect()))
    };
    records.sites.iter().map(target).collect()
}

/// The bytes from `start` to `end`, from the segment that holds them.
fn contents(elf: &ElfBytes<'_, LittleEndian>, start: u64, end: u64) -> Result<Vec<u8>> {
    let segments = elf.segments().context("no segments")?;
    let segment = segments
        .iter()
        .find(|it| it.p_vaddr <= start && end <= it.p_vaddr.saturating_add(it.p_filesz))
        .context("no segment holds it")?;
    let bytes = elf.segment_data(&segment)?;
    let offset = usize::try_from(start - segment.p_vaddr)?;
    let length = usize::try_from(end.checked_sub(start).context("it ends before it starts")?)?;
    let bytes = bytes.get(offset..offset + length).context("the segment is cut short")?;
    Ok(bytes.to_vec())
}

/// Reads the list of points.
fn points(bytes: &[u8]) -> Result<BTreeMap<u64, bool>> {
    let (words, rest) = bytes.as_chunks::<8>();
    let words: Vec<_> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let (pairs, half) = words.as_chunks::<2>();
    ensure!(rest.is_empty() && half.is_empty(), "the points are not in pairs");
    ensure!(pairs.iter().all(|[_, allowed]| *allowed <= 1), "a point is neither start nor end");
    Ok(pairs.iter().map(|&[address, allowed]| (address, allowed == 1)).collect())
}
