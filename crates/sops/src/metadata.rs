//! What a file says about its own encryption: keys, rules, message authentication code.
//!
//! Source: sops v3.13 `stores/metadata.go`, `stores/stores.go`.

mod read;

use std::collections::BTreeMap;
use std::fmt;

use crate::flatten::unflatten;
use crate::rules::{Pattern, Rule};
use crate::tree::{Branch, Key, Value, rfc3339, whole_seconds};
use read::Fields;

/// The key of the metadata among the values.
const SOPS: &str = "sops";

/// How a form holds the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A mapping below `sops`.
    Nested,
    /// A section `sops` with flat names and escaped line breaks.
    Section,
    /// Flat names that begin with `sops_`.
    Flat,
}

/// The metadata of one file.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) groups: Vec<Vec<MasterKey>>,
    pub(crate) threshold: usize,
    pub(crate) rule: Rule,
    pub(crate) mac: String,
    pub(crate) only_encrypted: bool,
    /// RFC 3339: what the message authentication code is bound to.
    pub(crate) last_modified: String,
}

/// A key that a file's data key is encrypted with, and the encrypted data key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MasterKey {
    /// An age recipient.
    Age {
        /// The recipient.
        recipient: String,
        /// The armoured message.
        encrypted: String,
    },
    /// An OpenPGP key.
    Pgp {
        /// Its fingerprint.
        fingerprint: String,
        /// The armoured message.
        encrypted: String,
    },
    /// A key of AWS KMS.
    AwsKms {
        /// Its resource name.
        arn: String,
        /// The role to assume first; empty for none.
        role: String,
        /// The encryption context.
        context: BTreeMap<String, String>,
        /// The profile that was used to encrypt; empty for none.
        profile: String,
        /// The ciphertext in base64.
        encrypted: String,
    },
    /// A key of Google Cloud KMS.
    GcpKms {
        /// Its resource name.
        resource_id: String,
        /// The ciphertext in base64.
        encrypted: String,
    },
    /// A key of Azure Key Vault.
    AzureKeyVault {
        /// The vault's address.
        vault_url: String,
        /// The key's name.
        name: String,
        /// The key's version.
        version: String,
        /// The ciphertext in base64 for URLs.
        encrypted: String,
    },
    /// A key of the transit engine of Vault or OpenBao.
    Vault {
        /// The server's address.
        address: String,
        /// Where the engine is mounted.
        engine_path: String,
        /// The key's name.
        key_name: String,
        /// The ciphertext with its `vault:` prefix.
        encrypted: String,
    },
    /// A key of Huawei Cloud KMS.
    HuaweiKms {
        /// Region and key.
        key_id: String,
        /// The ciphertext.
        encrypted: String,
    },
}

impl fmt::Display for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { recipient, .. } => f.write_str(recipient),
            Self::Pgp { fingerprint, .. } => f.write_str(fingerprint),
            Self::AwsKms {
                arn,
                role,
                context,
                profile,
                ..
            } => {
                f.write_str(arn)?;
                if !role.is_empty() {
                    write!(f, "+{role}")?;
                }
                let context: Vec<String> = context
                    .iter()
                    .map(|(key, value)| format!("{key}:{value}"))
                    .collect();
                let context = context.join(",");
                match (context.is_empty(), profile.is_empty()) {
                    (_, false) => write!(f, "|{context}|{profile}"),
                    (false, true) => write!(f, "|{context}"),
                    (true, true) => Ok(()),
                }
            }
            Self::GcpKms { resource_id, .. } => f.write_str(resource_id),
            Self::AzureKeyVault {
                vault_url,
                name,
                version,
                ..
            } => {
                write!(f, "{vault_url}/keys/{name}/{version}")
            }
            Self::Vault {
                address,
                engine_path,
                key_name,
                ..
            } => {
                write!(f, "{address}/v1/{engine_path}/keys/{key_name}")
            }
            Self::HuaweiKms { key_id, .. } => f.write_str(key_id),
        }
    }
}

impl Metadata {
    /// Takes the metadata out of a file's values.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub(crate) fn take(branches: &mut [Branch], shape: Shape) -> Result<Self, String> {
        let found = match shape {
            Shape::Flat => take_flat(branches),
            Shape::Nested | Shape::Section => take_nested(branches)?,
        };
        let mut tree = found
            .filter(|tree| shape == Shape::Nested || !tree.is_empty())
            .ok_or("sops metadata not found")?;
        if shape == Shape::Section {
            for item in &mut tree {
                if let Value::Text(text) = &mut item.value {
                    *text = crate::store::unescape_breaks(text);
                }
            }
        }
        if shape != Shape::Nested {
            tree = unflatten(tree)?;
        }
        Self::read(&Fields::of(tree)?)
    }

    fn read(fields: &Fields) -> Result<Self, String> {
        let last_modified = time(&fields.text("lastmodified")?)?;
        let own = group(fields, true)?;
        let groups = match own {
            Some(group) => vec![group],
            None => {
                let groups = fields.list("key_groups")?;
                let groups: Result<Vec<_>, String> =
                    groups.iter().map(|fields| group(fields, false)).collect();
                groups?.into_iter().map(Option::unwrap_or_default).collect()
            }
        };
        if groups.is_empty() {
            return Err("No keys found in file".to_owned());
        }
        Ok(Self {
            groups,
            threshold: fields.number("shamir_threshold")?,
            rule: rule(fields)?,
            mac: fields.text("mac")?,
            only_encrypted: fields.flag("mac_only_encrypted")?,
            last_modified,
        })
    }
}

