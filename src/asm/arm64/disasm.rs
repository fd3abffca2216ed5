//! Instructions of ARM64 as text.

use crate::asm::disasm::Names;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand};

/// The name of a general register.
pub fn register(number: u8) -> &'static str {
    #[rustfmt::skip]
    const NAMES: [&str; 32] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",
    ];
    NAMES[usize::from(number) % 32]
}

/// Addresses that branches in `code` lead to.
pub fn targets(code: &[u8], address: u64) -> Vec<u64> {
    decode(code, address).into_iter().filter_map(|(at, _, instruction)| target(at, &instruction?)).collect()
}

/// The bytes of the first instruction, behind which its successor stands.
pub fn first(code: &[u8]) -> Option<u32> {
    /// Of all branches, and of what the system is asked for.
    const BRANCHES: u32 = 0b101;
    let word = u32::from_le_bytes(*code.first_chunk()?);
    (word >> 26 & 7 != BRANCHES).then_some(4)
}

/// Each instruction with its offset.
pub fn instructions(code: &[u8], address: u64, names: Names<'_>) -> Vec<(u32, String)> {
    let mut page = None;
    decode(code, address)
        .into_iter()
        .map(|(at, word, instruction)| {
            let Some(instruction) = instruction else { return ((at - address) as u32, format!(".word {word:#010x}")) };
            let text = match target(at, &instruction).map(|target| (target, names(target))) {
                Some((target, name)) => with_target(&instruction, &name.unwrap_or_else(|| format!("{target:#x}"))),
                None => match in_page(&mut page, at, word, &instruction) {
                    Some(Place::Page) => format!("adrp x{}", word & 31),
                    Some(Place::Address(target)) => {
                        let name = names(target).unwrap_or_else(|| format!("{target:#x}"));
                        with_low_bits(&instruction, &name)
                    }
                    None => instruction.to_string(),
                },
            };
            ((at - address) as u32, text)
        })
        .collect()
}

fn decode(code: &[u8], address: u64) -> Vec<(u64, u32, Option<Instruction>)> {
    let decoder = InstDecoder::default();
    code.chunks_exact(4)
        .enumerate()
        .map(|(index, bytes)| {
            let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            (address + 4 * index as u64, word, decoder.decode(&mut U8Reader::new(bytes)).ok())
        })
        .collect()
}

/// Where a branch (or `adr`, or a literal load) points to.
fn target(at: u64, instruction: &Instruction) -> Option<u64> {
    if instruction.opcode == Opcode::ADRP {
        return None;
    }
    instruction.operands.iter().find_map(|operand| match operand {
        Operand::PCOffset(distance) => Some(at.wrapping_add_signed(*distance)),
        _ => None,
    })
}

/// The text with the name in the place of the distance, which the decoder writes last.
fn with_target(instruction: &Instruction, name: &str) -> String {
    let text = instruction.to_string();
    match text.rfind('$') {
        Some(at) => format!("{}{name}", &text[..at]),
        None => text,
    }
}

/// The text of an instruction that adds the low bits of an address to its page, with the name in their place.
fn with_low_bits(instruction: &Instruction, name: &str) -> String {
    let text = instruction.to_string();
    match (text.rfind('#'), text.ends_with(']')) {
        (Some(at), true) => format!("{}{name}]", &text[..at]),
        (Some(at), false) => format!("{}{name}", &text[..at]),
        (None, true) => format!("{}, {name}]", &text[..text.len() - 1]),
        (None, false) => text,
    }
}

enum Place {
    Page,
    Address(u64),
}

/// Follows the pairs of `adrp` and an instruction that adds the rest.
fn in_page(page: &mut Option<(u32, u64)>, at: u64, word: u32, instruction: &Instruction) -> Option<Place> {
    if instruction.opcode == Opcode::ADRP {
        let distance = i64::from((word << 8) as i32 >> 11 & !3 | (word >> 29 & 3) as i32) << 12;
        *page = Some((word & 31, (at & !0xFFF).wrapping_add_signed(distance)));
        return Some(Place::Page);
    }
    let (register, start) = page.take()?;
    let low = match instruction.operands {
        [_, Operand::RegPreIndex(base, low, false), ..] if u32::from(base) == register => low as u64,
        [_, Operand::RegisterOrSP(_, base), Operand::Immediate(low), ..] if u32::from(base) == register => low.into(),
        _ => return None,
    };
    Some(Place::Address(start + low))
}
