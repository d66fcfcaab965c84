use proptest::prelude::*;
use xenolith_abi::elfnote;
use xenolith_abi::start_info::StartInfo;
use zerocopy::FromBytes;

use super::image_error::ImageError;
use super::layout_error::{LayoutError, Part};
use super::test_image::{START, TestImage, VIRT_BASE};
use super::test_memory::{STALE, TestMemory, Walk, frame_of};
use super::*;

fn stub(number: u32) -> [u8; 32] {
    let mut code = [0xf4; 32];
    code[..4].copy_from_slice(&number.to_le_bytes());
    code
}

fn parameters(memory_pages: u64) -> BuildParameters {
    BuildParameters {
        memory_pages,
        shared_info: Gpa((memory_pages + 7) * PAGE_SIZE),
        console_port: 2,
        store_port: 1,
        hypervisor_entries: [0x1003; 16],
        hypercall_stub: stub,
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("small")
}

struct Domain {
    memory: TestMemory,
    state: InitialState,
}

fn built(
    image: &TestImage,
    ramdisk: Option<&[u8]>,
    memory_pages: u64,
) -> Result<Domain, BuildError> {
    let parameters = parameters(memory_pages);
    let mut memory = TestMemory::new(memory_pages, parameters.shared_info);
    let state = build(&image.build(), ramdisk, b"a=b", &parameters, &mut memory);
    if state.is_err() {
        assert_eq!(memory.calls, 0, "an error comes before the first write");
    }
    Ok(Domain { memory, state: state? })
}

impl Domain {
    fn start_info(&self) -> StartInfo {
        let page = self.page(self.state.layout.start_info);
        let (info, rest) = StartInfo::read_from_prefix(&page).expect("a page is larger");
        assert!(rest.iter().all(|byte| *byte == 0));
        info
    }

    fn page(&self, frame: Gfn) -> Vec<u8> {
        self.memory.read(frame_address(frame), PAGE_SIZE)
    }

    /// Reads the memory as the kernel would, through its page tables.
    fn read_virtual(&self, walk: &Walk, address: u64, pages: u64) -> Vec<u8> {
        let first = (address & 0xffff_ffff_ffff) / PAGE_SIZE;
        (first..first + pages).flat_map(|page| self.page(frame_of(walk.pages[&page]))).collect()
    }

    /// Checks everything that a kernel may rely on, for an image without a hypercall page.
    fn verify(&self, image: &TestImage, ramdisk: &[u8]) {
        let Self { memory, state } = self;
        let walk = Walk::from(memory, state.cr3);
        let info = self.start_info();
        assert_eq!(self.read_virtual(&walk, state.rsi.0, 1), self.page(state.layout.start_info));
        assert_eq!(info.pt_base, state.rsp.0 - (info.nr_pt_frames + 1) * PAGE_SIZE);
        assert_eq!(self.read_virtual(&walk, state.rsp.0 - PAGE_SIZE, 1), [0; 4096]);
        assert_eq!(self.page(Gfn(info.store_mfn)), [0; 4096]);
        assert_eq!(self.page(Gfn(info.console_mfn)), [0; 4096]);
        self.verify_kernel(image);
        self.verify_list(&walk, &info);
        self.verify_ramdisk(&walk, &info, ramdisk);
        let shared = memory.read(Gpa(info.shared_info), PAGE_SIZE);
        for (offset, byte) in shared.iter().enumerate() {
            let is_mask = offset < 32 * 64 && offset % 64 == 1;
            assert_eq!(*byte, u8::from(is_mask), "shared info, byte {offset}");
        }
    }

    fn verify_kernel(&self, image: &TestImage) {
        let kernel = self.state.layout.image.kernel;
        let mut wanted = vec![0; usize::try_from(kernel.bytes()).expect("small")];
        for segment in &image.segments {
            let start = usize::try_from(segment.paddr - kernel.gpa().0).expect("small");
            wanted[start..start + segment.data.len()].copy_from_slice(&segment.data);
        }
        assert!(self.memory.read(kernel.gpa(), kernel.bytes()) == wanted, "the kernel's bytes");
    }

    fn verify_list(&self, walk: &Walk, info: &StartInfo) {
        let list = self.read_virtual(walk, info.mfn_list, info.nr_pages.div_ceil(512));
        let words = list.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight")));
        for (index, word) in (0..).zip(words) {
            assert_eq!(word, if index < info.nr_pages { index } else { 0 });
        }
    }

    fn verify_ramdisk(&self, walk: &Walk, info: &StartInfo, ramdisk: &[u8]) {
        let pages = length(ramdisk).div_ceil(PAGE_SIZE);
        assert_eq!(info.mod_len, pages * PAGE_SIZE);
        if pages == 0 {
            assert_eq!((info.mod_start, info.flags), (0, 0));
            return;
        }
        let bytes = match info.flags {
            0 => self.read_virtual(walk, info.mod_start, pages),
            8 => self.memory.read(Gpa(info.mod_start * PAGE_SIZE), info.mod_len),
            flags => panic!("flags {flags:#x}"),
        };
        let (contents, rest) = bytes.split_at(ramdisk.len());
        assert!(contents == ramdisk, "the ramdisk's bytes");
        assert!(rest.iter().all(|byte| *byte == 0));
    }
}

#[test]
fn smallest_kernel() {
    let image = TestImage::new();
    let domain = built(&image, None, 0x400).expect("it fits");
    domain.verify(&image, b"");
    let state = domain.state;
    assert_eq!(state.rip, Gva(VIRT_BASE + START));
    // 2 pages of kernel, 2 of the list, start_info and rings, 5 tables, stack.
    assert_eq!(state.rsi, Gva(VIRT_BASE + 0x10_4000));
    assert_eq!(state.cr3, Gpa(0x10_7000));
    assert_eq!(state.rsp, Gva(VIRT_BASE + 0x10_d000));
    assert_eq!(&domain.start_info().cmd_line[..4], b"a=b\0");
}

#[test]
fn kernel_like_linux() {
    let image = TestImage::like_linux().without(elfnote::HYPERCALL_PAGE);
    let ramdisk: Vec<u8> = (0..10_000_u32).map(|index| index.to_le_bytes()[0] ^ 0x5a).collect();
    let domain = built(&image, Some(&ramdisk), 0x4000).expect("it fits");
    domain.verify(&image, &ramdisk);
    assert!(domain.state.layout.p2m.mapping.is_some());
    assert_eq!(domain.start_info().flags, 8);
    assert!(!domain.memory.is_written(Gfn(0)), "free memory stays as it was");
    assert!(!domain.memory.is_written(Gfn(domain.state.layout.initial_mapping.frames.count - 1)));
}

#[test]
fn hypercall_page_has_a_stub_for_each_number() {
    let image = TestImage::like_mini_os();
    let domain = built(&image, None, 0x1000).expect("it fits");
    let page = domain.memory.read(Gpa(0x2000), PAGE_SIZE);
    for (number, code) in (0..128).zip(page.chunks(32)) {
        assert_eq!(code, stub(number));
    }
    assert_eq!(domain.memory.read(Gpa(0x1fff), 1), [0x90]);
    assert_eq!(domain.memory.read(Gpa(0x3000), 2), [0x90, 0]);
}

#[test]
fn empty_ramdisk_is_none() {
    let image = TestImage::new();
    built(&image, Some(b""), 0x400).expect("it fits").verify(&image, b"");
}

#[test]
fn few_calls() {
    let image = TestImage::like_linux();
    let domain = built(&image, Some(&[1; 10_000]), 0x4000).expect("it fits");
    assert!(domain.memory.calls < 250, "{}", domain.memory.calls);
}

#[test]
fn errors_of_every_kind() {
    let file = TestImage::new().build();
    let attempt = |file: &[u8], command_line: &[u8], parameters: &BuildParameters| {
        let mut memory = TestMemory::new(parameters.memory_pages, parameters.shared_info);
        let result = build(file, None, command_line, parameters, &mut memory);
        assert_eq!(result.is_err(), memory.calls == 0);
        result.err()
    };
    let good = parameters(0x400);
    assert_eq!(attempt(&file, b"", &good), None);
    assert_eq!(attempt(b"?", b"", &good), Some(BuildError::Image(ImageError::NotElf)));
    let small = attempt(&file, b"", &parameters(0x101));
    let error =
        LayoutError::NoRoom { part: Part::Kernel, needed_pages: 0x102, memory_pages: 0x101 };
    assert_eq!(small, Some(BuildError::Layout(error)));
    assert_eq!(
        error.to_string(),
        "the guest's kernel image does not fit into its memory: at least 2 MiB needed, 1 MiB \
         given (see the option memory=)"
    );
    assert_eq!(attempt(&file, &[b'x'; 1023], &good), None);
    assert_eq!(attempt(&file, &[b'x'; 1024], &good), Some(BuildError::CommandLine { bytes: 1024 }));
    for page in [Gpa(0), Gpa(0x3f_f000), Gpa(0x40_0800)] {
        let parameters = BuildParameters { shared_info: page, ..good };
        assert_eq!(attempt(&file, b"", &parameters), Some(BuildError::SharedInfo { page }));
    }
    let parameters = BuildParameters { shared_info: Gpa(0x40_0000), ..good };
    assert_eq!(attempt(&file, b"", &parameters), None);
}

/// The memory under test is not zero to begin with, or the checks for zeros would check nothing.
#[test]
fn memory_is_stale_at_first() {
    let memory = TestMemory::new(1, Gpa(0));
    assert_eq!(memory.read(Gpa(0), 4), [STALE; 4]);
}

prop_compose! {
    /// Kernels of up to four segments anywhere, with and without each optional note.
    fn images()(
        pieces in prop::collection::vec((0_u64..0x2345, 0_usize..0x1800, 0_u64..0x3000), 1..5),
        first_page in 0_u64..0x200,
        virt_base in prop_oneof![
            Just(0), Just(VIRT_BASE), Just(0x1_2345_6000), Just(0xffff_8800_0000_0000),
        ],
        p2m in prop_oneof![Just(None), Just(Some(0x80_0000_0000_u64)), Just(Some(VIRT_BASE - 0x10_0000))],
        unmapped in prop::option::of(0_u64..2),
        in_header in any::<bool>(),
    ) -> TestImage {
        let mut image = TestImage::new().without(elfnote::VIRT_BASE);
        image.segments.clear();
        let mut address = first_page * PAGE_SIZE;
        let entry = virt_base + address;
        for (fill, (gap, data, zeros)) in (1_u8..).zip(pieces) {
            let start = if image.segments.is_empty() { address } else { address + gap };
            let data = vec![fill; data];
            let size = length(&data) + zeros + 1;
            image = image.segment(start, &data, size);
            address = start + size;
        }
        if virt_base != 0 {
            image = image.number(elfnote::VIRT_BASE, virt_base);
        }
        for (kind, value) in [(elfnote::INIT_P2M, p2m), (elfnote::MOD_START_PFN, unmapped)] {
            if let Some(value) = value {
                image = image.number(kind, value);
            }
        }
        if in_header {
            image.entry = entry;
            image
        } else {
            image.number(elfnote::ENTRY, entry)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_kernel_finds_what_it_may_rely_on(
        image in images(),
        ramdisk in prop::option::of(prop::collection::vec(any::<u8>(), 0..20_000)),
        memory_pages in 0xc00_u64..0x1100,
    ) {
        let domain = built(&image, ramdisk.as_deref(), memory_pages).expect("it fits");
        domain.verify(&image, &ramdisk.unwrap_or_default());
    }

    #[test]
    fn any_damaged_kernel_is_built_or_refused(
        image in images(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = image.build();
        for (index, byte) in damage {
            let headers = file.len().min(700);
            *index.get_mut(&mut file[..headers]) = byte;
        }
        let parameters = parameters(0x1000);
        let mut memory = TestMemory::new(0x1000, parameters.shared_info);
        if let Ok(state) = build(&file, Some(b"disk"), b"", &parameters, &mut memory) {
            let walk = Walk::from(&memory, state.cr3);
            let rip = (state.rip.0 & 0xffff_ffff_ffff) / PAGE_SIZE;
            prop_assert!(state.layout.image.kernel.contains(frame_of(walk.pages[&rip])));
        }
    }
}

#[test]
fn a_kernel_that_knows_of_ring_0_says_so() {
    const LIST: &str = "!hvm_callback_vector|supervisor_mode_kernel";
    for (image, knows) in [
        (TestImage::new(), false),
        (TestImage::like_linux(), false),
        (TestImage::new().text(elfnote::FEATURES, LIST), true),
        (TestImage::new().number(elfnote::SUPPORTED_FEATURES, 1 << 3), true),
        (TestImage::new().number(elfnote::SUPPORTED_FEATURES, 0x8801), false),
    ] {
        let domain = built(&image, None, 0x4000).expect("there is room");
        assert_eq!(domain.state.supervisor_mode_kernel, knows);
    }
}
