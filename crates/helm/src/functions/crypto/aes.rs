//! AES in CBC mode under a key cut or filled to 32 bytes.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use go_template::{Failure, Functions, Signature, Str, Type, Value};

use crate::Env;
use crate::functions::encoding::base64;
use crate::functions::given;

const BLOCK: usize = 16;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    const TEXTS: Signature = Signature::new(&[Type::String, Type::String], &Type::String);
    let random = env.random.clone();
    functions.add("encryptAES", TEXTS, move |call, args| {
        let text = given::bytes(args, 1);
        if text.is_empty() {
            return Ok(Value::str(""));
        }
        call.budget().bytes(text.len() * 3 + 64)?;
        let mut chain = [0; BLOCK];
        random(&mut chain);
        let out = encrypt(given::bytes(args, 0), text, chain);
        Ok(Value::from(base64::encode(&out)))
    });
    functions.add("decryptAES", TEXTS, |call, args| {
        let text = given::bytes(args, 1);
        if text.is_empty() {
            return Ok(Value::str(""));
        }
        call.budget().bytes(text.len())?;
        let plain = decrypt(given::bytes(args, 0), &base64::decode(text)?)?;
        Ok(Value::Str(Str::from(plain)))
    });
}

fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&Array::from(key))
}

fn encrypt(password: &[u8], text: &[u8], mut chain: [u8; BLOCK]) -> Vec<u8> {
    let cipher = cipher(password);
    let padding = BLOCK - text.len() % BLOCK;
    let mut out = chain.to_vec();
    let padded = [text, &vec![padding as u8; padding]].concat();
    for block in padded.chunks_exact(BLOCK) {
        let mut mixed = [0; BLOCK];
        for (at, byte) in mixed.iter_mut().enumerate() {
            *byte = block[at] ^ chain[at];
        }
        let mut mixed = Array::from(mixed);
        cipher.encrypt_block(&mut mixed);
        chain = mixed.into();
        out.extend_from_slice(&chain);
    }
    out
}

/// The text; texts that upstream panics over fail in the words of that panic.
fn decrypt(password: &[u8], crypt: &[u8]) -> Result<Vec<u8>, Failure> {
    let Some((chain, blocks)) = crypt.split_first_chunk::<BLOCK>() else {
        // A decoded text has room for as many bytes as its digits could have held.
        let capacity = crypt.len().div_ceil(3) * 3;
        return Err(Failure::new(format!(
            "runtime error: slice bounds out of range [:16] with capacity {capacity}"
        )));
    };
    if !blocks.len().is_multiple_of(BLOCK) {
        return Err(Failure::new("crypto/cipher: input not full blocks"));
    }
    let cipher = cipher(password);
    let mut chain = *chain;
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks.chunks_exact(BLOCK) {
        let mut mixed = [0; BLOCK];
        mixed.copy_from_slice(block);
        let next = mixed;
        let mut mixed = Array::from(mixed);
        cipher.decrypt_block(&mut mixed);
        out.extend(mixed.iter().zip(chain).map(|(one, two)| one ^ two));
        chain = next;
    }
    let Some(padding) = out.last().map(|it| usize::from(*it)) else {
        return Err(Failure::new("runtime error: index out of range [-1]"));
    };
    match out.len().checked_sub(padding) {
        Some(length) => out.truncate(length),
        None => {
            let beyond = padding - out.len();
            return Err(Failure::new(format!(
                "runtime error: slice bounds out of range [:-{beyond}]"
            )));
        }
    }
    Ok(out)
}
