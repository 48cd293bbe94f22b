//! Builds as Flux runs them: a kustomization for a plain folder, the spec of a `Kustomization` object
//! merged into the folder's own, and nothing outside the source's tree.
//!
//! Source: fluxcd/pkg `kustomize/kustomize_generator.go`, as in kustomize-controller v1.9.

mod generate;
pub mod post_render;

use file_tree::FileTree;

use crate::build::{self, Build, Limits, Order};
use crate::error::Error as BuildError;
use crate::file_system::TreeFs;
use crate::kustomization::{Image, Kustomization, Patch};
use crate::loader::LoadRestriction;
use crate::path;
use crate::remote::Remote;

pub(crate) use generate::{is_local_relative_path, merge_images};

/// Why there is no build. The texts are Flux's, without what it says around them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The path is not in the tree. Flux: `kustomization path not found: …`.
    #[error("{0}")]
    PathNotFound(String),
    /// The kustomization could not be made or merged. Flux reports the text as it is.
    #[error(transparent)]
    Generate(BuildError),
    /// The build failed. Flux: `kustomize build failed: …`.
    #[error(transparent)]
    Build(BuildError),
}

/// The fields of a `Kustomization` object's spec that change the build.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// `targetNamespace`.
    pub target_namespace: Option<String>,
    /// `namePrefix`.
    pub name_prefix: Option<String>,
    /// `nameSuffix`.
    pub name_suffix: Option<String>,
    /// `patches`, after those of the file.
    pub patches: Vec<Patch>,
    /// `images`, merged into those of the file by name.
    pub images: Vec<Image>,
    /// `components`, after those of the file.
    pub components: Vec<String>,
    /// `ignoreMissingComponents`.
    pub ignore_missing_components: bool,
    /// `buildMetadata`; replaces that of the file unless empty.
    pub build_metadata: Vec<String>,
}

/// How to build.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Where messages say that the tree is, an absolute path; `/` if empty.
    pub mount: String,
    /// Who fetches remote resources; without, they are errors.
    pub remote: Option<&'a dyn Remote>,
    /// The bounds.
    pub limits: Limits,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("mount", &self.mount)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Builds the folder at `path` in the tree. The path cannot leave the tree: `..` stops at its root.
///
/// # Errors
/// See [`Error`].
pub fn build(
    tree: &FileTree,
    path: &str,
    overlay: &Overlay,
    options: &Options<'_>,
) -> Result<Build, Error> {
    let fs = TreeFs::confined(tree, &options.mount);
    let root = inside(&fs, path);
    let kustomization = kustomization(&fs, &root, overlay, options)?;
    let build_options = build::Options {
        order: Order::Accumulated,
        load_restriction: LoadRestriction::None,
        managed_by_label: false,
        keep_builtin_schema: true,
        remote: options.remote,
        limits: options.limits,
    };
    build::run(&fs, &root, &build_options, Some(kustomization)).map_err(Error::Build)
}

/// The kustomization that Flux would write into the folder before it builds.
///
/// # Errors
/// [`Error::PathNotFound`] and [`Error::Generate`].
pub fn generate(
    tree: &FileTree,
    path: &str,
    overlay: &Overlay,
    options: &Options<'_>,
) -> Result<Kustomization, Error> {
    let fs = TreeFs::confined(tree, &options.mount);
    let root = inside(&fs, path);
    kustomization(&fs, &root, overlay, options)
}

/// A path of the tree as an absolute one of its file system.
fn inside(fs: &TreeFs<'_>, path: &str) -> String {
    path::join(fs.mount(), &path::clean(&format!("/{path}")))
}

