//! The services, and what asks them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{KeyServer, secrets};
use serde_json::json;
use sops::{DataKeys, Format, Keys, Scope};
use tokio::runtime::Handle;
use tokio::time::Instant;
use weir_auth::{Access, Account, Asking, Cluster, Environment, TokenCache};
use weir_kms::{Credentials, KeyServices, TrustedVaults, VaultNetwork};

/// Names and values of a Secret.
pub(crate) type Values = Vec<(&'static str, String)>;

/// The services, and a cluster with service accounts.
pub(crate) struct Setting {
    pub(crate) server: KeyServer,
    /// Variables of the controller, beside those that lead to the services.
    pub(crate) variables: Vec<(String, String)>,
    /// Annotations of the service account, if one is used.
    pub(crate) account: Option<BTreeMap<String, String>>,
    /// Gate `ObjectLevelWorkloadIdentity`.
    pub(crate) gate: bool,
    /// Addresses and login paths of trusted Vaults.
    pub(crate) vaults: Option<BTreeMap<String, String>>,
    /// How long there is.
    pub(crate) patience: Duration,
}

/// A file of the real sops.
pub(crate) fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/{name}", super::FILES)).expect(name)
}

/// What sops makes of that file.
pub(crate) fn plain(name: &str) -> Vec<u8> {
    file(&format!("{name}.out"))
}

impl Setting {
    pub(crate) fn start() -> Self {
        Self {
            server: KeyServer::start().expect("starts"),
            variables: Vec::new(),
            account: None,
            gate: true,
            vaults: None,
            patience: Duration::from_secs(60),
        }
    }

    /// Static credentials of all services.
    pub(crate) fn everything(&self) -> Values {
        let (id, key) = (secrets::AWS_ID, secrets::AWS_KEY);
        let (tenant, client, secret) = (
            secrets::AZURE_TENANT,
            secrets::AZURE_CLIENT,
            secrets::AZURE_SECRET,
        );
        vec![
            (
                "sops.aws-kms",
                format!("aws_access_key_id: {id}\naws_secret_access_key: {key}\n"),
            ),
            (
                "sops.azure-kv",
                format!("tenantId: {tenant}\nclientId: {client}\nclientSecret: {secret}\n"),
            ),
            ("sops.gcp-kms", google_file()),
            ("sops.vault-token", format!("{}\n", secrets::VAULT_TOKEN)),
        ]
    }

    pub(crate) fn cache(&self) -> DataKeys {
        DataKeys::new(100, Duration::from_secs(600))
    }

    fn environment(&self) -> Environment {
        let authority = self.server.authority_file();
        let authority = authority.to_string_lossy().into_owned();
        let proxy = self.server.proxy_url();
        let mut all = vec![
            ("VAULT_CACERT", authority.as_str()),
            ("VAULT_PROXY_ADDR", &proxy),
            // Nobody here is a machine of a cloud.
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("GCE_METADATA_HOST", "127.0.0.1:1"),
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"),
        ];
        let own = self.variables.iter();
        all.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        Environment::of(&all)
    }

    fn client(&self) -> reqwest::Client {
        let authority = reqwest::Certificate::from_pem(self.server.authority().as_bytes());
        let proxy = reqwest::Proxy::all(self.server.proxy_url());
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .proxy(proxy.expect("a proxy"))
            .tls_certs_only([authority.expect("a certificate")])
            .build()
            .expect("a client")
    }

    pub(crate) fn services(&self, values: &[(&str, String)]) -> KeyServices {
        let mut credentials = Credentials::default();
        for (name, value) in values {
            credentials.import(name, value.as_bytes()).expect(name);
        }
        let environment = self.environment();
        let account = Account {
            namespace: "ns".to_owned(),
            name: "app".to_owned(),
            uid: "1".to_owned(),
            annotations: self.account.clone().unwrap_or_default(),
        };
        let access = Access {
            client: self.client(),
            cluster: Arc::new(Tokens(account)),
            environment: environment.clone(),
            cache: TokenCache::new(10, Duration::from_secs(3600)),
            account: self.account.as_ref().map(|_| ("ns".into(), "app".into())),
            by_default: false,
            may_use_accounts: self.gate,
        };
        let vaults = self.vaults.clone();
        KeyServices::new(
            Handle::current(),
            VaultNetwork::new(&environment),
            credentials,
            access,
            Instant::now() + self.patience,
        )
        .trusting(vaults.map(|paths| -> Arc<dyn TrustedVaults> { Arc::new(Listed(paths)) }))
    }

    /// The recorded file of that name, decrypted.
    pub(crate) async fn decrypt(
        &self,
        name: &str,
        values: &[(&str, String)],
    ) -> Result<Vec<u8>, String> {
        self.decrypt_with(&file(name), name, values, None).await
    }

    /// `bytes` decrypted, which are in the form that `name` tells.
    pub(crate) async fn decrypt_with(
        &self,
        bytes: &[u8],
        name: &str,
        values: &[(&str, String)],
        cache: Option<(&DataKeys, u8)>,
    ) -> Result<Vec<u8>, String> {
        let services = self.services(values);
        // A thread that may wait, as builds have it.
        tokio::task::block_in_place(|| {
            let format = Format::for_path(name);
            let keys = Keys {
                services: &services,
                cache: cache.map(|(cache, who)| (cache, Scope([who; 32]), Duration::ZERO)),
                strict_mac: true,
            };
            let plain = sops::decrypt(bytes, format, format, &keys);
            plain
                .map(|plain| plain.to_vec())
                .map_err(|error| error.to_string())
        })
    }
}

/// A service account's file as Google hands it out.
pub(crate) fn google_file() -> String {
    json!({
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "key-1",
        "private_key": secrets::RSA_KEY,
        "client_email": secrets::GOOGLE_EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    })
    .to_string()
}

/// A message without the line breaks and bars that wrap it.
pub(crate) fn flat(message: &str) -> String {
    let words = message.split(|c: char| c.is_whitespace() || c == '|');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A cluster whose tokens nobody signed.
struct Tokens(Account);

impl Cluster for Tokens {
    fn account<'a>(&'a self, _: &'a str, _: &'a str) -> Asking<'a, Account> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> Asking<'a, String> {
        let claims = json!({
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "aud": audiences,
            "exp": 4_000_000_000_u64,
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        Box::pin(async move { Ok(format!("e30.{claims}.canary-account-token")) })
    }
}

struct Listed(BTreeMap<String, String>);

impl TrustedVaults for Listed {
    fn login_paths(&self) -> Asking<'_, BTreeMap<String, String>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn name(&self) -> String {
        "flux-system/vaults".to_owned()
    }
}
