//! Making a case that differs small: whole files, then lines, as long as it differs in the same way.

use std::collections::BTreeMap;

use anyhow::Result;

use super::engines::{Real, Verdict};

/// How often the two sides are asked.
const TRIES: usize = 400;

/// The smallest files found that come to the same verdict.
///
/// # Errors
/// The real program cannot be run.
pub(super) fn minimise(
    real: &Real,
    files: &BTreeMap<String, String>,
    verdict: Verdict,
) -> Result<BTreeMap<String, String>> {
    let mut search = Search {
        real,
        verdict,
        tries: TRIES,
        files: files.clone(),
    };
    let paths: Vec<String> = files.keys().cloned().collect();
    for path in &paths {
        let mut smaller = search.files.clone();
        smaller.remove(path);
        search.keep_if_same(smaller)?;
    }
    loop {
        let before = search.size();
        for path in &paths {
            search.shorten(path)?;
        }
        if search.size() == before || search.tries == 0 {
            return Ok(search.files);
        }
    }
}

struct Search<'a> {
    real: &'a Real,
    verdict: Verdict,
    tries: usize,
    files: BTreeMap<String, String>,
}

impl Search<'_> {
    fn size(&self) -> usize {
        self.files.values().map(String::len).sum()
    }

    fn keep_if_same(&mut self, files: BTreeMap<String, String>) -> Result<bool> {
        if self.tries == 0 {
            return Ok(false);
        }
        self.tries -= 1;
        let same = self.real.compare(&files)?.verdict == self.verdict;
        if same {
            self.files = files;
        }
        Ok(same)
    }

    /// Takes lines away, many at once and then fewer.
    fn shorten(&mut self, path: &str) -> Result<()> {
        let Some(text) = self.files.get(path) else {
            return Ok(());
        };
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut size = lines.len();
        while size > 0 {
            let mut at = 0;
            while at < lines.len() {
                let mut fewer = lines.clone();
                fewer.drain(at..(at + size).min(lines.len()));
                let mut files = self.files.clone();
                files.insert(path.to_owned(), fewer.concat());
                if self.keep_if_same(files)? {
                    lines = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        Ok(())
    }
}
