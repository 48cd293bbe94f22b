//! What clouds are asked for their clusters, by fakes that check it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::access::{Account, Asking, Cluster};
use crate::cache::TokenCache;
use crate::environment::Environment;

/// Service accounts, and the audiences of the tokens that were asked for.
#[derive(Default)]
struct Accounts {
    annotations: BTreeMap<String, String>,
    audiences: Mutex<Vec<String>>,
}

impl Cluster for Accounts {
    fn account<'a>(&'a self, namespace: &'a str, name: &'a str) -> Asking<'a, Account> {
        let account = Account {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: "1".to_owned(),
            annotations: self.annotations.clone(),
        };
        Box::pin(async move { Ok(account) })
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> Asking<'a, String> {
        let mut asked = self.audiences.lock().expect("is sound");
        asked.extend(audiences.iter().cloned());
        let subject = format!("system:serviceaccount:{namespace}:{name}");
        let claims = json!({"sub": subject, "exp": 4_000_000_000_u64}).to_string();
        Box::pin(async move { Ok(format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims))) })
    }
}

/// A server of plain HTTP that answers by the first line of a request, and keeps the requests.
fn server(answer: fn(&str) -> String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeping = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = vec![0; 16 << 10];
            let length = stream.read(&mut head).unwrap_or(0);
            let request = String::from_utf8_lossy(&head[..length]).into_owned();
            let body = answer(request.lines().next().unwrap_or_default());
            keeping.lock().expect("is sound").push(request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    (url, kept)
}

fn access(accounts: &Arc<Accounts>, variables: &[(&str, &str)]) -> Access {
    Access {
        client: reqwest::Client::new(),
        cluster: Arc::clone(accounts) as Arc<dyn Cluster>,
        environment: Environment::of(variables),
        cache: TokenCache::new(10, Duration::from_secs(3600)),
        account: Some(("ns".to_owned(), "app".to_owned())),
        by_default: false,
        may_use_accounts: true,
    }
}

fn reading(_: &[u8]) -> Result<(String, Vec<u8>), String> {
    Err("no kubeconfig is read here".to_owned())
}

async fn refused(access: &Access, reference: &Reference) -> String {
    let entrance = access.entrance(reference, &reading).await;
    entrance.expect_err("refused").to_string()
}

fn reference(provider: &str) -> Reference {
    Reference {
        provider: provider.to_owned(),
        ..Reference::default()
    }
}

#[tokio::test]
async fn a_generic_cluster_is_entered_with_a_token_for_its_address() {
    let accounts = Arc::new(Accounts::default());
    let access = access(&accounts, &[]);
    let mut reference = Reference {
        address: "Cluster.Example.com".to_owned(),
        authority: "PEM".to_owned(),
        ..reference("generic")
    };
    let entrance = access.entrance(&reference, &reading).await.expect("enters");
    assert_eq!(entrance.address, "https://cluster.example.com:443");
    assert_eq!(entrance.authority, b"PEM");
    reference.audiences = vec!["a".to_owned(), "b".to_owned()];
    access.entrance(&reference, &reading).await.expect("enters");
    let asked = accounts.audiences.lock().expect("is sound").clone();
    assert_eq!(asked, ["Cluster.Example.com", "a", "b"]);
}

#[tokio::test]
async fn what_names_no_cluster_is_told_as_upstream_does() {
    let accounts = Arc::new(Accounts::default());
    let open = access(&accounts, &[]);
    let generic = |address: &str| Reference {
        address: address.to_owned(),
        ..reference("generic")
    };
    for (given, expected) in [
        (reference("ibm"), "provider 'ibm' not implemented"),
        (
            generic(""),
            "cluster address is required to create a REST config",
        ),
        (
            generic("http://host"),
            "failed to parse cluster address http://host: the Kubernetes API server address 'http://host' must use https scheme",
        ),
        (
            reference("aws"),
            r"invalid EKS cluster ARN: ''. must match ^arn:aws[\w-]*:eks:([^:]{1,100}):[0-9]{1,30}:cluster/(.{1,200})$",
        ),
        (
            reference("azure"),
            "failed to get access token for cluster: failed to get provider identity from service account 'ns/app' annotations: azure tenant ID is not set in the service account annotation azure.workload.identity/tenant-id",
        ),
    ] {
        assert_eq!(refused(&open, &given).await, expected);
    }
    let closed = Access {
        may_use_accounts: false,
        ..open
    };
    assert_eq!(
        refused(&closed, &generic("host")).await,
        "failed to get access token for cluster: ObjectLevelWorkloadIdentity feature gate is not enabled"
    );
}

#[tokio::test]
async fn eks_is_described_once_and_entered_with_a_signed_url() {
    let (url, requests) = server(|line| {
        if line.starts_with("POST / ") {
            return "<a><AccessKeyId>AKID</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey>\
                    <SessionToken>SESSION</SessionToken><Expiration>2096-01-01T00:00:00Z</Expiration></a>"
                .to_owned();
        }
        json!({"cluster": {
            "endpoint": "https://eks.example.com", "certificateAuthority": {"data": STANDARD.encode("PEM")},
        }})
        .to_string()
    });
    let role = "arn:aws:iam::1:role/deployer".to_owned();
    let accounts = Arc::new(Accounts {
        annotations: BTreeMap::from([("eks.amazonaws.com/role-arn".to_owned(), role)]),
        ..Accounts::default()
    });
    let access = access(&accounts, &[("AWS_ENDPOINT_URL", &url)]);
    let reference = Reference {
        cluster: "arn:aws:eks:eu-west-1:1:cluster/prod".to_owned(),
        ..reference("aws")
    };
    for _ in 0..2 {
        let entrance = access.entrance(&reference, &reading).await.expect("enters");
        assert_eq!(entrance.address, "https://eks.example.com");
        assert_eq!(entrance.authority, b"PEM");
        let token = entrance.token.secret.strip_prefix("k8s-aws-v1.");
        let signed = URL_SAFE_NO_PAD.decode(token.expect("the prefix"));
        let signed = String::from_utf8(signed.expect("base64")).expect("text");
        let query: BTreeMap<String, String> = Url::parse(&signed)
            .expect("a URL")
            .query_pairs()
            .into_owned()
            .collect();
        for (name, value) in [
            ("Action", "GetCallerIdentity"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host;x-k8s-aws-id"),
            ("X-Amz-Security-Token", "SESSION"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        let scope = query.get("X-Amz-Credential").expect("the scope");
        assert!(scope.starts_with("AKID/") && scope.ends_with("/eu-west-1/sts/aws4_request"));
    }
    let requests = requests.lock().expect("is sound").clone();
    assert_eq!(requests.len(), 2, "keys and description are kept");
    assert!(
        requests[1].starts_with("GET /clusters/prod HTTP/1.1"),
        "{}",
        requests[1]
    );
    assert!(
        requests[1].contains("/eu-west-1/eks/aws4_request"),
        "{}",
        requests[1]
    );
    let asked = accounts.audiences.lock().expect("is sound").clone();
    assert_eq!(asked, ["sts.amazonaws.com"]);
}

#[test]
fn addresses_have_one_form() {
    for (address, expected) in [
        ("HOST", Ok("https://host:443".to_owned())),
        ("https://host:6443/", Ok("https://host:6443".to_owned())),
        ("1.2.3.4:8443", Ok("https://1.2.3.4:8443".to_owned())),
        ("", Err("empty address".to_owned())),
    ] {
        let found = canonical(address).map_err(|error| error.to_string());
        assert_eq!(found, expected, "{address}");
    }
}
