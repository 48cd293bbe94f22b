//! Random texts, numbers and bytes.

use go_template::{Failure, Functions, Signature, Str, Type, Value};

use crate::functions::encoding::base64;
use crate::functions::given;
use crate::{Env, Random};

/// Whether a character belongs to an alphabet.
type Fits = fn(&u8) -> bool;

/// A random number below a bound, each as likely as any other.
pub(super) fn below(random: &Random, bound: u64) -> u64 {
    let most = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < most {
            return number % bound;
        }
    }
}

pub(super) fn register(functions: &mut Functions, env: &Env) {
    const COUNT: Signature = Signature::new(&[Type::INT], &Type::String);
    let alphabets: [(&str, Fits); 4] = [
        ("randAlphaNum", u8::is_ascii_alphanumeric),
        ("randAlpha", u8::is_ascii_alphabetic),
        ("randNumeric", u8::is_ascii_digit),
        ("randAscii", |it| matches!(it, b' '..=b'~')),
    ];
    for (name, fits) in alphabets {
        let random = env.random.clone();
        let alphabet: Vec<u8> = (0..=127).filter(fits).collect();
        functions.add(name, COUNT, move |call, args| {
            let count = usize::try_from(given::int(args, 0)).unwrap_or(0);
            call.budget().bytes(count)?;
            call.budget().steps(count as u64)?;
            let mut out = Vec::with_capacity(count);
            for _ in 0..count {
                let index = below(&random, alphabet.len() as u64);
                out.push(alphabet[index as usize]);
            }
            Ok(Value::Str(Str::from(out)))
        });
    }
    let random = env.random.clone();
    functions.add("randBytes", COUNT, move |call, args| {
        let count = given::int(args, 0);
        let Ok(count) = usize::try_from(count) else {
            return Err(Failure::new("runtime error: makeslice: len out of range"));
        };
        call.budget().bytes(count.saturating_mul(3))?;
        let mut bytes = vec![0; count];
        random(&mut bytes);
        Ok(Value::from(base64::encode(&bytes)))
    });
    let random = env.random.clone();
    let signature = Signature::new(&[Type::INT, Type::INT], &Type::INT);
    functions.add("randInt", signature, move |_, args| {
        let (least, most) = (given::int(args, 0), given::int(args, 1));
        let bound = most.wrapping_sub(least);
        if bound <= 0 {
            return Err(Failure::new("invalid argument to Intn"));
        }
        let number = below(&random, bound as u64) as i64;
        Ok(Value::int(least.wrapping_add(number)))
    });
    let random = env.random.clone();
    functions.add("uuidv4", Signature::new(&[], &Type::String), move |_, _| {
        let mut bytes = [0_u8; 16];
        random(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        Ok(Value::from(text))
    });
}
