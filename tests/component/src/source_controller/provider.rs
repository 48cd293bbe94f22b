//! Repositories that open to a GitHub App, an identity of Azure, or keys of AWS: the services check what they are
//! sent.

use anyhow::{Context as _, Result};
use harness::{GitServer, KeyServer, ProxyKind, ProxyServer, secrets};
use serde_json::{Value, json};

use super::fixture::{Sources, condition, is, message};

const DEVOPS: &str = "dev.azure.com";
const CODECOMMIT: &str = "git-codecommit.eu-west-1.amazonaws.com";
const AUTHORITY: &str = "login.microsoftonline.com";
const STS: &str = "sts.eu-west-1.amazonaws.com";
const GATE: &str = "--feature-gates=ObjectLevelWorkloadIdentity=true";

/// The services under their real names, which only the proxy of the Secret `proxy` leads to.
struct Clouds {
    all: Sources,
    keys: KeyServer,
    proxy: ProxyServer,
    _folder: tempfile::TempDir,
}

impl Clouds {
    async fn start(test: &str, flags: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let git = GitServer::start_tls_of(&[DEVOPS, CODECOMMIT])?;
        let keys = KeyServer::start()?;
        let routes = [
            (DEVOPS, git.address()),
            (CODECOMMIT, git.address()),
            (AUTHORITY, keys.address()),
            (STS, keys.address()),
        ];
        let login = ("proxy-user", "canary-proxy");
        let proxy = ProxyServer::start(ProxyKind::Http, Some(login), &routes)?;
        let folder = tempfile::tempdir()?;
        let roots = folder.path().join("roots.pem");
        let trusted = [git.ca().context("has an authority")?, keys.authority()];
        std::fs::write(&roots, trusted.join("\n"))?;
        let roots = roots.to_string_lossy().into_owned();
        let mut environment = vec![
            ("SSL_CERT_FILE", roots.as_str()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            // Nothing listens there: whoever asks the machine hears so at once.
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9"),
        ];
        environment.extend(variables);
        let all = Sources::with_environment(test, git, flags, &environment).await?;
        let secret = json!({"address": proxy.url(), "username": login.0, "password": login.1});
        all.secret("proxy", secret).await?;
        Ok(Self {
            all,
            keys,
            proxy,
            _folder: folder,
        })
    }

    /// Applies `app` at this host, through the proxy.
    async fn apply(&self, host: &str, spec: Value) -> Result<()> {
        let mut whole =
            json!({"url": format!("https://{host}/app.git"), "proxySecretRef": {"name": "proxy"}});
        if let (Value::Object(whole), Value::Object(spec)) = (&mut whole, spec) {
            whole.extend(spec);
        }
        self.all.apply(whole).await
    }

    async fn account(&self, annotations: Value) -> Result<()> {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "tenant", "annotations": annotations},
        });
        self.all.namespace.apply(&account.to_string()).await?;
        Ok(())
    }

    /// What a request to this name held, the last one.
    fn asked(&self, host: &str) -> Option<harness::Asked> {
        let asked = self.keys.asked();
        asked.into_iter().rev().find(|asked| asked.host == host)
    }

    /// No credential is in the object, and none in the log.
    async fn nothing_is_shown(&mut self) -> Result<()> {
        let object = self.all.wait("any state", |_| true).await?;
        let status = serde_json::to_string(&object.status)?;
        let log = self.all.controllers.process().log_tail(10_000);
        for text in [status, log] {
            assert!(!text.contains("canary") && !text.contains("eyJ"), "{text}");
        }
        Ok(())
    }
}

