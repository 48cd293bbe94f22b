//! Certificates: `genCA`, `genSelfSignedCert`, `genSignedCert`, each also with a key, and `buildCustomCert`.
//!
//! Source: sprig v3.3.0 `crypto.go`, Go 1.26 `crypto/x509/x509.go` `CreateCertificate`

mod object;

use go_template::{Budget, Failure, Functions, Signature, Type, Value, format};
use go_url::address::{self, Address};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::{der, parse, pem};
use crate::Env;
use crate::functions::encoding::base64;
use crate::functions::{dates, given};
use object::{CERTIFICATE, Certificate};

/// What a certificate says.
struct Template {
    name: String,
    ips: Vec<Address>,
    names: Vec<String>,
    days: i64,
    authority: bool,
}

/// Who signs.
struct Parent {
    key: Key,
    certificate: parse::Signer,
}

/// Where a function finds its arguments.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    params: &'static [Type],
    /// Whether it makes an authority, which has no other names.
    authority: bool,
    /// Where the signer's certificate is.
    parent: Option<usize>,
    /// Where the key is.
    key: Option<usize>,
}

const fn shape(
    name: &'static str,
    params: &'static [Type],
    parent: Option<usize>,
    key: Option<usize>,
) -> Shape {
    Shape {
        name,
        params,
        authority: params.len() < 4,
        parent,
        key,
    }
}

const SHAPES: [Shape; 6] = [
    shape("genCA", &[Type::String, Type::INT], None, None),
    shape(
        "genCAWithKey",
        &[Type::String, Type::INT, Type::String],
        None,
        Some(2),
    ),
    shape(
        "genSelfSignedCert",
        &[Type::String, Type::LIST, Type::LIST, Type::INT],
        None,
        None,
    ),
    shape(
        "genSelfSignedCertWithKey",
        &[
            Type::String,
            Type::LIST,
            Type::LIST,
            Type::INT,
            Type::String,
        ],
        None,
        Some(4),
    ),
    shape(
        "genSignedCert",
        &[Type::String, Type::LIST, Type::LIST, Type::INT, CERTIFICATE],
        Some(4),
        None,
    ),
    shape(
        "genSignedCertWithKey",
        &[
            Type::String,
            Type::LIST,
            Type::LIST,
            Type::INT,
            CERTIFICATE,
            Type::String,
        ],
        Some(4),
        Some(5),
    ),
];

pub(super) fn register(functions: &mut Functions, env: &Env) {
    for shape in SHAPES {
        let env = env.clone();
        let signature = Signature::new(shape.params, &CERTIFICATE);
        functions.add(shape.name, signature, move |call, args| {
            generate(shape, args, &env, call.budget())
        });
    }
    let signature = Signature::new(&[Type::String, Type::String], &CERTIFICATE);
    functions.add("buildCustomCert", signature, |call, args| {
        call.budget()
            .bytes(given::bytes(args, 0).len() + given::bytes(args, 1).len())?;
        Ok(custom(args)?)
    });
}

fn generate(
    shape: Shape,
    args: &[Value],
    env: &Env,
    budget: &Budget<'_>,
) -> Result<Value, Failure> {
    let given = match shape.key {
        Some(at) => {
            let key = Key::from_pem(&given::text(args, at));
            Some(key.map_err(|it| format!("parsing private key: {it}"))?)
        }
        None => None,
    };
    let parent = match shape.parent {
        Some(at) => Some(parent(&args[at])?),
        None => None,
    };
    let template = template(shape, args, budget)?;
    let key = match given {
        Some(key) => key,
        None => Key::rsa(2048, &env.random, budget)?,
    };
    budget.steps(10_000)?;
    let bytes = create(&template, &key, parent.as_ref(), env);
    let bytes = bytes.map_err(|it| format!("error creating certificate: {it}"))?;
    let key = key
        .to_pem()
        .map_err(|it| format!("error pem-encoding key: {it}"))?;
    budget.bytes(bytes.len() * 2 + key.len())?;
    Ok(Certificate::value(pem::encode("CERTIFICATE", &bytes), key))
}

fn parent(value: &Value) -> Result<Parent, Failure> {
    let (certificate, key) = Certificate::parts(value);
    let block = pem::decode(&certificate).ok_or("unable to decode certificate")?;
    let certificate = parse::certificate(&block.bytes)
        .map_err(|it| format!("error parsing certificate: decodedSignerCert.Bytes: {it}"))?;
    let key = Key::from_pem(&key).map_err(|it| format!("error parsing private key: {it}"))?;
    Ok(Parent { key, certificate })
}

