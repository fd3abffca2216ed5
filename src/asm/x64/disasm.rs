//! Instructions of x86-64 as text.

use crate::asm::disasm::{Names, UNKNOWN};
use iced_x86::{
    Decoder, DecoderOptions, FastFormatter, FlowControl, Instruction, OpKind, SymbolResolver, SymbolResult,
};
use std::collections::HashMap;

/// The name of a general register.
pub fn register(number: u8) -> &'static str {
    const NAMES: [&str; 16] =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
    NAMES[usize::from(number) % 16]
}

/// Addresses that branches in `code` lead to.
pub fn targets(code: &[u8], address: u64) -> Vec<u64> {
    Decoder::with_ip(64, code, address, DecoderOptions::NONE)
        .iter()
        .filter(|i| (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::NearBranch64))
        .map(|i| i.near_branch_target())
        .collect()
}

/// The bytes of the first instruction, behind which its successor stands.
pub fn first(code: &[u8]) -> Option<u32> {
    let first = Decoder::new(64, code, DecoderOptions::NONE).iter().next()?;
    (first.flow_control() == FlowControl::Next && !first.is_invalid()).then(|| first.len() as u32)
}

/// Each instruction with its offset.
pub fn instructions(code: &[u8], address: u64, names: Names<'_>) -> Vec<(u32, String)> {
    // The formatter wants to own its resolver: the names are asked for beforehand.
    let decoded: Vec<Instruction> = Decoder::with_ip(64, code, address, DecoderOptions::NONE).iter().collect();
    let known = decoded.iter().flat_map(references).filter_map(|at| Some((at, names(at)?))).collect();
    let Ok(mut formatter) = FastFormatter::try_with_options(Some(Box::new(Resolver(known)))) else { return Vec::new() };
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_use_hex_prefix(true);
    options.set_space_after_operand_separator(true);
    decoded
        .iter()
        .map(|instruction| {
            let mut text = String::new();
            if instruction.is_invalid() {
                text.push_str("(bad)");
            } else {
                formatter.format(instruction, &mut text);
            }
            ((instruction.ip() - address) as u32, text)
        })
        .collect()
}

/// The addresses that an instruction speaks of. Immediates are numbers, but for those that fill a word.
fn references(instruction: &Instruction) -> Vec<u64> {
    (0..instruction.op_count())
        .filter_map(|n| match instruction.op_kind(n) {
            OpKind::NearBranch64 => Some(instruction.near_branch_target()),
            OpKind::Memory if instruction.is_ip_rel_memory_operand() => Some(instruction.ip_rel_memory_address()),
            OpKind::Immediate64 if instruction.immediate64() > u64::from(u32::MAX) => Some(instruction.immediate64()),
            _ => None,
        })
        .collect()
}

struct Resolver(HashMap<u64, String>);

impl SymbolResolver for Resolver {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        _instruction_operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        // A small number may be the same as an address without being one; a large one without a name is just a number.
        let name = references(instruction).contains(&address).then(|| self.0.get(&address))??;
        let immediate = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Immediate64);
        if immediate && name == UNKNOWN {
            return None;
        }
        Some(SymbolResult::with_str(address, name))
    }
}
