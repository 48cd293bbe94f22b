//! A chart on the disk: a folder or an archive.

use std::fs::{self, File as Disk};
use std::io::Read as _;
use std::path::Path;

use helm::chart::{Chart, File, Limits, LoadError, Rules, is_gzip};

use helm::values::{Level, Warnings};

use super::Failed;

/// Folders inside of one another.
const MAX_DEPTH: usize = 64;

/// Reads the chart at a path.
pub(super) fn load(path: &str) -> Result<Chart, Failed> {
    let root = Path::new(path);
    let kind = fs::metadata(root).map_err(|_| format!("path {path:?} not found"))?;
    if kind.is_dir() {
        return folder(root, path);
    }
    let archive = bounded(root, Limits::default().bytes)?;
    if !is_gzip(&archive) {
        return Err(no_archive(path, &archive).into());
    }
    telling(|warnings| Chart::from_archive_telling(&archive, &Limits::default(), warnings))
}

/// Says what a file is that is no archive.
fn no_archive(path: &str, data: &[u8]) -> String {
    if path.ends_with(".yml") || path.ends_with(".yaml") {
        return format!("file '{path}' seems to be a YAML file, but expected a gzipped archive");
    }
    // Upstream looks at this many bytes, of which those that are not there count as zeros.
    let head = data.get(..512);
    let binary = |byte: &u8| matches!(byte, 0..=8 | 11 | 14..=26 | 28..=31);
    let kind = match (data, head) {
        (data, _) if data.starts_with(b"PK\x03\x04") => "application/zip",
        (data, _) if data.starts_with(b"%PDF-") => "application/pdf",
        (data, _) if data.starts_with(b"<?xml") => "text/xml; charset=utf-8",
        (_, Some(head)) if !head.iter().any(binary) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    format!("file '{path}' does not appear to be a gzipped archive; got '{kind}'")
}

fn folder(root: &Path, shown: &str) -> Result<Chart, Failed> {
    let description = root.join("Chart.yaml");
    if let Err(error) = fs::metadata(&description) {
        let path = format!("{shown}/Chart.yaml");
        let error = crate::disk::failed("open", &path, &error).text;
        return Err(format!("unable to detect chart at {path}: {error}").into());
    }
    let rules = match fs::metadata(root.join(".helmignore")) {
        Ok(_) => bounded(&root.join(".helmignore"), Limits::default().file)?,
        Err(_) => Vec::new(),
    };
    let mut rules = Rules::parse(&String::from_utf8_lossy(&rules))?;
    rules.add_defaults();
    let mut files = Vec::new();
    let mut left = Limits::default().bytes;
    walk(root, "", &rules, (&mut files, &mut left), 0)?;
    telling(|warnings| Chart::from_directory_telling(files, warnings))
}

/// Prints what there is to say of a chart's files before what is wrong with them.
fn telling(read: impl FnOnce(&mut Warnings) -> Result<Chart, LoadError>) -> Result<Chart, Failed> {
    let mut warnings = Warnings::default();
    let chart = read(&mut warnings);
    for warning in warnings.all() {
        super::log::tell(false, warning);
    }
    Ok(chart?)
}

/// Takes the files below a folder, sorted by name; links are followed, as Helm does for its user.
fn walk(
    folder: &Path,
    inside: &str,
    rules: &Rules,
    (files, left): (&mut Vec<File>, &mut u64),
    depth: usize,
) -> Result<(), Failed> {
    if depth > MAX_DEPTH {
        return Err(format!("{} is nested too deep", folder.display()).into());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let path = folder.join(&name);
        follow(&path)?;
        let name = name.to_string_lossy();
        let inside = match inside {
            "" => name.into_owned(),
            inside => format!("{inside}/{name}"),
        };
        let kind = fs::metadata(&path)?;
        if rules.ignores(&inside, kind.is_dir()) {
            continue;
        }
        if kind.is_dir() {
            walk(&path, &inside, rules, (&mut *files, &mut *left), depth + 1)?;
            continue;
        }
        let path_shown = path.display();
        if !kind.is_file() {
            return Err(format!(
                "cannot load irregular file {path_shown} as it has file mode type bits set"
            )
            .into());
        }
        let data = bounded(&path, Limits::default().file)?;
        *left = left
            .checked_sub(data.len() as u64)
            .ok_or("chart is too large")?;
        let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&data);
        if files.len() >= Limits::default().entries {
            return Err("chart has too many files".into());
        }
        files.push(File {
            name: inside,
            data: data.into(),
        });
    }
    Ok(())
}

/// Tells that a link is followed.
fn follow(path: &Path) -> Result<(), Failed> {
    if !fs::symlink_metadata(path)?.is_symlink() {
        return Ok(());
    }
    let shown = path.display().to_string();
    let resolved = fs::canonicalize(path).map_err(|error| {
        let error = crate::disk::failed("lstat", &missing(path), &error).text;
        format!("error evaluating symlink {shown}: {error}")
    })?;
    let fields = [
        ("path", shown.as_str()),
        ("resolved", &resolved.to_string_lossy()),
    ];
    let text = "found symbolic link in path. Contents of linked file included and used";
    super::log::say(false, Level::Info, text, &fields);
    Ok(())
}

fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, Failed> {
    let shown = path.display().to_string();
    let file = Disk::open(path).map_err(|it| crate::disk::failed("open", &shown, &it).text)?;
    let mut data = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut data)
        .map_err(|it| crate::disk::failed("read", &shown, &it).text)?;
    if data.len() as u64 > most {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Err(
            format!("chart file {name:?} is larger than the maximum file size {most}").into(),
        );
    }
    Ok(data)
}

/// The path on which a link's way ends.
fn missing(link: &Path) -> String {
    let target = fs::read_link(link).unwrap_or_default();
    let whole = link.parent().unwrap_or(link).join(target);
    let mut path = std::path::PathBuf::new();
    for part in Path::new(&super::inputs::clean(&whole)).components() {
        path.push(part);
        if fs::symlink_metadata(&path).is_err() {
            break;
        }
    }
    path.display().to_string()
}