fn template(shape: Shape, args: &[Value], budget: &Budget<'_>) -> Result<Template, Failure> {
    let list = |at: usize| match args.get(at).and_then(Value::as_list) {
        Some(list) if !shape.authority => list.iter().collect(),
        _ => Vec::new(),
    };
    let mut ips = Vec::new();
    for ip in list(1) {
        let Value::Str(text) = &ip else {
            let text = format::sprint(&[ip], budget)?;
            return Err(Failure::new(format!(
                "error parsing ip: {text} is not a string"
            )));
        };
        // `net.ParseIP` knows no zones.
        let address = address::parse(text).ok().filter(|_| !text.contains(&b'%'));
        ips.push(address.ok_or_else(|| format!("error parsing ip: {text}"))?);
    }
    let mut names = Vec::new();
    for name in list(2) {
        let Value::Str(text) = &name else {
            let text = format::sprint(&[name], budget)?;
            return Err(Failure::new(format!(
                "error processing alternate dns name: {text} is not a string"
            )));
        };
        names.push(text.lossy().into_owned());
    }
    Ok(Template {
        name: given::text(args, 0),
        ips,
        names,
        days: given::int(args, if shape.authority { 1 } else { 3 }),
        authority: shape.authority,
    })
}

/// The certificate's bytes.
fn create(
    template: &Template,
    key: &Key,
    parent: Option<&Parent>,
    env: &Env,
) -> Result<Vec<u8>, String> {
    let signer = parent.map_or(key, |it| &it.key);
    let public = key.public_info()?;
    let signer_public = signer.public_info()?;
    let subject = subject(&template.name);
    let mut serial = [0; 16];
    (env.random)(&mut serial);
    let (now, _) = (env.now)();
    let later = template
        .days
        .wrapping_mul(86_400_000_000_000)
        .div_euclid(1_000_000_000);
    let validity = [now, now.wrapping_add(later)].map(dates::asn1);
    let issuer = parent.map_or(&subject, |it| &it.certificate.subject);
    let authority = match parent {
        Some(parent) if *issuer != subject => &*parent.certificate.key_id,
        _ => &[],
    };
    if parent.is_some_and(|it| it.certificate.public != signer_public) {
        let text = "x509: provided PrivateKey doesn't match parent's PublicKey";
        return Err(String::from(text));
    }
    let extensions = extensions(template, &key.public()?, authority, subject.len() == 2)?;
    let algorithm = signer.signature_algorithm();
    let inner = der::sequence(&[
        &der::tagged(0xa0, &[&der::integer(&[2])]),
        &der::integer(&serial),
        &algorithm,
        issuer,
        &der::sequence(&[&validity[0], &validity[1]]),
        &subject,
        &public,
        &der::tagged(0xa3, &[&der::sequence(&[&extensions])]),
    ]);
    let signature = signer.sign(&inner)?;
    Ok(der::sequence(&[&inner, &algorithm, &der::bits(&signature)]))
}

/// A name with a common name, unless that is empty.
fn subject(name: &str) -> Vec<u8> {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    if name.is_empty() {
        return der::sequence(&[]);
    }
    let printable = |it: u8| it.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&it);
    let tag = if name.bytes().all(printable) {
        der::PRINTABLE
    } else {
        der::UTF8
    };
    let value = der::tagged(tag, &[name.as_bytes()]);
    let attribute = der::sequence(&[&der::oid(COMMON_NAME), &value]);
    der::sequence(&[&der::tagged(der::SET, &[&attribute])])
}

