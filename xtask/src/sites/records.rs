//! A linked program with the records of its sites.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use elf::ElfBytes;
use elf::abi::{PT_LOAD, STT_FUNC};
use elf::endian::LittleEndian;
use xenolith_guest::pvops::{
    Alternative, Fixup, Function, Op, Patcher, Site, Sources, Text, World,
};
use zerocopy::FromBytes;

/// The section that holds all records.
const SECTION: &str = ".pvops";

/// A part of the name of what holds the address of the vCPU's record.
const RECORDS: &str = "shared_info5place7RECORDS";

/// A program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Where operations are executed, by address.
    pub(crate) sites: Vec<Site>,
    /// What the table holds, in each world.
    pub(crate) functions: Vec<Function>,
    /// What sites can become.
    pub(super) alternatives: Vec<Alternative>,
    /// What depends on the place in alternatives.
    pub(super) fixups: Vec<Fixup>,
    /// Functions' addresses, sizes and names.
    symbols: BTreeMap<u64, (u64, String)>,
    /// Values of all symbols.
    values: BTreeMap<String, u64>,
    /// What is loaded, by address.
    segments: BTreeMap<u64, Vec<u8>>,
}

impl Program {
    /// Reads the ELF file at a path.
    ///
    /// # Errors
    /// As [`of_file`](Self::of_file).
    pub(crate) fn of_path(path: &Path) -> Result<Self> {
        let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::of_file(&file).with_context(|| format!("cannot find the sites of {}", path.display()))
    }

    /// Reads an ELF file with symbols.
    ///
    /// # Errors
    /// The file is broken, or lacks records.
    pub(crate) fn of_file(file: &[u8]) -> Result<Self> {
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
        let (symbols, values) = symbols(&elf)?;
        let list = Lists { elf: &elf, values: &values };
        let mut sites = list.of::<Site>("sites")?;
        sites.sort_by_key(|site| site.address);
        Ok(Self {
            sites,
            functions: list.of("functions")?,
            alternatives: list.of("alternatives")?,
            fixups: list.of("fixups")?,
            segments: segments(&elf)?,
            symbols,
            values,
        })
    }

    /// What each site becomes in a world, in the order of `sites`.
    ///
    /// # Errors
    /// The records make no sense.
    pub(crate) fn patched(&self, world: World) -> Result<Vec<Vec<u8>>> {
        let patcher = self.patcher(world, self.record()?)?;
        self.sites.iter().map(|site| contents(&patcher, site)).collect()
    }

    /// What one site becomes in a world, with the vCPU's record at an address.
    ///
    /// # Errors
    /// The records make no sense.
    pub(crate) fn patched_site(&self, site: &Site, world: World, record: u64) -> Result<Vec<u8>> {
        contents(&self.patcher(world, record)?, site)
    }

    fn patcher(&self, world: World, record: u64) -> Result<Patcher> {
        let sources = Sources { alternatives: &self.alternatives, fixups: &self.fixups };
        let read = |address, bytes: &mut [u8]| match self.bytes(address, bytes.len()) {
            Ok(found) => {
                bytes.copy_from_slice(found);
                true
            }
            Err(_) => false,
        };
        Ok(Patcher::new(world, sources, record, read)?)
    }

    /// The bytes of what sites of an operation become in a world, without padding.
    ///
    /// # Errors
    /// There is no such alternative.
    pub(crate) fn alternative_bytes(&self, op: Op, world: World) -> Result<usize> {
        let is_it = |it: &&Alternative| it.op() == Some(op) && it.is_of(world);
        let found = self.alternatives.iter().find(is_it);
        Ok(found.with_context(|| format!("no alternative of {}", op.name()))?.length.into())
    }

    /// Where the record of the first vCPU is.
    ///
    /// # Errors
    /// The program does not tell.
    pub(crate) fn record(&self) -> Result<u64> {
        let mut names = self.values.iter().filter(|(name, _)| name.contains(RECORDS));
        let place = names.next().context("no place for the records of vCPUs")?.1;
        Ok(u64::from_le_bytes(self.bytes(*place, 8)?.try_into()?))
    }