#[tokio::test]
async fn azure_devops_opens_to_the_controllers_own_identity() -> Result<()> {
    let variables = [
        ("AZURE_TENANT_ID", secrets::AZURE_TENANT),
        ("AZURE_CLIENT_ID", secrets::AZURE_CLIENT),
        ("AZURE_CLIENT_SECRET", secrets::AZURE_SECRET),
    ];
    let mut clouds = Clouds::start("git-azure", &[], &variables).await?;
    let commit = clouds.all.repo.commit(&[("a", "1")], "first")?;
    clouds.all.repo.require_bearer(secrets::AZURE_DEVOPS_TOKEN);
    // The user that Azure puts into its URLs is of no account.
    clouds
        .apply(&format!("org@{DEVOPS}"), json!({"provider": "azure"}))
        .await?;
    clouds.all.ready(&format!("main@sha1:{commit}")).await?;
    let asked = clouds.asked(AUTHORITY).context("the authority was asked")?;
    assert_eq!(asked.form("client_secret"), secrets::AZURE_SECRET);
    assert!(clouds.proxy.log().contains(&format!("{AUTHORITY}:443")));

    // One token for all passes, until it is old.
    let before = clouds.keys.asked().len();
    clouds.all.reconcile("again").await?;
    assert_eq!(clouds.keys.asked().len(), before);
    let metrics = reqwest::get(clouds.all.controllers.metrics_url()).await?;
    let metrics = metrics.text().await?;
    let hits = format!(
        "gotk_token_cache_events_total{{event_type=\"cache_hit\",kind=\"GitRepository\",name=\"app\",namespace=\"{}\",operation=\"reconcile\"}}",
        clouds.all.namespace.name()
    );
    assert!(metrics.contains(&hits), "{metrics}");
    assert!(metrics.contains("gotk_token_cached_items 1"), "{metrics}");
    clouds.nothing_is_shown().await
}

#[tokio::test]
async fn azure_devops_opens_to_a_service_account_with_its_annotations() -> Result<()> {
    let mut clouds = Clouds::start("git-azure-account", &[GATE], &[]).await?;
    let commit = clouds.all.repo.commit(&[("a", "1")], "first")?;
    clouds.all.repo.require_bearer(secrets::AZURE_DEVOPS_TOKEN);
    let spec = json!({"provider": "azure", "serviceAccountName": "tenant"});
    clouds.apply(DEVOPS, spec).await?;
    let namespace = clouds.all.namespace.name().to_owned();
    let start = "failed to configure authentication options: failed to get access token for Git repository: failed to get";
    let object = clouds.all.fails("AuthenticationFailed").await?;
    assert_eq!(
        message(&object, "Ready"),
        format!(
            "{start} service account '{namespace}/tenant': serviceaccounts \"tenant\" not found"
        )
    );
    let tenant = ("azure.workload.identity/tenant-id", secrets::AZURE_TENANT);
    let client = ("azure.workload.identity/client-id", secrets::AZURE_CLIENT);
    clouds.account(json!({tenant.0: tenant.1})).await?;
    let expected = format!(
        "{start} provider identity from service account '{namespace}/tenant' annotations: azure client ID is not set in the service account annotation {}",
        client.0
    );
    clouds.all.request("one").await?;
    clouds
        .all
        .wait("the lacking annotation", |object| {
            message(object, "Ready") == expected
        })
        .await?;
    clouds
        .account(json!({tenant.0: tenant.1, client.0: client.1}))
        .await?;
    clouds.all.request("two").await?;
    clouds.all.ready(&format!("main@sha1:{commit}")).await?;
    let asked = clouds.asked(AUTHORITY).context("the authority was asked")?;
    assert!(asked.form("client_assertion").starts_with("eyJ"));
    clouds.nothing_is_shown().await
}

#[tokio::test]
async fn a_service_account_is_of_no_use_while_the_gate_is_off() -> Result<()> {
    let clouds = Clouds::start("git-gate", &[], &[]).await?;
    let spec = json!({"provider": "azure", "serviceAccountName": "tenant"});
    clouds.apply(DEVOPS, spec).await?;
    let object = clouds.all.fails("FeatureGateDisabled").await?;
    assert!(is(&object, "Stalled", "True", "FeatureGateDisabled"));
    assert_eq!(
        message(&object, "FetchFailed"),
        "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
    );
    assert!(clouds.keys.asked().is_empty());
    Ok(())
}

#[tokio::test]
async fn codecommit_opens_to_keys_that_sign_its_url() -> Result<()> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", secrets::AWS_ID),
        ("AWS_SECRET_ACCESS_KEY", secrets::AWS_KEY),
    ];
    let mut clouds = Clouds::start("git-aws", &[], &variables).await?;
    let commit = clouds.all.repo.commit(&[("a", "1")], "first")?;
    clouds.all.repo.require_codecommit();
    clouds.apply(CODECOMMIT, json!({"provider": "aws"})).await?;
    clouds.all.ready(&format!("main@sha1:{commit}")).await?;

    let elsewhere = format!("{DEVOPS}:443");
    clouds.apply(&elsewhere, json!({"provider": "aws"})).await?;
    let object = clouds.all.fails("AuthenticationFailed").await?;
    assert_eq!(
        message(&object, "Ready"),
        format!(
            "failed to configure authentication options: invalid AWS CodeCommit Git URL: {DEVOPS}"
        )
    );
    clouds.nothing_is_shown().await
}

