//! Which files an artifact leaves out: `.sourceignore` files, `spec.ignore`, and what holds without either.

mod glob;

use glob::matches_name;

/// Left out whatever else is said, unless a pattern takes it back in.
const VERSION_CONTROL: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];
/// Left out as long as there is no pattern at all.
const DEFAULTS: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Bytes of the longest line that is read; what comes after a longer one is not.
const LONGEST_LINE: usize = 65_535;

/// The name of the files that hold patterns.
pub const IGNORE_FILE: &str = ".sourceignore";

/// Patterns in their order; the last one that matches decides.
///
/// Source: fluxcd/pkg sourceignore v0.18 `sourceignore.go`, `gitignore/pattern.go`.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    finished: bool,
}

impl Ignore {
    /// No patterns yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the lines of `text`, which hold below `folder` (the root is `""`). Add parents before children,
    /// and `spec.ignore` last.
    pub fn add(&mut self, folder: &str, text: &str) {
        let domain: Vec<String> = components(folder).map(str::to_owned).collect();
        // Go's line scanner ends at a line that is too long for it, and drops one carriage return at the end.
        let lines = text
            .split('\n')
            .take_while(|line| line.len() <= LONGEST_LINE);
        let lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line));
        let patterns = lines
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| Pattern::parse(line, domain.clone()));
        self.patterns.extend(patterns);
    }

    /// Puts the exclusions that hold by themselves before what was added.
    #[must_use]
    pub fn finish(mut self) -> Self {
        if self.finished {
            return self;
        }
        let built_in = |text: &&str| Pattern::parse(text, Vec::new());
        let mut all: Vec<Pattern> = VERSION_CONTROL.iter().map(built_in).collect();
        if self.patterns.is_empty() {
            all.extend(DEFAULTS.iter().map(built_in));
        }
        all.append(&mut self.patterns);
        Self {
            patterns: all,
            finished: true,
        }
    }

    /// Whether the file or folder at `path` is left out. A folder that is does not take its contents along:
    /// each entry is judged by itself.
    #[must_use]
    pub fn excludes(&self, path: &str, is_dir: bool) -> bool {
        let path: Vec<&str> = components(path).collect();
        let verdict = self
            .patterns
            .iter()
            .rev()
            .find(|pattern| pattern.matches(&path, is_dir));
        verdict.is_some_and(|pattern| !pattern.inclusion)
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

#[derive(Debug, Clone)]
struct Pattern {
    domain: Vec<String>,
    parts: Vec<String>,
    inclusion: bool,
    dir_only: bool,
}

impl Pattern {
    fn parse(line: &str, domain: Vec<String>) -> Self {
        let (inclusion, text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let text = if text.ends_with("\\ ") {
            text
        } else {
            text.trim_end_matches(' ')
        };
        let (dir_only, text) = match text.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Self {
            domain,
            parts: text.split('/').map(str::to_owned).collect(),
            inclusion,
            dir_only,
        }
    }

    fn matches(&self, path: &[&str], is_dir: bool) -> bool {
        let inside = path.len() > self.domain.len()
            && path
                .iter()
                .zip(&self.domain)
                .all(|(part, domain)| part == domain);
        if !inside {
            return false;
        }
        let path = &path[self.domain.len()..];
        match self.parts.as_slice() {
            [name] => self.matches_any(name, path, is_dir),
            parts => self.matches_path(parts, path, is_dir),
        }
    }

    /// A pattern without a slash: some component has that name.
    fn matches_any(&self, name: &str, path: &[&str], is_dir: bool) -> bool {
        match path.iter().position(|part| matches_name(name, part)) {
            Some(at) => is_dir || !self.dir_only || at + 1 < path.len(),
            None => false,
        }
    }

    /// A pattern with a slash, from the domain downwards; what lies below a match matches too.
    fn matches_path(&self, parts: &[String], mut path: &[&str], is_dir: bool) -> bool {
        let mut matched = false;
        let mut skipping = false;
        for (index, part) in parts.iter().enumerate() {
            match part.as_str() {
                "" => {
                    skipping = false;
                    continue;
                }
                "**" if index + 1 == parts.len() => break,
                "**" => {
                    skipping = true;
                    continue;
                }
                glued if glued.contains("**") => return false,
                _ => {}
            }
            if path.is_empty() {
                return false;
            }
            if std::mem::take(&mut skipping) {
                match path.iter().position(|name| matches_name(part, name)) {
                    Some(at) => {
                        matched = true;
                        path = &path[at + 1..];
                    }
                    None => {
                        matched = false;
                        path = &[];
                    }
                }
            } else {
                if !matches_name(part, path[0]) {
                    return false;
                }
                matched = true;
                path = &path[1..];
            }
        }
        matched && !(self.dir_only && !is_dir && path.is_empty())
    }
}

#[cfg(test)]
mod tests;