    /// The bytes at an address.
    ///
    /// # Errors
    /// They are not in the file.
    pub(crate) fn bytes(&self, address: u64, length: usize) -> Result<&[u8]> {
        let outside = || format!("{length} bytes at {address:#x} are not in the program");
        let segment = self.segments.range(..=address).next_back().with_context(outside)?;
        let offset = usize::try_from(address - segment.0)?;
        segment.1.get(offset..).and_then(|it| it.get(..length)).with_context(outside)
    }

    /// The function that an address is in: its address, size and name.
    pub(crate) fn function_at(&self, address: u64) -> Option<(u64, u64, &str)> {
        let (start, (size, name)) = self.symbols.range(..=address).next_back()?;
        (address < start + size).then_some((*start, *size, name.as_str()))
    }

    /// Whether an address is in the section of entry code.
    pub(crate) fn is_entry_code(&self, address: u64) -> bool {
        let value = |name| self.values.get(name).copied().unwrap_or(0);
        (value("noinstr_text_start")..value("noinstr_text_end")).contains(&address)
    }
}

/// What a site becomes.
fn contents(patcher: &Patcher, site: &Site) -> Result<Vec<u8>> {
    let mut text = SiteText { address: site.address, bytes: vec![0; site.length.into()] };
    patcher.patch(&[*site], &mut text)?;
    Ok(text.bytes)
}

/// The text of one site.
struct SiteText {
    address: u64,
    bytes: Vec<u8>,
}

impl SiteText {
    /// Writes inside the site; anything else is a fault of who patches.
    fn put(&mut self, address: u64, bytes: &[u8]) {
        let offset = usize::try_from(address - self.address).expect("a site is short");
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

impl Text for SiteText {
    fn put_word(&mut self, address: u64, word: u64) {
        self.put(address, &word.to_le_bytes());
    }

    fn put_distance(&mut self, address: u64, distance: u32) {
        self.put(address, &distance.to_le_bytes());
    }
}

/// Functions, and values of all symbols.
type Symbols = (BTreeMap<u64, (u64, String)>, BTreeMap<String, u64>);

fn symbols(elf: &ElfBytes<'_, LittleEndian>) -> Result<Symbols> {
    let (table, names) = elf.symbol_table()?.context("no symbols")?;
    let (mut functions, mut values) = (BTreeMap::new(), BTreeMap::new());
    for symbol in table {
        let name = names.get(symbol.st_name.try_into()?)?.to_owned();
        if symbol.st_symtype() == STT_FUNC {
            functions.insert(symbol.st_value, (symbol.st_size, name.clone()));
        }
        values.insert(name, symbol.st_value);
    }
    Ok((functions, values))
}

fn segments(elf: &ElfBytes<'_, LittleEndian>) -> Result<BTreeMap<u64, Vec<u8>>> {
    let headers = elf.segments().context("no segments")?;
    let loaded = headers.iter().filter(|it| it.p_type == PT_LOAD);
    loaded.map(|it| Ok((it.p_vaddr, elf.segment_data(&it)?.to_vec()))).collect()
}

/// The lists of records in a file.
struct Lists<'a> {
    elf: &'a ElfBytes<'a, LittleEndian>,
    values: &'a BTreeMap<String, u64>,
}

impl Lists<'_> {
    /// The records between the two symbols that link.ld makes.
    fn of<T: FromBytes>(&self, name: &str) -> Result<Vec<T>> {
        let section =
            self.elf.section_header_by_name(SECTION)?.context("no records of operations")?;
        let bytes = self.elf.section_data(&section)?.0;
        let bounds = self.bound(name, "start", section.sh_addr)?
            ..self.bound(name, "end", section.sh_addr)?;
        let bytes = bytes.get(bounds).context("a bound is elsewhere")?;
        ensure!(bytes.len().is_multiple_of(size_of::<T>()), "the last of the {name} is cut short");
        let records = bytes.chunks_exact(size_of::<T>()).map(T::read_from_bytes);
        records.collect::<Result<_, _>>().ok().context("a record has another size")
    }

    /// The offset of a symbol in the section.
    fn bound(&self, name: &str, end: &str, section: u64) -> Result<usize> {
        let symbol = format!("pvops_{name}_{end}");
        let value = self.values.get(&symbol).with_context(|| format!("no symbol {symbol}"))?;
        Ok(usize::try_from(value.checked_sub(section).context("a bound is elsewhere")?)?)
    }
}
