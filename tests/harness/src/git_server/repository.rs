//! One bare repository: its references, authentication and faults.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};

use super::change::Change;
use super::{Authentication, Fault, lock};

/// What the server needs to know about a repository.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) authentication: Mutex<Option<Authentication>>,
    pub(super) fault: Mutex<Option<Fault>>,
    pub(super) requests: Mutex<Vec<String>>,
    pub(super) heads: Mutex<Vec<String>>,
}

/// A repository of a [`GitServer`](super::GitServer), written to by the real `git`.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
    url: String,
    shared: Arc<Shared>,
}

impl Repository {
    pub(super) fn create(path: PathBuf, url: String) -> Result<Self> {
        ensure!(
            !path.exists(),
            "there is a repository {} already",
            path.display()
        );
        let repository = Self {
            path,
            url,
            shared: Arc::default(),
        };
        std::fs::create_dir_all(&repository.path)?;
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main"])?;
        let settings = [
            ("http.receivepack", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("gc.auto", "0"),
        ];
        for (name, value) in settings {
            repository.git(&["config", name, value])?;
        }
        Ok(repository)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The address to clone from.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bare repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `files` on top of `main` and returns the new commit's id.
    ///
    /// # Errors
    /// If `git` fails.
    pub fn commit(&self, files: &[(&str, &str)], message: &str) -> Result<String> {
        let change = self.change().message(message);
        files
            .iter()
            .fold(change, |change, (path, text)| change.write(path, text))
            .commit()
    }

    /// Removes files or folders from `main` and returns the new commit's id.
    ///
    /// # Errors
    /// If `git` fails.
    pub fn delete_files(&self, paths: &[&str], message: &str) -> Result<String> {
        let change = self.change().message(message);
        paths
            .iter()
            .fold(change, |change, path| change.delete(path))
            .commit()
    }

    /// Starts a commit that needs more than text files on `main`.
    pub fn change(&self) -> Change<'_> {
        Change::new(self)
    }

    /// Points a lightweight tag at a commit, moving it if it exists.
    ///
    /// # Errors
    /// If `git` fails.
    pub fn tag(&self, name: &str, commit: &str) -> Result<()> {
        self.git(&["tag", "--force", name, commit]).map(drop)
    }

    /// Makes an annotated tag and returns the id of the tag object.
    ///
    /// # Errors
    /// If `git` fails.
    pub fn annotated_tag(&self, name: &str, commit: &str, message: &str) -> Result<String> {
        self.git(&[
            "tag",
            "--force",
            "--annotate",
            "--message",
            message,
            name,
            commit,
        ])?;
        self.git(&["rev-parse", &format!("refs/tags/{name}")])
    }

    /// Points a branch at a commit, making or moving it (a forced push).
    ///
    /// # Errors
    /// If `git` fails.
    pub fn branch(&self, name: &str, commit: &str) -> Result<()> {
        self.git(&["update-ref", &format!("refs/heads/{name}"), commit])
            .map(drop)
    }

    /// Removes a reference given by its full name, such as `refs/tags/v1`.
    ///
    /// # Errors
    /// If `git` fails.
    pub fn delete_reference(&self, name: &str) -> Result<()> {
        self.git(&["update-ref", "-d", name]).map(drop)
    }

    /// The commit that a branch, tag or other revision names.
    ///
    /// # Errors
    /// If there is none.
    pub fn resolve(&self, revision: &str) -> Result<String> {
        self.git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{revision}^{{commit}}"),
        ])
    }

    /// Asks every client for this user and password from now on.
    pub fn require_basic(&self, user: &str, password: &str) {
        let (user, password) = (user.to_owned(), password.to_owned());
        *lock(&self.shared.authentication) = Some(Authentication::Basic { user, password });
    }

    /// Asks every client for this bearer token from now on.
    pub fn require_bearer(&self, token: &str) {
        *lock(&self.shared.authentication) = Some(Authentication::Bearer(token.to_owned()));
    }

    /// Asks every client for a signature of CodeCommit over the repository's URL from now on, made with the keys of
    /// [`KeyServer`](crate::KeyServer).
    pub fn require_codecommit(&self) {
        *lock(&self.shared.authentication) = Some(Authentication::CodeCommit);
    }

    /// Asks no client for anything from now on.
    pub fn admit_all(&self) {
        *lock(&self.shared.authentication) = None;
    }

    /// Breaks every request from now on, `None` ends that.
    pub fn fault(&self, fault: Option<Fault>) {
        *lock(&self.shared.fault) = fault;
    }

    /// Method, path and query of every request so far.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// The heads of all requests since the last call, as text.
    pub fn take_heads(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.heads))
    }

    /// Runs `git` in this repository and returns its trimmed output.
    ///
    /// # Errors
    /// If `git` is missing or fails; the error holds what it printed.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        let output = self.git_command(args).stdin(Stdio::null()).output();
        let output = output.context("cannot run git: is it installed?")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "git {} failed: {}",
            args.join(" "),
            error.trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub(super) fn git_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.path);
        for name in [
            "GIT_DIR",
            "GIT_INDEX_FILE",
            "GIT_WORK_TREE",
            "GIT_OBJECT_DIRECTORY",
        ] {
            command.env_remove(name);
        }
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Test");
            command.env(format!("GIT_{role}_EMAIL"), "test@example.com");
        }
        command
    }
}
