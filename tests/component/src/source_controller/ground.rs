//! Specs and repositories that want to hurt: each ends in a condition, costs little, and leaves what was there.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use harness::Repository;
use serde_json::json;

use super::fixture::{Sources, artifact, condition, is, message, paths};

/// URLs that carry options, commands, quotes and other hosts, and nothing that answers.
const URLS: [&str; 24] = [
    "ssh://-oProxyCommand=touch%20x/app",
    "ssh://-oProxyCommand=touch${IFS}x@127.0.0.1:1/app",
    "ssh://git@127.0.0.1:1/--upload-pack=touch",
    "ssh://git@127.0.0.1:1/app'; touch x; '",
    "ssh://git@127.0.0.1:1/$(touch x)",
    "ssh://git@127.0.0.1:1/`touch x`",
    "ssh://--upload-pack=x@127.0.0.1:1/app",
    "ssh://git@[::1/app",
    "ssh://git@127.0.0.1:99999/app",
    "ssh://",
    "http://",
    "http://:1/app",
    "http://[::1/app",
    "http://127.0.0.1:99999/app",
    "http://127.0.0.1:1/\u{1}",
    "http://127.0.0.1:1/%zz",
    "http://127.0.0.1:1/../../../etc/passwd",
    "http://127.0.0.1:1/app?--upload-pack=x",
    "http://127.0.0.1:1/app#x",
    "http://exa mple/app",
    "http://127.0.0.1:1@[::1]:1/app",
    "http://127.0.0.1:1\\@evil.invalid/app",
    "https://127.0.0.1:1/-u./x",
    "https://-u.invalid/app",
];

/// What Git clients start.
const PROGRAMS: [&str; 12] = [
    "sh",
    "bash",
    "git",
    "ssh",
    "ssh-askpass",
    "gpg",
    "gpg2",
    "gpgsm",
    "ssh-keygen",
    "git-lfs",
    "git-credential-cache",
    "touch",
];

#[tokio::test]
async fn hostile_urls_end_in_a_condition_and_start_nothing() -> Result<()> {
    // Whatever program it might look for, it finds one that leaves a trace.
    let programs = tempfile::tempdir()?;
    let trace = programs.path().join("trace");
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", trace.display());
    for name in PROGRAMS {
        let program = programs.path().join(name);
        std::fs::write(&program, &script)?;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    }
    let path = programs.path().display().to_string();
    let git = harness::GitServer::start()?;
    let mut all = Sources::with_environment("git-urls", git, &[], &[("PATH", &path)]).await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    let revision = format!("main@sha1:{commit}");
    all.apply(json!({})).await?;
    let before = all.ready(&revision).await?;
    let key = harness::ssh_key_of(russh::keys::Algorithm::Ed25519)?;
    let identity = key
        .to_openssh(russh::keys::ssh_key::LineEnding::LF)?
        .to_string();
    all.secret("ssh", json!({"identity": identity, "known_hosts": "x"}))
        .await?;
    all.secret("none", json!({"other": "x"})).await?;
    for url in URLS {
        let secret = if url.starts_with("ssh") {
            "ssh"
        } else {
            "none"
        };
        let spec = json!({"url": url, "timeout": "5s", "secretRef": {"name": secret}});
        if all.apply(spec).await.is_err() {
            // The API server does not store it.
            continue;
        }
        let object = all
            .wait(url, |object| {
                is(object, "FetchFailed", "True", &reason(object))
                    && condition(object, "FetchFailed")
                        .is_some_and(|it| it.observed_generation == object.metadata.generation)
            })
            .await?;
        let found = reason(&object);
        let known = ["URLInvalid", "GitOperationFailed", "AuthenticationFailed"];
        ensure!(known.contains(&found.as_str()), "{url}: {found}");
        ensure!(artifact(&object) == artifact(&before), "{url}");
        if found == "URLInvalid" {
            ensure!(is(&object, "Stalled", "True", "URLInvalid"), "{url}");
        }
    }
    all.apply(json!({"secretRef": null})).await?;
    all.ready(&revision).await?;
    all.controllers.process().check_running()?;
    let started = std::fs::read_to_string(&trace).unwrap_or_default();
    ensure!(started.is_empty(), "{started}");
    Ok(())
}

fn reason(object: &weir_api::source::v1::GitRepository) -> String {
    condition(object, "FetchFailed").map_or_else(String::new, |found| found.reason)
}

