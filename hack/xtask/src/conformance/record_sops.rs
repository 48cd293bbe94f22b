//! Recording what the real sops encrypts and decrypts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use super::record::{folders, install_as};

/// The module that builds the program.
const MODULE: &str = "github.com/getsops/sops/v3/cmd/sops@v3.13.2";

const CORPUS: &str = "tests/conformance/sops";

/// The program, and the keys it has.
struct Judge {
    binary: PathBuf,
    keys: PathBuf,
    home: PathBuf,
}

/// The program, built into the cache where it is missing.
///
/// # Errors
/// It cannot be built.
pub(super) fn installed() -> Result<PathBuf> {
    install_as("sops", MODULE, "sops-3.13.2")
}

/// Records all cases: `sops [--binary PATH] [--filter TEXT]`.
///
/// # Errors
/// The program or gpg cannot be had or run, or a folder cannot be read or written.
pub(super) fn run(binary: Option<PathBuf>, filter: &str) -> Result<()> {
    let binary = match binary {
        Some(path) => path,
        None => installed()?,
    };
    let corpus = Path::new(CORPUS);
    let home = tempfile::tempdir()?;
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))?;
    let judge = Judge {
        binary,
        keys: corpus.join("keys"),
        home: home.path().to_owned(),
    };
    judge.import_keys()?;
    let mut count = 0;
    for group in folders(&corpus.join("inputs"))? {
        if !group.to_string_lossy().contains(filter) {
            continue;
        }
        let cases = corpus
            .join("cases")
            .join(group.file_name().unwrap_or_default());
        fs::create_dir_all(&cases)?;
        for input in files(&group)? {
            let name = input.file_name().unwrap_or_default();
            if name == "flags" || name == "config" {
                continue;
            }
            judge
                .record(&group, &input, &cases.join(name))
                .with_context(|| input.display().to_string())?;
            count += 1;
        }
    }
    for case in files(&corpus.join("cases/tampered"))? {
        if case
            .extension()
            .is_some_and(|extension| !["out", "err", "mac"].iter().any(|own| extension == *own))
        {
            judge.decrypt(&case)?;
            count += 1;
        }
    }
    println!("recorded {count} cases with {}", judge.binary.display());
    super::record_services::run(&judge.binary, filter)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Judge {
    fn import_keys(&self) -> Result<()> {
        let mut identities = String::new();
        for file in files(&self.keys)? {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.ends_with(".asc") {
                let status = Command::new("gpg")
                    .args(["--batch", "--quiet", "--import"])
                    .arg(&file)
                    .env("GNUPGHOME", &self.home)
                    .status()
                    .context("gpg could not be started")?;
                if !status.success() {
                    bail!("gpg --import {name} failed");
                }
            } else if name.ends_with(".agekey") && !name.starts_with("ssh-") {
                identities.push_str(&fs::read_to_string(&file)?);
            }
        }
        fs::write(self.home.join("identities"), identities)?;
        let status = Command::new("sh").args(["-c", "for fpr in $(gpg --list-keys --with-colons | awk -F: '/^fpr/{print $10}'); do echo $fpr:6:; done | gpg --batch --quiet --import-ownertrust"]).env("GNUPGHOME", &self.home).status()?;
        if !status.success() {
            bail!("gpg --import-ownertrust failed");
        }
        Ok(())
    }

    /// The public part of a key file.
    fn public(&self, name: &str) -> Result<String> {
        let path = self.keys.join(name);
        let beside = self.keys.join(format!("{name}.pub"));
        if beside.is_file() {
            return Ok(fs::read_to_string(beside)?.trim().to_owned());
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("# public key: "));
        Ok(line
            .context("a key file without its public key")?
            .to_owned())
    }

    /// Replaces `{FILE}` by the public part of that key.
    fn filled(&self, text: &str) -> Result<String> {
        let mut parts = text.split('{');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').context("a brace is not closed")?;
            out.push_str(&self.public(name)?);
            out.push_str(rest);
        }
        Ok(out)
    }

    fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
        Command::new(&self.binary)
            .args(args)
            .env("GNUPGHOME", &self.home)
            .env("HOME", &self.home)
            .env("SOPS_AGE_KEY_FILE", self.home.join("identities"))
            .output()
            .context("sops could not be started")
    }

    fn record(&self, group: &Path, input: &Path, case: &Path) -> Result<()> {
        let mut args = vec!["encrypt".to_owned()];
        let config = group.join("config");
        if config.is_file() {
            let path = self.home.join(".sops.yaml");
            fs::write(&path, self.filled(&fs::read_to_string(config)?)?)?;
            args.insert(0, path.to_string_lossy().into_owned());
            args.insert(0, "--config".to_owned());
        }
        let flags = fs::read_to_string(group.join("flags")).unwrap_or_default();
        let keyless =
            !flags.contains("--age") && !flags.contains("--pgp") && !group.join("config").is_file();
        let flags = if keyless {
            format!("{flags} --age {{age.agekey}}")
        } else {
            flags
        };
        for flag in flags.split_whitespace() {
            args.push(self.filled(flag)?);
        }
        args.extend([
            "--output".to_owned(),
            case.to_string_lossy().into_owned(),
            input.to_string_lossy().into_owned(),
        ]);
        let encrypted = self.run(&args)?;
        if !encrypted.status.success() {
            // Not everything can be encrypted: then there is nothing to decrypt.
            let why = String::from_utf8_lossy(&encrypted.stderr).into_owned();
            println!(
                "skipped {}: {}",
                input.display(),
                why.lines().next().unwrap_or_default()
            );
            return Ok(());
        }
        self.decrypt(case)
    }

    fn decrypt(&self, case: &Path) -> Result<()> {
        let beside = |extension: &str| PathBuf::from(format!("{}.{extension}", case.display()));
        for extension in ["out", "err", "mac"] {
            let _ = fs::remove_file(beside(extension));
        }
        let path = case.to_string_lossy().into_owned();
        let mut loose = self.run(["decrypt", "--ignore-mac", &path])?;
        let mut strict = self.run(["decrypt", &path])?;
        // The program takes SSH keys from their usual places only.
        for name in ["ssh-ed25519.agekey", "ssh-rsa.agekey"] {
            if !loose.status.success() {
                let ssh = self.home.join(".ssh");
                fs::create_dir_all(&ssh)?;
                let file = if name.contains("rsa") {
                    "id_rsa"
                } else {
                    "id_ed25519"
                };
                fs::copy(self.keys.join(name), ssh.join(file))?;
                loose = self.run(["decrypt", "--ignore-mac", &path])?;
                strict = self.run(["decrypt", &path])?;
            }
        }
        if loose.status.success() {
            fs::write(beside("out"), &loose.stdout)?;
            if !strict.status.success() {
                fs::write(beside("mac"), "")?;
            }
        } else {
            fs::write(beside("err"), "")?;
        }
        Ok(())
    }
}
