//! Runs recorded decryptions: `corpus DIR [--verbose] [--filter TEXT]`, counted per group.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program: it reads cases and prints what came of them"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sops::{Format, KeyService, Keys, MasterKey, Secret, age, pgp};

#[derive(Default)]
struct Local {
    identities: age::Identities,
    keyring: pgp::Keyring,
}

impl KeyService for Local {
    fn decrypt(&self, key: &MasterKey) -> Result<Secret, String> {
        match key {
            MasterKey::Age { encrypted, .. } => self.identities.decrypt(encrypted),
            MasterKey::Pgp { encrypted, .. } => self.keyring.decrypt(encrypted),
            other => Err(format!("no key service for {other}")),
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    let mut args = std::env::args().skip(1);
    let corpus = PathBuf::from(args.next().ok_or("say which folder")?);
    let (mut verbose, mut filter) = (false, String::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--verbose" => verbose = true,
            "--filter" => filter = args.next().unwrap_or_default(),
            other => return Err(format!("unknown argument '{other}'").into()),
        }
    }
    let local = keys(&corpus.join("keys"))?;
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for folder in sorted(&corpus.join("cases"))? {
        for case in sorted(&folder)? {
            let name = case.display().to_string();
            if [".out", ".err", ".mac"]
                .iter()
                .any(|own| name.ends_with(own))
                || !name.contains(&filter)
            {
                continue;
            }
            let group = folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let (passed, all) = groups.entry(group).or_default();
            *all += 1;
            match check(&case, &local) {
                Ok(()) => *passed += 1,
                Err(why) if verbose => println!("{name}: {why}"),
                Err(_) => {}
            }
        }
    }
    let (mut passed, mut all) = (0, 0);
    for (group, (good, count)) in &groups {
        println!(
            "{group:28} {good:4} of {count:4} {:6.1} %",
            percent(*good, *count)
        );
        passed += good;
        all += count;
    }
    println!(
        "{:28} {passed:4} of {all:4} {:6.1} %",
        "all",
        percent(passed, all)
    );
    Ok(passed == all && all > 0)
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand cases")]
fn percent(passed: usize, all: usize) -> f64 {
    if all == 0 {
        0.0
    } else {
        passed as f64 * 100.0 / all as f64
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder)?
        .map(|entry| Ok::<_, Failure>(entry?.path()))
        .collect();
    let mut entries = entries?;
    entries.sort();
    Ok(entries)
}

fn keys(folder: &Path) -> Result<Local, Failure> {
    let mut local = Local::default();
    for file in sorted(folder)? {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("agekey") => local.identities.import(&fs::read_to_string(&file)?)?,
            Some("asc") => local.keyring.import(&fs::read(&file)?)?,
            _ => {}
        }
    }
    Ok(local)
}

fn check(case: &Path, local: &Local) -> Result<(), Failure> {
    let name = case.display().to_string();
    let bytes = fs::read(case)?;
    let format = Format::for_path(&name);
    let decrypt = |strict_mac| {
        let keys = Keys {
            services: local,
            cache: None,
            strict_mac,
        };
        sops::decrypt(&bytes, format, format, &keys)
    };
    let loose = decrypt(false);
    if Path::new(&format!("{name}.err")).exists() {
        return match loose {
            Ok(_) => Err("decrypted, but should fail".into()),
            Err(_) => Ok(()),
        };
    }
    let expected = fs::read(format!("{name}.out"))?;
    let found = loose?;
    if *found != expected {
        let at = found
            .iter()
            .zip(&expected)
            .take_while(|(a, b)| a == b)
            .count();
        let near = |bytes: &[u8]| {
            let end = bytes.len().min(at + 60);
            String::from_utf8_lossy(&bytes[at.saturating_sub(40).min(end)..end]).into_owned()
        };
        return Err(format!(
            "differs at byte {at}: got {:?}, expected {:?}",
            near(&found),
            near(&expected)
        )
        .into());
    }
    let strict = !Path::new(&format!("{name}.mac")).exists();
    match decrypt(true) {
        Ok(_) if !strict => Err("its code should not fit".into()),
        Err(error) if strict => Err(error.into()),
        _ => Ok(()),
    }
}