fn take_nested(branches: &mut [Branch]) -> Result<Option<Branch>, String> {
    let mut found = None;
    for (position, branch) in branches.iter_mut().enumerate() {
        while let Some(at) = branch.iter().position(|item| item.is(SOPS)) {
            let item = branch.remove(at);
            match item.value {
                _ if position > 0 => {}
                _ if found.is_some() => return Err(format!("Found duplicate {SOPS} entry")),
                Value::Branch(tree) => found = Some(tree),
                _ => return Err(format!("Found {SOPS} entry that is not a mapping")),
            }
        }
    }
    Ok(found)
}

fn take_flat(branches: &mut [Branch]) -> Option<Branch> {
    let branch = branches.first_mut()?;
    let (metadata, rest): (Branch, Branch) = std::mem::take(branch)
        .into_iter()
        .partition(|item| matches!(&item.key, Key::Text(name) if name.starts_with("sops_")));
    *branch = rest;
    let short = |mut item: crate::tree::Item| {
        if let Key::Text(name) = &mut item.key {
            name.drain(.."sops_".len());
        }
        item
    };
    Some(metadata.into_iter().map(short).collect())
}

fn time(text: &str) -> Result<String, String> {
    let time = rfc3339(text).ok_or_else(|| {
        format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\"")
    })?;
    Ok(whole_seconds(&time))
}

/// The keys of one group in upstream's order; `None` for the file's own level if it has none.
fn group(fields: &Fields, own: bool) -> Result<Option<Vec<MasterKey>>, String> {
    let mut keys = Vec::new();
    for key in fields.list("kms")? {
        created(&key)?;
        keys.push(MasterKey::AwsKms {
            arn: key.text("arn")?,
            role: key.text("role")?,
            context: key.texts("context")?,
            profile: key.text("aws_profile")?,
            encrypted: key.text("enc")?,
        });
    }
    for key in fields.list("gcp_kms")? {
        created(&key)?;
        keys.push(MasterKey::GcpKms {
            resource_id: key.text("resource_id")?,
            encrypted: key.text("enc")?,
        });
    }
    let huawei = fields.list("hckms")?;
    let only_huawei = keys.len();
    for key in &huawei {
        created(key)?;
        keys.push(MasterKey::HuaweiKms {
            key_id: key.text("key_id")?,
            encrypted: key.text("enc")?,
        });
    }
    for key in fields.list("azure_kv")? {
        created(&key)?;
        keys.push(MasterKey::AzureKeyVault {
            vault_url: key.text("vault_url")?,
            name: key.text("name")?,
            version: key.text("version")?,
            encrypted: key.text("enc")?,
        });
    }
    for key in fields.list("hc_vault")? {
        created(&key)?;
        keys.push(MasterKey::Vault {
            address: key.text("vault_address")?,
            engine_path: key.text("engine_path")?,
            key_name: key.text("key_name")?,
            encrypted: key.text("enc")?,
        });
    }
    for key in fields.list("pgp")? {
        created(&key)?;
        keys.push(MasterKey::Pgp {
            fingerprint: key.text("fp")?,
            encrypted: key.text("enc")?,
        });
    }
    for key in fields.list("age")? {
        keys.push(MasterKey::Age {
            recipient: key.text("recipient")?,
            encrypted: key.text("enc")?,
        });
    }
    // Upstream does not count Huawei's keys when it looks for any.
    let none = only_huawei == 0 && keys.len() == huawei.len();
    Ok((!own || !none).then_some(keys))
}

fn created(key: &Fields) -> Result<(), String> {
    time(&key.text("created_at")?).map(drop)
}

fn rule(fields: &Fields) -> Result<Rule, String> {
    type Make = fn(String) -> Rule;
    let kinds: [(&str, Make); 6] = [
        ("unencrypted_suffix", Rule::UnencryptedSuffix),
        ("encrypted_suffix", Rule::EncryptedSuffix),
        ("unencrypted_regex", |text| {
            Rule::UnencryptedRegex(Pattern::new(&text))
        }),
        ("encrypted_regex", |text| {
            Rule::EncryptedRegex(Pattern::new(&text))
        }),
        ("unencrypted_comment_regex", |text| {
            Rule::UnencryptedCommentRegex(Pattern::new(&text))
        }),
        ("encrypted_comment_regex", |text| {
            Rule::EncryptedCommentRegex(Pattern::new(&text))
        }),
    ];
    let mut found = None;
    for (name, make) in kinds {
        let text = fields.text(name)?;
        if text.is_empty() {
            continue;
        }
        if found.replace(make(text)).is_some() {
            return Err("Cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex in the same file".to_owned());
        }
    }
    Ok(found.unwrap_or_default())
}