#[tokio::test]
async fn codecommit_opens_to_the_role_of_a_service_account() -> Result<()> {
    let mut clouds = Clouds::start(
        "git-aws-account",
        &[GATE, "--default-service-account=tenant"],
        &[],
    )
    .await?;
    let commit = clouds.all.repo.commit(&[("a", "1")], "first")?;
    clouds.all.repo.require_codecommit();
    clouds.apply(CODECOMMIT, json!({"provider": "aws"})).await?;
    let object = clouds.all.fails("AuthenticationFailed").await?;
    let namespace = clouds.all.namespace.name().to_owned();
    assert_eq!(
        message(&object, "Ready"),
        format!(
            "failed to configure authentication options: failed to get access token for Git repository: failed to get service account '{namespace}/tenant': the specified default service account does not exist in the object namespace. your cluster is subject to multi-tenant workload identity lockdown, reach out to your cluster administrator for help"
        )
    );
    let role = json!({"eks.amazonaws.com/role-arn": secrets::AWS_ROLE});
    clouds.account(role).await?;
    clouds.all.request("now").await?;
    clouds.all.ready(&format!("main@sha1:{commit}")).await?;
    let asked = clouds.asked(STS).context("STS was asked")?;
    assert_eq!(asked.form("Action"), "AssumeRoleWithWebIdentity");
    assert_eq!(
        asked.form("RoleSessionName"),
        format!("tenant.{namespace}.eu-west-1.fluxcd.io")
    );
    clouds.nothing_is_shown().await
}

#[tokio::test]
async fn a_github_app_opens_its_repositories_and_a_refusal_is_told() -> Result<()> {
    let mut clouds = Clouds::start("git-github", &[], &[]).await?;
    let all = &clouds.all;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.repo
        .require_basic("x-access-token", secrets::GITHUB_TOKEN);
    let base = format!("{}/api/v3", clouds.keys.plain_url());
    let app = |installation: (&str, &str)| {
        json!({
            "githubAppID": secrets::GITHUB_APP, "githubAppPrivateKey": secrets::RSA_KEY,
            "githubAppBaseURL": base, installation.0: installation.1,
        })
    };
    all.secret("app", app(("githubAppInstallationOwner", "nobody")))
        .await?;
    let spec = json!({"provider": "github", "secretRef": {"name": "app"}});
    all.apply(spec).await?;
    let object = all.fails("AuthenticationFailed").await?;
    assert_eq!(
        message(&object, "Ready"),
        format!(
            "failed to configure authentication options: failed to find organization installation: GET {base}/orgs/nobody/installation: 404 Not Found []\n\
             failed to find user installation: GET {base}/users/nobody/installation: 404 Not Found []"
        )
    );
    all.secret("app", app(("githubAppInstallationOwner", "acme")))
        .await?;
    all.request("one").await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    assert!(condition(&object, "FetchFailed").is_none());
    clouds.nothing_is_shown().await
}

#[tokio::test]
async fn an_apps_secret_and_its_provider_go_together() -> Result<()> {
    let all = Sources::start("git-github-mixed").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let app = json!({
        "githubAppID": secrets::GITHUB_APP, "githubAppPrivateKey": secrets::RSA_KEY,
        "githubAppInstallationID": "1",
    });
    all.secret("app", app).await?;
    all.secret("basic", json!({"username": "u", "password": "p"}))
        .await?;
    let name = format!("{}/app", all.namespace.name());
    let foreign =
        format!("secretRef '{name}' has github app data but provider is not set to github");
    let needed = "secretRef with github app data must be specified when provider is set to github";
    for (provider, secret, text) in [
        (None, Some("app"), foreign.as_str()),
        (Some("generic"), Some("app"), foreign.as_str()),
        (Some("github"), Some("basic"), needed),
        (Some("github"), None, needed),
    ] {
        let reference = secret.map(|name| json!({"name": name}));
        all.apply(json!({"provider": provider, "secretRef": reference}))
            .await?;
        let object = all.fails("InvalidProviderConfiguration").await?;
        assert_eq!(message(&object, "Ready"), text, "{provider:?} {secret:?}");
        // Only without a Secret nothing but the spec can help.
        let stalled = is(&object, "Stalled", "True", "InvalidProviderConfiguration");
        assert_eq!(stalled, secret.is_none(), "{provider:?} {secret:?}");
    }
    all.apply(json!({"provider": "generic"})).await?;
    all.ready(&format!("main@sha1:{commit}")).await?;
    Ok(())
}
