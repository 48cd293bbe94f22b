//! One case per rule that users notice.

use super::*;

mod recorded;

/// Which of `files` an artifact keeps.
fn kept<'a>(sources: &[(&str, &str)], files: &[&'a str]) -> Vec<&'a str> {
    let mut ignore = Ignore::new();
    for (folder, text) in sources {
        ignore.add(folder, text);
    }
    let ignore = ignore.finish();
    files
        .iter()
        .copied()
        .filter(|file| !ignore.excludes(file, false))
        .collect()
}

const SAMPLE: [&str; 11] = [
    "a.yaml",
    "b.md",
    "img/x.png",
    "docs/c.yaml",
    "docs/d.md",
    ".github/w.yml",
    ".gitignore",
    ".sops.yaml",
    "x/.flux.yaml",
    "x/keep.zip",
    ".git/config",
];

#[test]
fn without_a_pattern_the_defaults_hold() {
    let expected = ["a.yaml", "b.md", "docs/c.yaml", "docs/d.md"];
    assert_eq!(kept(&[], &SAMPLE), expected);
    assert_eq!(kept(&[("", "")], &SAMPLE), expected);
    assert_eq!(
        kept(&[("", "# nothing but a comment\n   \n")], &SAMPLE),
        expected
    );
}

#[test]
fn with_a_pattern_only_version_control_is_left_out_besides() {
    assert_eq!(
        kept(&[("", "*.md\n")], &SAMPLE),
        [
            "a.yaml",
            "img/x.png",
            "docs/c.yaml",
            ".github/w.yml",
            ".sops.yaml",
            "x/.flux.yaml",
            "x/keep.zip"
        ]
    );
    assert_eq!(
        kept(&[("", "zzz\n!.git\n")], &[".git/config", ".gitignore"]),
        [".git/config"]
    );
}

#[test]
fn a_child_can_come_back_from_an_excluded_folder() {
    assert_eq!(
        kept(&[("", "/*\n!/docs\n")], &SAMPLE),
        ["docs/c.yaml", "docs/d.md"]
    );
    let reincluded = kept(&[("", "docs/\n!docs/c.yaml\n/a.yaml\n")], &SAMPLE);
    assert_eq!(
        reincluded,
        [
            "b.md",
            "img/x.png",
            "docs/c.yaml",
            ".github/w.yml",
            ".sops.yaml",
            "x/.flux.yaml",
            "x/keep.zip"
        ]
    );
}

#[test]
fn a_file_in_a_folder_rules_that_folder_only() {
    let sources = [("", "*.md\n"), ("docs", "*.yaml\n!*.md\n")];
    let files = ["a.yaml", "b.md", "docs/c.yaml", "docs/d.md", "docs2/e.yaml"];
    assert_eq!(
        kept(&sources, &files),
        ["a.yaml", "docs/d.md", "docs2/e.yaml"]
    );
    let mut all = sources.to_vec();
    all.push(("", "!docs/c.yaml\n"));
    assert_eq!(
        kept(&all, &files),
        ["a.yaml", "docs/c.yaml", "docs/d.md", "docs2/e.yaml"]
    );
}

#[test]
fn a_slash_at_the_end_means_folders_only() {
    let mut ignore = Ignore::new();
    ignore.add("", "build/\n");
    let ignore = ignore.finish();
    assert!(ignore.excludes("build", true));
    assert!(!ignore.excludes("build", false));
    assert!(ignore.excludes("build/x", false));
    assert!(ignore.excludes("a/build/x", false));
}

#[test]
fn double_stars_stand_for_folders_only_between_slashes() {
    let files = ["a/b/c/d.txt", "d.txt", "a/d.txt", "x/foo/bar", "foobar"];
    assert_eq!(kept(&[("", "**/d.txt\n")], &files), ["x/foo/bar", "foobar"]);
    assert_eq!(
        kept(&[("", "a/**/d.txt\n")], &files),
        ["d.txt", "x/foo/bar", "foobar"]
    );
    assert_eq!(
        kept(&[("", "a/**\n")], &files),
        ["d.txt", "x/foo/bar", "foobar"]
    );
    assert_eq!(kept(&[("", "x/f**r\n")], &files), files);
}

#[test]
fn blanks_at_the_end_and_carriage_returns_do_not_count() {
    assert_eq!(
        kept(&[("", "*.md  \r\n*.txt\r\n")], &["a.md", "a.txt", "a.yaml"]),
        ["a.yaml"]
    );
    assert_eq!(kept(&[("", " #x\n")], &["a", " #x"]), ["a"]);
}