fn kustomization(
    fs: &TreeFs<'_>,
    root: &str,
    overlay: &Overlay,
    options: &Options<'_>,
) -> Result<Kustomization, Error> {
    generate::expect_directory(fs, root)?;
    let (mut kustomization, found) =
        generate::find_or_make(fs, root, options.limits.yaml).map_err(Error::Generate)?;
    if found && kustomization.resources.is_empty() {
        // Keeps a file without resources from counting as empty.
        kustomization.build_metadata = vec!["originAnnotations".to_owned()];
    }
    generate::merge(fs, root, overlay, &mut kustomization).map_err(Error::Generate)?;
    Ok(kustomization)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::default();
        for (path, text) in files {
            let bytes = text.as_bytes().to_vec();
            tree.insert_file(path, bytes, false).expect("inserts");
        }
        tree
    }

    fn build_yaml(tree: &FileTree, path: &str, overlay: &Overlay) -> Result<String, String> {
        let options = Options {
            mount: "/tmp/src".to_owned(),
            ..Options::default()
        };
        let build = build(tree, path, overlay, &options).map_err(|error| error.to_string())?;
        build.to_yaml().map_err(|error| error.to_string())
    }

    const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

    #[test]
    fn a_plain_folder_gets_a_kustomization_of_all_its_objects() {
        let tree = tree(&[
            ("d/b.yaml", CONFIG),
            (
                "d/sub/c.yml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n",
            ),
            (
                "d/k/kustomization.yaml",
                "namePrefix: x-\nresources: [r.txt]\n",
            ),
            ("d/k/r.txt", CONFIG),
            ("d/notes.txt", "not yaml: ["),
        ]);
        let options = Options::default();
        let made = generate(&tree, "d", &Overlay::default(), &options).expect("generates");
        assert_eq!(made.resources, ["./b.yaml", "./k", "./sub/c.yml"]);
        assert!(
            build_yaml(&tree, "d", &Overlay::default())
                .expect("builds")
                .contains("name: x-a")
        );
    }

    #[test]
    fn an_empty_folder_builds_nothing() {
        let mut tree = tree(&[]);
        tree.insert_dir("d").expect("inserts");
        assert_eq!(
            build_yaml(&tree, "d", &Overlay::default()).as_deref(),
            Ok("")
        );
    }

    #[test]
    fn the_spec_is_merged_into_an_existing_file() {
        let tree = tree(&[
            (
                "kustomization.yaml",
                "resources: [a.yaml]\nnamespace: old\nunknownField: 1\nimages: [{name: i, newTag: '1', digest: d}]\n",
            ),
            ("a.yaml", CONFIG),
        ]);
        let overlay = Overlay {
            target_namespace: Some("new".to_owned()),
            images: vec![Image {
                name: "i".to_owned(),
                new_tag: "2".to_owned(),
                ..Image::default()
            }],
            ..Overlay::default()
        };
        let made = generate(&tree, "", &overlay, &Options::default()).expect("merges");
        assert_eq!(made.namespace, "new");
        assert_eq!(
            (
                made.images[0].new_tag.as_str(),
                made.images[0].digest.as_str()
            ),
            ("2", "")
        );
        assert!(
            build_yaml(&tree, "", &overlay)
                .expect("builds")
                .contains("namespace: new")
        );
    }

    #[test]
    fn nothing_outside_the_tree_is_read() {
        let mut tree = tree(&[(
            "d/kustomization.yaml",
            "resources: [../../etc/passwd, ../../x.yaml]\n",
        )]);
        tree.insert_symlink("x.yaml", "/etc/passwd")
            .expect("inserts");
        let error = build_yaml(&tree, "d", &Overlay::default()).expect_err("is outside");
        assert!(error.contains("fs-security-constraint"), "{error}");
    }

    #[test]
    fn a_path_climbs_no_higher_than_the_tree() {
        let tree = tree(&[("a/a.yaml", CONFIG)]);
        assert_eq!(
            build_yaml(&tree, "../../a", &Overlay::default()),
            build_yaml(&tree, "/a", &Overlay::default())
        );
        assert!(matches!(
            build(&tree, "nope", &Overlay::default(), &Options::default()),
            Err(Error::PathNotFound(_))
        ));
    }

    #[test]
    fn names_the_file_that_is_no_object() {
        let tree = tree(&[("bad.yaml", "a: b: c\n")]);
        let error = build_yaml(&tree, "", &Overlay::default()).expect_err("is malformed");
        assert!(
            error.starts_with(
                "failed to decode Kubernetes YAML from /tmp/src/bad.yaml: MalformedYAMLError: yaml:"
            ),
            "{error}"
        );
    }

    #[test]
    fn components_must_be_local_and_may_be_missing() {
        let tree = tree(&[
            ("kustomization.yaml", "resources: [a.yaml]\n"),
            ("a.yaml", CONFIG),
        ]);
        let overlay = |component: &str, ignore| Overlay {
            components: vec![component.to_owned()],
            ignore_missing_components: ignore,
            ..Overlay::default()
        };
        assert_eq!(
            build_yaml(&tree, "", &overlay("https://example.com/x", true)),
            Err("component path 'https://example.com/x' must be local and relative".to_owned())
        );
        assert!(build_yaml(&tree, "", &overlay("nope", true)).is_ok());
        assert!(build_yaml(&tree, "", &overlay("nope", false)).is_err());
    }
}
