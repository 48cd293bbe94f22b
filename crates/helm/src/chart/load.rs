//! From files to charts.
//!
//! Source: Helm 4.2.4 `pkg/chart/v2/loader/load.go`, `pkg/chart/loader/load.go`; Kubernetes 1.36
//! `apimachinery/pkg/util/yaml/decoder.go`

use std::collections::BTreeMap;
use std::sync::Arc;

use go_template::{Map, Str, Type, Value};

use super::archive::{self, ArchiveError, Limits};
use super::metadata::check_lock;
use super::{Chart, File, MetadataError};
use crate::values::Warnings;
use crate::yaml;

/// Charts inside of charts: more is no chart's.
const MAX_NESTING: usize = 32;

/// Why files are no chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is no `Chart.yaml`.
    #[error("Chart.yaml file is missing")]
    Missing,
    /// No file of an archive is a `Chart.yaml`.
    #[error("unable to detect chart version, no Chart.yaml found")]
    Undetected,
    /// An `apiVersion` that nobody knows.
    #[error("unsupported chart version")]
    Unsupported,
    /// A file that cannot be read.
    #[error("cannot load {0}: {1}")]
    Yaml(&'static str, yaml::Error),
    /// Default values that cannot be read.
    #[error("cannot load values.yaml: {0}")]
    Values(ValuesError),
    /// A description that is refused.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// An archive that cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A folder where an archive has to be.
    #[error("error unpacking subchart tar in {chart}: expected {name}, got {found}")]
    Subarchive {
        /// The chart.
        chart: String,
        /// What was expected.
        name: String,
        /// What is there.
        found: String,
    },
    /// A chart below `charts/` that cannot be read.
    #[error("error unpacking subchart {name} in {chart}: {error}")]
    Subchart {
        /// Its file or folder.
        name: String,
        /// The chart.
        chart: String,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// Charts inside of one another beyond what is read.
    #[error("charts are nested deeper than {MAX_NESTING}")]
    Nesting,
}

/// Why a file of values cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// Something but a comment behind `---`.
    #[error("error reading yaml document: invalid Yaml document separator: {0}")]
    Separator(String),
    /// A document that is no map.
    #[error("cannot unmarshal yaml document: {0}")]
    Document(yaml::Error),
}

/// Reads a file of values: its documents merged in order.
///
/// # Errors
/// [`ValuesError`].
pub fn load_values(text: &[u8]) -> Result<Map, ValuesError> {
    let mut values = Map::new(&Type::MAP);
    for document in documents(text)? {
        let read = yaml::read_map(&document).map_err(ValuesError::Document)?;
        values = merge_maps(&values, &read);
    }
    Ok(values)
}

/// The documents of a text. A `---` that begins one stays with it.
fn documents(text: &[u8]) -> Result<Vec<Vec<u8>>, ValuesError> {
    let mut documents = Vec::new();
    let mut document: Vec<u8> = Vec::new();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() {
        return Ok(documents);
    }
    for line in text.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(rest) = line.strip_prefix(b"---") {
            let rest = String::from_utf8_lossy(rest);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(ValuesError::Separator(rest.to_owned()));
            }
            if !document.is_empty() {
                documents.push(std::mem::take(&mut document));
                continue;
            }
        }
        document.extend_from_slice(line);
        document.push(b'\n');
    }
    if !document.is_empty() {
        documents.push(document);
    }
    Ok(documents)
}

/// The second map over the first; maps in both are merged. Neither is changed.
pub fn merge_maps(first: &Map, second: &Map) -> Map {
    stacker::maybe_grow(64 << 10, 1 << 20, || {
        let merged = Map::new(&Type::MAP);
        merged.extend(first.entries());
        for (key, value) in second.entries() {
            let value = match (&value, merged.get(&key)) {
                (Value::Map(new), Some(Value::Map(old))) => Value::Map(merge_maps(&old, new)),
                _ => value,
            };
            merged.insert(key, value);
        }
        merged
    })
}

/// What decides who reads a chart.
const BASE: yaml::Target = yaml::Target::Struct(
    "loader",
    "chartBase",
    &[("apiVersion", yaml::Target::String)],
);

