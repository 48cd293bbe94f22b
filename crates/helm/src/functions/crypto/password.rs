//! Digests of passwords, and passwords from a master password.
//!
//! Source: sprig v3.3.0 `crypto.go`, golang.org/x/crypto v0.50 `bcrypt`

use blowfish::Blowfish;
use go_template::{Budget, Failure, Functions, Signature, Type, UintKind, Value};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::functions::given;
use crate::{Env, Random};

/// The steps that a digest of a password counts for: some 50 ms.
const COST: u64 = 500_000;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    const TEXT: &[Type] = &[Type::String, Type::String];
    let random = env.random.clone();
    let signature = Signature::new(&[Type::String], &Type::String);
    functions.add("bcrypt", signature, move |call, args| {
        let text = bcrypt(given::bytes(args, 0), &random, call.budget())?;
        Ok(Value::from(text))
    });
    let random = env.random.clone();
    let signature = Signature::new(TEXT, &Type::String);
    functions.add("htpasswd", signature, move |call, args| {
        let user = given::text(args, 0);
        if user.contains(':') {
            return Ok(Value::from(format!("invalid username: {user}")));
        }
        let hash = bcrypt(given::bytes(args, 1), &random, call.budget())?;
        Ok(Value::from(format!("{user}:{hash}")))
    });
    const DERIVE: &[Type] = &[
        Type::Uint(UintKind::Uint32),
        Type::String,
        Type::String,
        Type::String,
        Type::String,
    ];
    let signature = Signature::new(DERIVE, &Type::String);
    functions.add("derivePassword", signature, |call, args| {
        derive(args, call.budget()).map(Value::from)
    });
}

/// `$2a$10$`, salt and digest; Go's error as a text if the password is too long.
fn bcrypt(password: &[u8], random: &Random, budget: &Budget<'_>) -> Result<String, Failure> {
    if password.len() > 72 {
        let text = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
        return Ok(String::from(text));
    }
    budget.steps(COST)?;
    let mut salt = [0; 16];
    random(&mut salt);
    let digest = digest(password, &salt);
    Ok(format!("$2a$10${}{}", radix64(&salt), radix64(&digest)))
}

fn digest(password: &[u8], salt: &[u8; 16]) -> [u8; 23] {
    let key = [password, &[0]].concat();
    let mut cipher = Blowfish::bc_init_state();
    cipher.salted_expand_key(salt, &key);
    for _ in 0..1 << 10 {
        cipher.bc_expand_key(&key);
        cipher.bc_expand_key(salt);
    }
    let words = b"OrpheanBeholderScryDoubt".chunks_exact(8).flat_map(|it| {
        let word = |at: usize| u32::from_be_bytes([it[at], it[at + 1], it[at + 2], it[at + 3]]);
        let mut pair = [word(0), word(4)];
        for _ in 0..64 {
            pair = cipher.bc_encrypt(pair);
        }
        pair
    });
    let mut out = [0; 23];
    for (to, from) in out.iter_mut().zip(words.flat_map(u32::to_be_bytes)) {
        *to = from;
    }
    out
}

/// Base64 with bcrypt's own alphabet.
fn radix64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let byte = |index: usize| u32::from(part.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..=part.len() {
            let digit = bits >> (18 - 6 * index) & 63;
            out.push(char::from(ALPHABET[digit as usize]));
        }
    }
    out
}

/// The templates of a kind of password.
fn templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

/// What a letter of a template stands for.
fn characters(letter: char) -> &'static [u8] {
    match letter {
        'V' => b"AEIOU",
        'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        'v' => b"aeiou",
        'c' => b"bcdfghjklmnpqrstvwxyz",
        'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => b"0123456789",
        'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive(args: &[Value], budget: &Budget<'_>) -> Result<String, Failure> {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = given::text(args, 1);
    let Some(templates) = templates(&kind) else {
        return Ok(format!("cannot find password template {kind}"));
    };
    let (password, user, site) = (
        given::bytes(args, 2),
        given::bytes(args, 3),
        given::bytes(args, 4),
    );
    // The function takes 32 MiB for a moment.
    budget.steps(4 * COST)?;
    budget.bytes(user.len() + site.len())?;
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2).map_err(|it| Failure::new(it.to_string()))?;
    scrypt::scrypt(password, &salt, &params, &mut key)
        .map_err(|it| Failure::new(it.to_string()))?;
    let counter = (given::int(args, 0) as u32).to_be_bytes();
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).map_err(|it| Failure::new(it.to_string()))?;
    mac.update(&[SEED, &length(site), site, &counter].concat());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letters = template.chars().zip(seed.iter().skip(1));
    let password = letters.map(|(letter, byte)| {
        let characters = characters(letter);
        char::from(characters[usize::from(*byte) % characters.len()])
    });
    Ok(password.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_bcrypt() {
        // Source: golang.org/x/crypto `bcrypt/bcrypt_test.go`
        let salt = read("XajjQvNhvvRt5GSeFk1xFe");
        let salt = <[u8; 16]>::try_from(salt).expect("has 16 bytes");
        assert_eq!(radix64(&salt), "XajjQvNhvvRt5GSeFk1xFe");
        let digest = digest(b"allmine", &salt);
        assert_eq!(radix64(&digest), "yqRrsxkhBkUiQeg0dt.wU1qD4aFDcga");
    }

    /// The bytes of a text that [`radix64`] makes.
    fn read(text: &str) -> Vec<u8> {
        let digit = |symbol: u8| {
            let place = (0..64).find(|it| radix64(&[it << 2]).as_bytes()[0] == symbol);
            u32::from(place.expect("is a symbol"))
        };
        let parts = text.as_bytes().chunks(4);
        let parts = parts.flat_map(|part| {
            let bits = part.iter().fold(0, |bits, it| bits << 6 | digit(*it));
            let bits = bits << (6 * (4 - part.len()));
            bits.to_be_bytes()[1..part.len()].to_vec()
        });
        parts.collect()
    }
}
