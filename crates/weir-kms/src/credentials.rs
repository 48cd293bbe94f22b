//! What the Secret of a Kustomization holds for key services.
//!
//! Source: kustomize-controller v1.9 `internal/decryptor/decryptor.go` `ImportKeys`, `internal/sops/awskms`,
//! `internal/sops/azkv/config.go`.

use std::time::SystemTime;

use serde_json::Value;
use weir_auth::azure::{AUTHORITY, Certificate, Identity, Proof};
use weir_auth::{aws, gcp};
use zeroize::Zeroizing;

/// Most bytes of one value; a Secret as a whole has no more either.
const BYTES: usize = 1 << 20;

/// Credentials by service; those that are missing come from elsewhere.
#[derive(Default)]
pub struct Credentials {
    pub(crate) vault_token: Option<Zeroizing<String>>,
    pub(crate) aws: Option<aws::Keys>,
    pub(crate) azure: Option<AzureCredential>,
    pub(crate) gcp: Option<gcp::CredentialsFile>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Who we are in Azure.
#[derive(Debug)]
pub(crate) enum AzureCredential {
    /// A client of a tenant.
    Client(Identity),
    /// One of the machine's own identities, by its client's ID.
    Machine(String),
}

impl Credentials {
    /// Takes a Secret's value if it is for a key service.
    ///
    /// # Errors
    /// What is wrong with it, without anything of it.
    pub fn import(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        match name {
            "sops.vault-token" => {
                let text = String::from_utf8_lossy(value);
                let token = text.trim();
                self.vault_token = (!token.is_empty()).then(|| Zeroizing::new(token.to_owned()));
            }
            "sops.aws-kms" => self.aws = Some(aws_keys(value)?),
            "sops.azure-kv" => self.azure = Some(azure(value)?),
            "sops.gcp-kms" => {
                let file = gcp::CredentialsFile::parse(value.trim_ascii());
                self.gcp = Some(file.map_err(|error| error.to_string())?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A mapping of texts, whose names may be written in any case, as Go reads them.
struct Fields(serde_json::Map<String, Value>);

impl Fields {
    fn read(bytes: &[u8], what: &str) -> Result<Self, String> {
        let failed = |why: &str| format!("failed to unmarshal {what}: {why}");
        if bytes.len() > BYTES {
            return Err(failed("it is too large"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| failed("it is not UTF-8"))?;
        // The parser's own words may quote the text.
        let document = kyaml::parse(text).map_err(|_| failed("it is not YAML"))?;
        let Some(document) = document else {
            return Ok(Self(serde_json::Map::new()));
        };
        match document.root.to_json_value() {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(Value::Null) => Ok(Self(serde_json::Map::new())),
            _ => Err(failed("it is not a mapping")),
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let exact = self.0.get(name);
        let any = || {
            let found = self
                .0
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        };
        exact.or_else(any)
    }

    fn text(&self, name: &str) -> Result<String, String> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("field '{name}' must be a string")),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("field '{name}' must be true or false")),
        }
    }
}

fn aws_keys(value: &[u8]) -> Result<aws::Keys, String> {
    let fields = Fields::read(value, "AWS credentials file")?;
    Ok(aws::Keys {
        id: fields.text("aws_access_key_id")?,
        secret: fields.text("aws_secret_access_key")?,
        session: fields.text("aws_session_token")?,
        expires: SystemTime::UNIX_EPOCH,
    })
}

fn azure(value: &[u8]) -> Result<AzureCredential, String> {
    let text = decode(value);
    let fields = Fields::read(text.as_bytes(), "Azure authentication file")?;
    let authority = match fields.text("authorityHost")?.as_str() {
        "" => AUTHORITY.to_owned(),
        given => given.to_owned(),
    };
    let client = |tenant: String, client: String, proof: Proof| {
        AzureCredential::Client(Identity {
            tenant,
            client,
            authority: authority.clone(),
            proof,
        })
    };
    let (tenant, id) = (fields.text("tenantId")?, fields.text("clientId")?);
    let (secret, pem) = (
        fields.text("clientSecret")?,
        fields.text("clientCertificate")?,
    );
    let send_chain = fields.flag("clientCertificateSendChain")?;
    let locked = !fields.text("clientCertificatePassword")?.is_empty();
    if !tenant.is_empty() && !id.is_empty() {
        if !secret.is_empty() {
            return Ok(client(tenant, id, Proof::Secret(secret)));
        }
        if !pem.is_empty() {
            if locked {
                return Err("a certificate with a password is not accepted".to_owned());
            }
            let certificate = Certificate::from_pem(&pem, send_chain);
            let certificate = certificate.map_err(|error| error.to_string())?;
            return Ok(client(tenant, id, Proof::Certificate(certificate)));
        }
    }
    let (tenant, app, password) = (
        fields.text("tenant")?,
        fields.text("appId")?,
        fields.text("password")?,
    );
    if !tenant.is_empty() && !app.is_empty() && !password.is_empty() {
        return Ok(client(tenant, app, Proof::Secret(password)));
    }
    if !id.is_empty() {
        return Ok(AzureCredential::Machine(id));
    }
    Err("invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'".to_owned())
}

/// The text of a file that may be in UTF-16, as tools of Windows write it.
fn decode(bytes: &[u8]) -> Zeroizing<String> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let chars = char::decode_utf16(units);
        chars
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    Zeroizing::new(match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        plain => String::from_utf8_lossy(plain).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure_kind(bytes: &[u8]) -> String {
        match azure(bytes) {
            Ok(AzureCredential::Machine(id)) => format!("machine {id}"),
            Ok(AzureCredential::Client(identity)) => {
                let proof = match identity.proof {
                    Proof::Secret(secret) => secret,
                    Proof::Assertion(_) => "assertion".to_owned(),
                    Proof::Certificate(_) => "certificate".to_owned(),
                };
                let (tenant, client) = (identity.tenant, identity.client);
                format!("{tenant} {client} {proof} {}", identity.authority)
            }
            Err(why) => why,
        }
    }

    #[test]
    fn azures_file_comes_in_several_forms() {
        let public = "https://login.microsoftonline.com/";
        for (text, expected) in [
            (
                "tenantId: t\nclientId: c\nclientSecret: s\n",
                format!("t c s {public}"),
            ),
            (
                "tenantid: t\nCLIENTID: c\nclientSecret: s\n",
                format!("t c s {public}"),
            ),
            (
                "{\"tenantId\":\"t\",\"clientId\":\"c\",\"clientSecret\":\"s\",\"authorityHost\":\"https://login.example/\"}",
                "t c s https://login.example/".to_owned(),
            ),
            (
                "tenant: t\nappId: a\npassword: p\n",
                format!("t a p {public}"),
            ),
            ("clientId: c\n", "machine c".to_owned()),
            (
                "",
                "invalid data: requires a 'clientId' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'".to_owned(),
            ),
        ] {
            assert_eq!(azure_kind(text.as_bytes()), expected, "{text}");
            let wide: Vec<u8> = std::iter::once(0xFEFF)
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect();
            assert_eq!(azure_kind(&wide), expected, "{text} in UTF-16");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let mut all = Credentials::default();
        for (name, value) in [
            ("sops.aws-kms", "canary: [canary"),
            ("sops.aws-kms", "aws_access_key_id: {canary: canary}"),
            ("sops.aws-kms", "canary"),
            ("sops.azure-kv", "canary: canary"),
            (
                "sops.azure-kv",
                "tenantId: t\nclientId: c\nclientCertificate: canary",
            ),
            ("sops.gcp-kms", "canary"),
        ] {
            let why = all.import(name, value.as_bytes()).expect_err(name);
            assert!(!why.contains("canary"), "{why}");
        }
        all.import("sops.vault-token", b" canary\n\n")
            .expect("token");
        let token = all.vault_token.as_ref().map(|token| token.as_str());
        assert_eq!(token, Some("canary"));
        assert!(!format!("{all:?}").contains("canary"));
        all.import("other", b"x").expect("is passed over");
    }
}
