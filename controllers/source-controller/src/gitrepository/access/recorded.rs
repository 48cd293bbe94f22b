//! What Flux says of odd URLs, recorded.

use serde_json::Value;
use weir_api::source::v1::{GitRepositoryRef, GitRepositorySpec};
use weir_git::{Git, Network, without_user};
use weir_runtime::kind::{Chain, Failure as _};

use super::super::checkout::{Job, look};
use super::*;
use crate::source::Known;

const CASES: &str = include_str!("../../../../../tests/conformance/git-urls/urls.jsonl");

/// Where ours says something else, and why.
const OTHER_TEXTS: [(&str, &str); 14] = [
    ("ssh://:1/app", "no host is not this machine"),
    (
        "http://127.0.0.1:1/",
        "one slash at the end is as good as none",
    ),
    (
        "http://127.0.0.1:1/app/",
        "one slash at the end is as good as none",
    ),
    (
        "ssh://git@[::1]:1/app",
        "go-git cannot dial an IPv6 address over ssh",
    ),
    (
        "http://UPPER.invalid/app",
        "names are shown as they are asked for",
    ),
    (
        "http://bücher.invalid/app",
        "names are shown as they are asked for",
    ),
    (
        "http://127.0.0.1:1/../../../etc/passwd",
        "dots are resolved before they are sent",
    ),
    (
        "http://127.0.0.1:1/./a/../b",
        "dots are resolved before they are sent",
    ),
    (
        "http://[::ffff:127.0.0.1]:1/app",
        "addresses are shown as they are asked for",
    ),
    (
        "http://alice:sec%zzret@127.0.0.1:1/app",
        "nothing of a password is quoted",
    ),
    (
        "http://al%zzice@127.0.0.1:1/app",
        "nothing of a user is quoted",
    ),
    ("ssh://al%zz@127.0.0.1:1/app", "nothing of a user is quoted"),
    (
        "http://127.0.0.1:1/app?a%zz",
        "a query is no part of a repository's path",
    ),
    (
        "http://127.0.0.1:1/app?a b",
        "blanks are shown as they are sent",
    ),
];

async fn judged(text: &str) -> Error {
    let key = harness::ssh_key_of(russh::keys::Algorithm::Ed25519).expect("makes a key");
    let identity = key
        .to_openssh(russh::keys::ssh_key::LineEnding::LF)
        .expect("prints");
    let public = key.public_key().to_openssh().expect("prints");
    let known_hosts = format!("other.invalid {public}");
    let options = options_of(text, |scheme| match scheme {
        SSH => Values::from([
            (
                secret_key::IDENTITY.to_owned(),
                identity.as_bytes().to_vec(),
            ),
            (secret_key::KNOWN_HOSTS.to_owned(), known_hosts.into_bytes()),
        ]),
        _ => Values::new(),
    });
    let options = match options {
        Ok(options) => options,
        Err(error) => return error,
    };
    let spec = GitRepositorySpec {
        url: text.to_owned(),
        reference: Some(GitRepositoryRef {
            branch: "main".to_owned(),
            ..GitRepositoryRef::default()
        }),
        ..GitRepositorySpec::default()
    };
    let job = Job {
        spec,
        options,
        known: Known::default(),
    };
    let unknown = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let git = Git::new(1).with_network(Network::denying(&[]).with_lookup(unknown));
    let directory = tempfile::tempdir().expect("makes a folder");
    let looked = git.run(std::time::Duration::from_secs(20), move |session| {
        look(&job, directory.path(), session)
    });
    looked.await.expect_err("nothing is there")
}

/// As a pass does it, with a Secret of these values.
fn options_of(text: &str, values: impl FnOnce(&str) -> Values) -> Result<RemoteOptions, Error> {
    let url = parse(text)?;
    let values = values(&url.scheme());
    let mut options = RemoteOptions::default();
    if url.scheme() == SSH {
        refuse_no_host(&url)?;
        options.ssh = Some(ssh("ns/creds", &values).map_err(Error::ConfigureAuth)?);
    } else {
        options.credentials = credentials("", &url, &values)?;
    }
    Ok(options)
}

/// Upstream's text without what ours does not show.
fn hidden(message: &str, url: &str) -> String {
    let bare = without_user(url);
    let message = message.replace(url, &bare);
    let message = message.replace(&format!("{url:?}"), &format!("{bare:?}"));
    match message.split_once("Get \"") {
        Some((before, asked)) => format!("{before}Get \"{}", without_user(asked)),
        None => message,
    }
}

#[tokio::test]
async fn every_recorded_url_is_told_in_fluxs_words() {
    let mut count = 0;
    let mut unexpected = Vec::new();
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("is JSON");
        let text = |key: &str| case[key].as_str().expect("is text");
        let url = text("url");
        let error = judged(url).await;
        assert_eq!(error.reason(), text("reason"), "{line}");
        assert_eq!(error.stalls(), text("reason") == "URLInvalid", "{line}");
        let (ours, theirs) = (Chain(&error).to_string(), hidden(text("message"), url));
        assert!(
            !ours.contains("secret@") && !ours.contains("s%65cret"),
            "{ours}"
        );
        let other = OTHER_TEXTS.iter().any(|(listed, _)| *listed == url);
        // What this machine serves at the default port, and whether it has IPv6, is not ours to say.
        let elsewhere = theirs.contains("dial tcp [::1]") || theirs.contains(":80: connect:");
        if !elsewhere && (ours != theirs) != other {
            unexpected.push(format!("{url}\n{ours}\n{theirs}"));
        }
        count += 1;
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n\n"));
    assert!(count > 120, "{count} cases");
}
