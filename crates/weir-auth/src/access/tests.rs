//! Who may have what, without any network.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

/// A cluster that counts how often it gives a token.
#[derive(Default)]
struct Counting {
    tokens: AtomicUsize,
    missing: bool,
}

impl Cluster for Counting {
    fn account<'a>(&'a self, namespace: &'a str, name: &'a str) -> Asking<'a, Account> {
        Box::pin(async move {
            if self.missing {
                let text = format!("serviceaccounts \"{name}\" not found");
                return Err(Error::Missing(text));
            }
            Ok(Account {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: "1".to_owned(),
                ..Account::default()
            })
        })
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> Asking<'a, String> {
        self.tokens.fetch_add(1, Ordering::Relaxed);
        let claims = json!({
            "sub": format!("system:serviceaccount:{namespace}:{name}"), "aud": audiences, "exp": 4_000_000_000_u64,
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        Box::pin(async move { Ok(format!("e30.{claims}.canary")) })
    }
}

fn access(cluster: &Arc<Counting>) -> Access {
    Access {
        client: Client::new(),
        cluster: Arc::clone(cluster) as Arc<dyn Cluster>,
        environment: Environment::of(&[("AWS_EC2_METADATA_DISABLED", "true")]),
        cache: TokenCache::new(10, Duration::from_secs(3600)),
        account: Some(("ns".to_owned(), "app".to_owned())),
        by_default: false,
        may_use_accounts: true,
    }
}

#[tokio::test]
async fn a_token_is_kept_by_account_and_audience() {
    let cluster = Arc::new(Counting::default());
    let mut access = access(&cluster);
    let ask = async |access: &Access, audience: &str| {
        let token = access.kubernetes(&[audience.to_owned()]).await;
        claims_of(&token.expect("a token").secret)
    };
    let first = ask(&access, "a").await;
    assert_eq!(first["aud"], json!(["a"]));
    ask(&access, "a").await;
    assert_eq!(cluster.tokens.load(Ordering::Relaxed), 1);
    ask(&access, "b").await;
    access.account = Some(("ns".to_owned(), "other".to_owned()));
    let other = ask(&access, "a").await;
    assert_eq!(other["sub"], "system:serviceaccount:ns:other");
    assert_eq!(cluster.tokens.load(Ordering::Relaxed), 3);
}

fn claims_of(token: &str) -> serde_json::Value {
    jwt::claims(token).expect("claims")
}

#[tokio::test]
async fn failures_read_as_upstreams() {
    let there = Arc::new(Counting::default());
    let gone = Arc::new(Counting {
        missing: true,
        ..Counting::default()
    });
    let text = |result: Result<Token, Error>| match result {
        Ok(_) => "a token".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        text(access(&gone).kubernetes(&[]).await),
        "failed to get service account 'ns/app': serviceaccounts \"app\" not found"
    );
    let of_a_flag = Access {
        by_default: true,
        ..access(&gone)
    };
    assert_eq!(
        text(of_a_flag.azure_devops().await),
        "failed to get access token for Git repository: failed to get service account 'ns/app': the specified default service account does not exist in the object namespace. your cluster is subject to multi-tenant workload identity lockdown, reach out to your cluster administrator for help"
    );
    let closed = Access {
        may_use_accounts: false,
        ..access(&there)
    };
    assert_eq!(
        text(closed.kubernetes(&[]).await),
        "ObjectLevelWorkloadIdentity feature gate is not enabled"
    );
    assert_eq!(there.tokens.load(Ordering::Relaxed), 0);
    assert_eq!(
        text(
            access(&there)
                .aws("eu-west-1")
                .await
                .map(|keys| keys.to_token())
        ),
        r"failed to get provider identity from service account 'ns/app' annotations: invalid eks.amazonaws.com/role-arn annotation: ''. must match ^arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}$"
    );
    let own = Access {
        account: None,
        ..access(&there)
    };
    assert_eq!(
        text(own.aws("eu-west-1").await.map(|keys| keys.to_token())),
        "failed to create provider access token for the controller: no AWS credentials in the environment, and the instance metadata service is disabled"
    );
}

#[test]
fn only_tokens_of_accounts_tell_an_account() {
    let token = |subject: &str| {
        let claims = URL_SAFE_NO_PAD.encode(json!({"sub": subject}).to_string());
        account_of(&format!("e30.{claims}.x")).map_err(|error| error.to_string())
    };
    assert_eq!(
        token("system:serviceaccount:flux-system:kustomize-controller"),
        Ok(("flux-system".into(), "kustomize-controller".into()))
    );
    for subject in [
        "",
        "admin",
        "system:serviceaccount::x",
        "system:serviceaccount:x",
    ] {
        assert_eq!(
            token(subject),
            Err(format!("unexpected token subject '{subject}'"))
        );
    }
}