/// Refuses what no version of Helm's charts says of itself.
fn check_version(text: &[u8]) -> Result<(), LoadError> {
    let base = yaml::read_typed(text, BASE).map_err(|it| LoadError::Yaml("Chart.yaml", it))?;
    match base.get(b"apiVersion") {
        None => Ok(()),
        Some(Value::Str(version)) if matches!(&*version, b"" | b"v1" | b"v2" | b"v3") => Ok(()),
        Some(_) => Err(LoadError::Unsupported),
    }
}

impl Chart {
    /// Reads a chart of the files of its directory, those that its `.helmignore` leaves out not among them.
    /// Their order decides on that of CRDs and notes; Helm's is that of a walk with sorted names.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_directory(files: Vec<File>) -> Result<Self, LoadError> {
        Self::from_directory_telling(files, &mut Warnings::default())
    }

    /// Like [`from_directory`](Self::from_directory), with what Helm tells of old files, failed or not.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_directory_telling(
        files: Vec<File>,
        warnings: &mut Warnings,
    ) -> Result<Self, LoadError> {
        let base = files.iter().find(|file| file.name == "Chart.yaml");
        check_version(&base.ok_or(LoadError::Missing)?.data)?;
        Reader::of(&files, warnings).load(files, 0)
    }

    /// Reads a chart of a packed archive.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_archive(archive: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        Self::from_archive_telling(archive, limits, &mut Warnings::default())
    }

    /// Like [`from_archive`](Self::from_archive), with what Helm tells of old files, failed or not.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_archive_telling(
        archive: &[u8],
        limits: &Limits,
        warnings: &mut Warnings,
    ) -> Result<Self, LoadError> {
        let files = archive::read(archive, limits)?;
        let base = files.iter().find(|file| file.name == "Chart.yaml");
        check_version(&base.ok_or(LoadError::Undetected)?.data)?;
        Reader::of(&files, warnings).load(files, 0)
    }

    /// Reads a chart of files by their paths inside of it.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_files(files: Vec<File>) -> Result<Self, LoadError> {
        Reader::of(&files, &mut Warnings::default()).load(files, 0)
    }
}

/// What Helm says of files that charts of version 2 no longer have.
const OLD_DEPENDENCIES: &str = "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
    We recommend migrating dependencies to Chart.yaml.";
const OLD_LOCK: &str = "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
    We recommend migrating to Chart.lock.";

/// A chart while its files are read.
#[derive(Default)]
struct Loading {
    chart: Chart,
    described: bool,
    /// Files below `charts/` by the first part of their path.
    below: BTreeMap<String, Vec<File>>,
}

/// What all files of a chart and of those inside of it are read with.
struct Reader<'w> {
    /// The chart is of version 3, which knows no `requirements.yaml`.
    third: bool,
    warnings: &'w mut Warnings,
}

impl<'w> Reader<'w> {
    fn of(files: &[File], warnings: &'w mut Warnings) -> Self {
        let base = files.iter().find(|file| file.name == "Chart.yaml");
        let version = base.and_then(|file| yaml::read_typed(&file.data, BASE).ok());
        let version = version.and_then(|it| it.get(b"apiVersion"));
        let third = matches!(version, Some(Value::Str(version)) if &*version == b"v3");
        Self { third, warnings }
    }

    fn load(&mut self, files: Vec<File>, depth: usize) -> Result<Chart, LoadError> {
        if depth > MAX_NESTING {
            return Err(LoadError::Nesting);
        }
        let mut loading = Loading::default();
        for file in files.iter().filter(|file| file.name == "Chart.yaml") {
            loading.described = true;
            let metadata = &mut loading.chart.metadata;
            let read = metadata.read(&file.data);
            read.map_err(|it| LoadError::Yaml("Chart.yaml", it))?;
            if metadata.api_version.is_empty() {
                metadata.api_version = "v1".into();
            }
        }
        for file in files {
            loading.take(file, self)?;
        }
        if !loading.described {
            return Err(LoadError::Missing);
        }
        loading.chart.metadata.validate()?;
        loading.subcharts(depth, self)
    }
}

