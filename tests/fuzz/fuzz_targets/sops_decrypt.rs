//! A file of SOPS: the first byte tells the form it is in and the one it is written in, the rest is the file. The
//! data key is given, so that values are reached; age armour and its header are read with an identity of their own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops::{Format, KeyService, Keys, MasterKey, Secret, age};

const FORMS: [Format; 5] = [
    Format::Yaml,
    Format::Json,
    Format::Dotenv,
    Format::Ini,
    Format::Binary,
];

/// The identity that the seeds are encrypted to. It protects nothing.
const IDENTITY: &str = include_str!("../../conformance/sops/keys/age.agekey");

/// Whoever asks gets a key: right for the seeds if age knows it, else any.
struct Given(age::Identities);

impl KeyService for Given {
    fn decrypt(&self, key: &MasterKey) -> Result<Secret, String> {
        match key {
            MasterKey::Age { encrypted, .. } => self.0.decrypt(encrypted),
            MasterKey::Pgp { .. } => Err("no".to_owned()),
            _ => Ok(Secret::new(vec![7; 32])),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, file)) = bytes.split_first() else {
        return;
    };
    if file.len() > 1 << 16 {
        return;
    }
    let mut identities = age::Identities::default();
    identities.import(IDENTITY).expect("a key");
    if let Ok(text) = std::str::from_utf8(file) {
        let _ = identities.decrypt(text);
        let _ = age::Identities::default().import(text);
    }
    let services = Given(identities);
    let (input, output) = (
        FORMS[usize::from(first % 5)],
        FORMS[usize::from(first / 5 % 5)],
    );
    let decrypt = |strict_mac| {
        let keys = Keys {
            services: &services,
            cache: None,
            strict_mac,
        };
        sops::decrypt(file, input, output, &keys)
    };
    let loose = decrypt(false);
    // Checking the code refuses some files and changes none.
    if let Ok(strict) = decrypt(true) {
        assert_eq!(loose.as_deref().ok(), Some(&*strict));
    }
});