/// All extensions in the order in which Go writes them.
fn extensions(
    template: &Template,
    public: &[u8],
    authority: &[u8],
    nameless: bool,
) -> Result<Vec<u8>, String> {
    let extension = |number: u8, critical: bool, value: &[u8]| {
        let oid = der::oid(&[0x55, 0x1d, number]);
        let critical: &[u8] = if critical {
            &[der::BOOLEAN, 1, 0xff]
        } else {
            &[]
        };
        der::sequence(&[&oid, critical, &der::tagged(der::OCTETS, &[value])])
    };
    // Digital signature and key encipherment; for an authority also the signing of certificates.
    let usage: [u8; 2] = if template.authority {
        [2, 0xa4]
    } else {
        [5, 0xa0]
    };
    let mut out = extension(15, true, &der::tagged(der::BITS, &[&usage]));
    let purpose = |number: u8| der::oid(&[0x2b, 6, 1, 5, 5, 7, 3, number]);
    out.extend(extension(
        37,
        false,
        &der::sequence(&[&purpose(1), &purpose(2)]),
    ));
    let authority_flag: &[u8] = if template.authority {
        &[der::BOOLEAN, 1, 0xff]
    } else {
        &[]
    };
    out.extend(extension(19, true, &der::sequence(&[authority_flag])));
    if template.authority {
        let id = Sha256::digest(public);
        out.extend(extension(
            14,
            false,
            &der::tagged(der::OCTETS, &[&id[..20]]),
        ));
    }
    if !authority.is_empty() {
        let id = der::tagged(0x80, &[authority]);
        out.extend(extension(35, false, &der::sequence(&[&id])));
    }
    if !template.names.is_empty() || !template.ips.is_empty() {
        let mut names = Vec::new();
        for name in &template.names {
            if !name.is_ascii() {
                let name = go_template::quote::quoted(name.as_bytes());
                return Err(format!("x509: {name} cannot be encoded as an IA5String"));
            }
            names.extend(der::tagged(0x82, &[name.as_bytes()]));
        }
        for ip in &template.ips {
            names.extend(match ip {
                Address::V4(bytes) => der::tagged(0x87, &[bytes]),
                // An IPv4 address in IPv6's clothes is written as the former.
                Address::V6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, bytes @ ..]) => {
                    der::tagged(0x87, &[bytes])
                }
                Address::V6(bytes) => der::tagged(0x87, &[bytes]),
            });
        }
        out.extend(extension(17, nameless, &der::sequence(&[&names])));
    }
    Ok(out)
}

fn custom(args: &[Value]) -> Result<Value, String> {
    let decoded = |at: usize| base64::decode(given::bytes(args, at));
    let text = |bytes: &[u8]| go_template::unicode::lossy(bytes).into_owned();
    let certificate = decoded(0).map_err(|_| "unable to decode base64 certificate")?;
    let key = decoded(1).map_err(|_| "unable to decode base64 private key")?;
    let (certificate, key) = (text(&certificate), text(&key));
    let block = pem::decode(&certificate).ok_or("unable to decode certificate")?;
    parse::certificate(&block.bytes)
        .map_err(|it| format!("error parsing certificate: decodedCert.Bytes: {it}"))?;
    Key::from_pem(&key).map_err(|it| format!("error parsing private key: {it}"))?;
    Ok(Certificate::value(certificate, key))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn env() -> Env {
        Env {
            now: Arc::new(|| (1_700_000_000, 0)),
            random: Arc::new(|to| to.fill(7)),
            lookup: None,
            resolve: None,
        }
    }

    fn ask(name: &str, authority: bool) -> Template {
        Template {
            name: name.to_owned(),
            ips: vec![Address::V4([10, 0, 0, 1])],
            names: vec![String::from("a.b")],
            days: 365,
            authority,
        }
    }

    #[test]
    fn a_certificate_names_who_signed_it() {
        let key = || Key::Ed25519([1; 32]);
        let root = create(&ask("ca", true), &key(), None, &env()).expect("is made");
        let root = parse::certificate(&root).expect("is a certificate");
        assert_eq!(root.subject, subject("ca"));
        assert_eq!(root.key_id.len(), 20);
        let id = der::tagged(0x80, &[&root.key_id]);
        let parent = Parent {
            key: key(),
            certificate: root,
        };
        let other = Key::Ed25519([2; 32]);
        let leaf = create(&ask("leaf", false), &other, Some(&parent), &env()).expect("is made");
        let holds = |part: &[u8]| leaf.windows(part.len()).any(|it| it == part);
        assert!(holds(&subject("ca")) && holds(&subject("leaf")) && holds(&id));
        assert!(holds(b"231114221320Z") && holds(b"241113221320Z"));
        assert!(holds(&[0x82, 3, b'a', b'.', b'b', 0x87, 4, 10, 0, 0, 1]));
    }

    #[test]
    fn a_foreign_key_signs_nothing() {
        let root = create(&ask("ca", true), &Key::Ed25519([1; 32]), None, &env());
        let certificate = parse::certificate(&root.expect("is made")).expect("is a certificate");
        let parent = Parent {
            key: Key::Ed25519([3; 32]),
            certificate,
        };
        let leaf = create(
            &ask("x", false),
            &Key::Ed25519([2; 32]),
            Some(&parent),
            &env(),
        );
        let expect = "x509: provided PrivateKey doesn't match parent's PublicKey";
        assert_eq!(leaf.err().as_deref(), Some(expect));
    }

    #[test]
    fn names_that_ascii_cannot_say_are_utf_8() {
        assert_eq!(subject(""), [0x30, 0]);
        assert_eq!(subject("a*b")[11], der::UTF8);
        assert_eq!(subject("a b")[11], der::PRINTABLE);
    }
}