impl Loading {
    fn take(&mut self, mut file: File, reader: &mut Reader<'_>) -> Result<(), LoadError> {
        let chart = &mut self.chart;
        let v1 = |chart: &Chart| chart.metadata.api_version == "v1";
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => {
                check_lock(&file.data).map_err(|it| LoadError::Yaml("Chart.lock", it))?;
            }
            "values.yaml" => {
                chart.values = Some(load_values(&file.data).map_err(LoadError::Values)?);
            }
            "values.schema.json" => chart.schema = Some(file.data),
            "requirements.yaml" if !reader.third => {
                self.described = true;
                if !v1(chart) {
                    reader.warnings.add(|| OLD_DEPENDENCIES.to_owned());
                }
                let read = chart.metadata.read(&file.data);
                read.map_err(|it| LoadError::Yaml("requirements.yaml", it))?;
                if v1(chart) {
                    chart.files.push(file);
                }
            }
            "requirements.lock" if !reader.third => {
                check_lock(&file.data).map_err(|it| LoadError::Yaml("requirements.lock", it))?;
                self.described = true;
                if v1(chart) {
                    chart.files.push(file);
                } else {
                    reader.warnings.add(|| OLD_LOCK.to_owned());
                }
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name if name.starts_with("charts/") && !name.ends_with(".prov") => {
                let name = name["charts/".len()..].to_owned();
                let first = name.split('/').next().unwrap_or_default().to_owned();
                file.name = name;
                self.below.entry(first).or_default().push(file);
            }
            _ => chart.files.push(file),
        }
        Ok(())
    }

    fn subcharts(mut self, depth: usize, reader: &mut Reader<'_>) -> Result<Chart, LoadError> {
        let chart = self.chart.metadata.name.clone();
        for (name, files) in self.below {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let read = if name.ends_with(".tgz") {
                match files.into_iter().next() {
                    Some(file) if file.name == name => {
                        archive::read(&file.data, &Limits::default())
                            .map_err(LoadError::from)
                            .and_then(|files| reader.load(files, depth + 1))
                    }
                    file => {
                        let found = file.map(|it| it.name).unwrap_or_default();
                        return Err(LoadError::Subarchive { chart, name, found });
                    }
                }
            } else {
                let inside = files.into_iter().filter_map(|file| {
                    let (_, inside) = file.name.split_once('/')?;
                    Some(File {
                        name: inside.to_owned(),
                        data: file.data.clone(),
                    })
                });
                reader.load(inside.collect(), depth + 1)
            };
            let read = read.map_err(|error| LoadError::Subchart {
                name,
                chart: chart.clone(),
                error: Box::new(error),
            })?;
            self.chart.dependencies.push(Arc::new(read));
        }
        Ok(self.chart)
    }
}

/// Contents without a byte order mark.
pub(super) fn without_mark(data: &[u8]) -> Str {
    Str::from(data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        File {
            name: name.into(),
            data: Str::from(text),
        }
    }

    #[test]
    fn files_find_their_places() {
        let chart = Chart::from_directory(vec![
            file("Chart.yaml", "name: a\nversion: 1.0\nappVersion: 1.10\n"),
            file("values.yaml", "a: {b: 1}\n---\na: {c: 2}\n"),
            file("templates/x.yaml", ""),
            file("README.md", ""),
            file("charts/_x/Chart.yaml", ""),
            file("charts/b/Chart.yaml", "name: b\nversion: 1.2.3\n"),
            file("charts/b/templates/y.yaml", ""),
        ])
        .expect("a chart");
        assert_eq!(chart.metadata.version, "1");
        assert_eq!(chart.metadata.app_version, "1.1");
        assert_eq!(chart.metadata.api_version, "v1");
        assert_eq!(chart.templates.len() + chart.files.len(), 2);
        assert_eq!(chart.dependencies[0].metadata.name, "b");
        let values = Value::Map(chart.values.expect("values"));
        assert_eq!(
            yaml::to_yaml(&values).expect("prints"),
            "a:\n  b: 1\n  c: 2\n"
        );
    }

    #[test]
    fn charts_are_nested_only_so_deep() {
        let description = "name: a\nversion: 1.0.0\n";
        let files = (0..40).map(|depth| {
            file(
                &format!("{}Chart.yaml", "charts/a/".repeat(depth)),
                description,
            )
        });
        let error = Chart::from_files(files.collect()).expect_err("too deep");
        assert!(
            error
                .to_string()
                .ends_with("charts are nested deeper than 32")
        );
    }
}
