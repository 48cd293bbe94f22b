//! The Git server as `git` itself sees it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::*;

fn git(args: &[&str]) -> Output {
    Command::new("git")
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap()
}

fn clone(url: &str, into: &Path) -> Result<(), String> {
    let output = git(&["clone", "--quiet", url, into.to_str().unwrap()]);
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_clone_holds_what_was_committed() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    repository
        .commit(&[("a.yaml", "a: 1\n"), ("dir/b", "b")], "First")
        .unwrap();
    let change = repository.change().message("Second").delete("dir");
    let sha = change
        .executable("run.sh", "#!/bin/sh\n")
        .symlink("link", "a.yaml")
        .commit()
        .unwrap();

    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    clone(repository.url(), &work).unwrap();
    assert_eq!(fs::read_to_string(work.join("link")).unwrap(), "a: 1\n");
    assert_eq!(
        fs::read_link(work.join("link")).unwrap(),
        Path::new("a.yaml")
    );
    assert!(!work.join("dir").exists());
    assert_eq!(
        fs::metadata(work.join("run.sh"))
            .unwrap()
            .permissions()
            .mode()
            & 0o111,
        0o111
    );
    assert_eq!(repository.resolve("main").unwrap(), sha);
    assert!(repository.requests()[0].starts_with("GET /app.git/info/refs"));
}

#[test]
fn references_can_be_made_moved_and_removed() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    let first = repository.commit(&[("a", "1")], "First").unwrap();
    let second = repository.commit(&[("a", "2")], "Second").unwrap();
    repository.tag("v1", &first).unwrap();
    let tag = repository.annotated_tag("v2", &second, "Release").unwrap();
    assert_ne!(tag, second);
    assert_eq!(repository.resolve("v2").unwrap(), second);
    repository.branch("next", &first).unwrap();
    assert_eq!(repository.resolve("next").unwrap(), first);
    repository.delete_reference("refs/tags/v1").unwrap();
    assert!(repository.resolve("v1").is_err());
}

#[test]
fn an_amended_commit_keeps_parents_and_other_files() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    let first = repository.commit(&[("a", "1")], "First").unwrap();
    repository.commit(&[("b", "2")], "Second").unwrap();
    let amended = repository
        .change()
        .amend()
        .write("c", "3")
        .commit()
        .unwrap();
    assert_eq!(
        repository
            .git(&["rev-parse", &format!("{amended}^")])
            .unwrap(),
        first
    );
    let files = repository
        .git(&["ls-tree", "--name-only", &amended])
        .unwrap();
    assert_eq!(files, "a\nb\nc");
}

#[test]
fn a_push_arrives() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    let sha = repository.commit(&[("a", "1")], "First").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    clone(repository.url(), &work).unwrap();
    let work = work.to_str().unwrap();
    assert!(
        git(&["-C", work, "push", "--quiet", "origin", "main:other"])
            .status
            .success()
    );
    assert_eq!(repository.resolve("other").unwrap(), sha);
}

#[test]
fn basic_authentication_is_asked_for() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    repository.commit(&[("a", "1")], "First").unwrap();
    repository.require_basic("user", "right");
    let dir = tempfile::tempdir().unwrap();
    assert!(clone(repository.url(), &dir.path().join("none")).is_err());
    let with = |user: &str| repository.url().replace("://", &format!("://{user}@"));
    assert!(clone(&with("user:wrong"), &dir.path().join("wrong")).is_err());
    clone(&with("user:right"), &dir.path().join("right")).unwrap();
}

#[test]
fn tls_is_trusted_only_with_its_own_authority() {
    let server = GitServer::start_tls().unwrap();
    let repository = server.repo("app").unwrap();
    repository.commit(&[("a", "1")], "First").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = clone(repository.url(), &dir.path().join("none")).unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let ca = dir.path().join("ca.crt");
    fs::write(&ca, server.ca().unwrap()).unwrap();
    let listed = Command::new("git")
        .args(["ls-remote", repository.url()])
        .env("GIT_SSL_CAINFO", &ca)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("refs/heads/main"),
        "{listed:?}"
    );
}

#[test]
fn faults_break_requests_until_they_are_lifted() {
    let server = GitServer::start().unwrap();
    let repository = server.repo("app").unwrap();
    repository.commit(&[("a", "1")], "First").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (name, fault) in [
        ("status", Fault::Status(500)),
        ("drop", Fault::Drop),
        ("cut", Fault::Cut(10)),
    ] {
        repository.fault(Some(fault));
        assert!(
            clone(repository.url(), &dir.path().join(name)).is_err(),
            "{name}"
        );
    }
    repository.fault(Some(Fault::Delay(Duration::from_millis(200))));
    let start = Instant::now();
    clone(repository.url(), &dir.path().join("slow")).unwrap();
    assert!(
        start.elapsed() >= Duration::from_millis(400),
        "two requests, each delayed"
    );
    repository.fault(None);
    clone(repository.url(), &dir.path().join("whole")).unwrap();
}

#[test]
fn an_unknown_repository_is_not_found() {
    let server = GitServer::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = clone(&format!("{}/none.git", server.url()), dir.path()).unwrap_err();
    assert!(error.contains("not found"), "{error}");
}