#[tokio::test]
async fn what_deny_cidr_names_is_not_fetched_from() -> Result<()> {
    let git = harness::GitServer::start()?;
    let all = Sources::with("git-denied", git, &["--deny-cidr=127.0.0.0/8,::1/128"]).await?;
    all.repo.commit(&[("a", "1")], "first")?;
    for url in [
        all.repo.url().to_owned(),
        all.repo.url().replace("127.0.0.1", "localhost"),
        all.repo.url().replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ] {
        all.apply(json!({"url": url})).await?;
        let object = all.fails("GitOperationFailed").await?;
        let text = message(&object, "Ready");
        ensure!(
            text.ends_with("the address is denied by --deny-cidr"),
            "{url}: {text}"
        );
    }
    ensure!(all.repo.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn paths_in_specs_stay_in_their_tree() -> Result<()> {
    let all = Sources::start("git-paths").await?;
    let commit = all.repo.commit(&[("a/1", "1"), ("b", "2")], "first")?;
    let revision = format!("main@sha1:{commit}");
    for listed in [
        "../../etc",
        "/etc",
        "/etc/passwd",
        "a/../../etc",
        "..//..//etc",
        "./../etc",
        "a/../../../root",
        "/proc/self",
    ] {
        all.apply(json!({"sparseCheckout": [listed]})).await?;
        let object = all.fails("GitOperationFailed").await?;
        let text = message(&object, "Ready");
        let expected = format!("sparse checkout dir '{listed}' does not exist in repository");
        ensure!(text.contains(&expected), "{text}");
        ensure!(artifact(&object).is_none());
    }
    for (listed, why) in [
        ("\0", "invalid argument"),
        (&*"x".repeat(256), "file name too long"),
    ] {
        all.apply(json!({"sparseCheckout": [listed]})).await?;
        let object = all.fails("GitOperationFailed").await?;
        let text = message(&object, "Ready");
        ensure!(text.contains("cannot be resolved: lstat /"), "{text}");
        ensure!(text.ends_with(why), "{text}");
    }
    // Rules that climb rule nothing.
    all.apply(json!({"ignore": "../../*\n/../a\n../b\n/etc\n"}))
        .await?;
    let object = all.ready(&revision).await?;
    assert_eq!(paths(&*all.files(&object).await?), ["a/1", "b"]);
    // A file of rules may be a link to another one of the tree, and to nothing else.
    let rules = harness::layout::scratch("rules")?;
    let outside = rules.path().join("rules");
    std::fs::write(&outside, "*\n")?;
    let outside = outside.display().to_string();
    for (number, (to, kept)) in [
        ("a/rules", vec!["a/rules"]),
        ("../outside", vec!["a/1", "a/rules", "b"]),
        (outside.as_str(), vec!["a/1", "a/rules", "b"]),
        (".sourceignore", vec!["a/1", "a/rules", "b"]),
        ("a", vec!["a/1", "a/rules", "b"]),
    ]
    .into_iter()
    .enumerate()
    {
        let change = all.repo.change();
        let change = change.write("a/rules", "b\n1\n.sourceignore\n");
        let commit = change
            .symlink(".sourceignore", to)
            .message(&number.to_string())
            .commit()?;
        all.apply(json!({})).await?;
        all.request(&commit).await?;
        let object = all.ready(&format!("main@sha1:{commit}")).await?;
        assert_eq!(paths(&*all.files(&object).await?), kept, "{to}");
    }
    Ok(())
}

/// Makes `main` a commit with a submodule `sub` at `commit`.
fn with_submodule(repo: &Repository, modules: &str, commit: &str) -> Result<String> {
    repo.commit(&[(".gitmodules", modules)], "modules")?;
    repo.git(&["read-tree", "main"])?;
    let entry = format!("160000,{commit},sub");
    repo.git(&["update-index", "--add", "--cacheinfo", &entry])?;
    let tree = repo.git(&["write-tree"])?;
    let made = repo.git(&["commit-tree", &tree, "-m", "with a submodule"])?;
    repo.branch("main", &made)?;
    Ok(made)
}

#[tokio::test]
async fn submodules_that_lead_to_files_programs_or_round_and_round_are_refused() -> Result<()> {
    let all = Sources::start("git-modules").await?;
    let commit = all.repo.commit(&[("a", "1")], "first")?;
    all.apply(json!({})).await?;
    let before = all.ready(&format!("main@sha1:{commit}")).await?;
    let own = all.repo.url().to_owned();
    for (number, (url, expected)) in [
        ("file:///etc", "unsupported URL of submodule"),
        ("-u./x", "unsupported URL of submodule"),
        ("ext::sh -c touch% x", "unsupported URL of submodule"),
        ("/etc", "unsupported URL of submodule"),
        ("ssh://-oProxyCommand=x/y", "unsupported URL of submodule"),
        (own.as_str(), "nested deeper than 10 levels"),
    ]
    .into_iter()
    .enumerate()
    {
        let modules = format!("[submodule \"sub\"]\n\tpath = sub\n\turl = {url}\n");
        // The submodule is the commit before: it has one of its own, down to the first.
        let mut head = all.repo.resolve("main")?;
        for _ in 0..if url == own { 12 } else { 1 } {
            head = with_submodule(&all.repo, &modules, &head)?;
        }
        all.apply(json!({"recurseSubmodules": true, "ignore": format!("# {number}")}))
            .await?;
        all.request(&head).await?;
        let object = all
            .wait(url, |object| message(object, "Ready").contains(expected))
            .await?;
        ensure!(is(&object, "Ready", "False", "GitOperationFailed"), "{url}");
        ensure!(artifact(&object) == artifact(&before), "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn pointers_of_lfs_and_names_that_differ_in_case_are_kept_as_they_are() -> Result<()> {
    let all = Sources::start("git-odd").await?;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let composed = "\u{e9}";
    let decomposed = "e\u{301}";
    let files = [
        ("big.bin", pointer),
        ("Readme", "1"),
        ("readme", "2"),
        (composed, "3"),
        (decomposed, "4"),
    ];
    let commit = all.repo.commit(&files, "first")?;
    all.apply(json!({})).await?;
    let object = all.ready(&format!("main@sha1:{commit}")).await?;
    let tree = all.files(&object).await?;
    for (path, contents) in files {
        let found = tree.lookup(path).context(path.to_owned())?;
        let file_tree::Entry::File { bytes, .. } = found else {
            anyhow::bail!("{path} is no file");
        };
        assert_eq!(bytes.load()?, contents.as_bytes(), "{path}");
    }
    Ok(())
}
