//! From the source's files to the objects that the cluster should hold.
//!
//! Source: kustomize-controller v1.9 `generate`, `build`; fluxcd/pkg `ssa/utils` `ReadObjects`.

use std::sync::Arc;

use file_tree::FileTree;
use kustomize::flux::{self, Overlay};
use kustomize::kustomization::{Image, Patch, Selector};
use kustomize::{Gvk, Output, Remote, ResId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use weir_api::kustomize::v1::{BuildMetadata, KustomizationSpec};
use weir_api::meta;
use weir_apply::Object;
use weir_runtime::kind::Key;

use super::decrypt::{Decryption, decrypt_sources};
use super::substitute::Substitution;
use crate::error::Error;

/// Everything that a build depends on.
#[derive(Debug)]
pub struct Inputs {
    /// The artifact's files.
    pub tree: Arc<FileTree>,
    /// The spec: which directory, and what to change in its kustomization.
    pub spec: KustomizationSpec,
    /// The variables.
    pub substitution: Substitution,
    /// What encrypted files and resources are decrypted with.
    pub decryption: Option<Decryption>,
    /// The Kustomization, for the folder that messages name.
    pub owner: Key,
}

/// What the cluster should hold.
#[derive(Debug)]
pub struct Desired {
    /// The objects in the order of the build.
    pub objects: Vec<Object>,
    /// `sha256:` and the hash of the whole build as YAML.
    pub digest: String,
}

/// The folder that messages show above the artifact's files, where upstream shows a temporary one. Always the
/// same for one object, so that the same failure reads the same.
fn mount(owner: &Key) -> String {
    let folder =
        std::env::temp_dir().join(format!("kustomization-{}-{}", owner.namespace, owner.name));
    folder.to_string_lossy().into_owned()
}

/// The spec's fields that kustomize reads.
fn overlay(spec: &KustomizationSpec) -> Overlay {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    Overlay {
        target_namespace: given(&spec.target_namespace),
        name_prefix: given(&spec.name_prefix),
        name_suffix: given(&spec.name_suffix),
        patches: spec.patches.iter().map(patch).collect(),
        images: spec.images.iter().map(image).collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        build_metadata: spec
            .build_metadata
            .iter()
            .map(|kind| build_metadata(*kind).to_owned())
            .collect(),
    }
}

fn patch(patch: &meta::Patch) -> Patch {
    let mut converted = Patch::default();
    converted.patch.clone_from(&patch.patch);
    converted.target = patch.target.as_ref().map(selector);
    converted
}

fn selector(selector: &meta::Selector) -> Selector {
    let meta::Selector {
        group,
        version,
        kind,
        namespace,
        name,
        annotation_selector,
        label_selector,
    } = selector;
    let gvk = Gvk {
        group: group.clone(),
        version: version.clone(),
        kind: kind.clone(),
    };
    Selector {
        id: ResId {
            gvk,
            name: name.clone(),
            namespace: namespace.clone(),
            ..ResId::default()
        },
        annotation_selector: annotation_selector.clone(),
        label_selector: label_selector.clone(),
    }
}

fn image(image: &meta::ImageOverride) -> Image {
    let meta::ImageOverride {
        name,
        new_name,
        new_tag,
        digest,
    } = image;
    Image {
        name: name.clone(),
        new_name: new_name.clone(),
        new_tag: new_tag.clone(),
        digest: digest.clone(),
        ..Image::default()
    }
}

fn build_metadata(kind: BuildMetadata) -> &'static str {
    match kind {
        BuildMetadata::OriginAnnotations => "originAnnotations",
        BuildMetadata::TransformerAnnotations => "transformerAnnotations",
    }
}

/// Checks that `spec.path` is in the artifact; `..` stops at its root.
///
/// # Errors
/// [`Error::FindPath`].
pub fn find_path(tree: &FileTree, spec: &KustomizationSpec, owner: &Key) -> Result<(), Error> {
    let mut parts: Vec<&str> = Vec::new();
    for part in spec.path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    let why = match tree.resolve(&path) {
        Ok(_) => return Ok(()),
        Err(file_tree::Error::NotADirectory(_)) => "not a directory",
        Err(_) => "no such file or directory",
    };
    Err(Error::FindPath(format!(
        "stat {}/{path}: {why}",
        mount(owner)
    )))
}

/// Builds, substitutes and collects the objects. What is named elsewhere comes from `remote`.
///
/// # Errors
/// [`Error::Build`] with upstream's text.
pub fn build(inputs: &Inputs, remote: Option<&dyn Remote>) -> Result<Desired, Error> {
    let options = flux::Options {
        mount: mount(&inputs.owner),
        remote,
        ..flux::Options::default()
    };
    let overlay = overlay(&inputs.spec);
    let mut tree = Arc::clone(&inputs.tree);
    if let Some(decryption) = &inputs.decryption {
        tree = decrypt_sources(&tree, &inputs.spec.path, &overlay, decryption)
            .map_err(|why| Error::Build(format!("error decrypting sources: {why}")))?;
    }
    let built = flux::build(&tree, &inputs.spec.path, &overlay, &options);
    let built = built.map_err(|error| match error {
        flux::Error::PathNotFound(text) => Error::FindPath(text),
        flux::Error::Generate(error) => Error::Build(error.to_string()),
        flux::Error::Build(error) => Error::Build(format!("kustomize build failed: {error}")),
    })?;
    let mut objects = Vec::new();
    let mut hash = Sha256::new();
    for (position, output) in built.outputs.iter().enumerate() {
        let (value, text) = finished(output, inputs)?;
        if position > 0 {
            hash.update(b"---\n");
        }
        hash.update(text.as_bytes());
        collect(value, &mut objects);
    }
    let digest = format!("sha256:{}", hex(&hash.finalize()));
    Ok(Desired { objects, digest })
}

/// One resource after decryption and substitution, as a value and as YAML.
fn finished(output: &Output, inputs: &Inputs) -> Result<(Value, String), Error> {
    let failed = |error: kustomize::Error| Error::Build(format!("kustomize build failed: {error}"));
    let mut value = output.to_json().map_err(failed)?;
    let mut text = output.to_yaml().map_err(failed)?;
    if let Some(decryption) = &inputs.decryption {
        let decrypted = decryption.resource(output.node(), &value).map_err(|why| {
            let (gvk, name) = (&output.id().gvk, &output.id().name);
            Error::Build(format!("decryption failed for '{gvk}/{name}': {why}"))
        })?;
        if let Some(decrypted) = decrypted {
            text = printed(&decrypted)?;
            value = decrypted;
        }
    }
    let substituted = inputs
        .substitution
        .apply(&value, || text.clone())
        .map_err(|why| {
            Error::Build(format!(
                "post build failed for '{}/{}': {why}",
                output.id().gvk,
                output.id().name
            ))
        })?;
    let Some(value) = substituted else {
        return Ok((value, text));
    };
    let text = printed(&value)?;
    Ok((value, text))
}

fn printed(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    kyaml::print_value(value, &mut text)
        .map_err(|error| Error::Build(format!("kustomize build failed: {error}")))?;
    Ok(text)
}

/// Lists are taken apart; what is no object, and kustomize's own configuration, is left out.
fn collect(value: Value, objects: &mut Vec<Object>) {
    let mut pending = vec![value];
    while let Some(mut value) = pending.pop() {
        let is_list = value
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with("List"));
        if let (true, Some(Value::Array(items))) =
            (is_list, value.get_mut("items").map(Value::take))
        {
            pending.extend(items.into_iter().rev());
            continue;
        }
        let Ok(object) = Object::new(value) else {
            continue;
        };
        let is_configuration =
            object.group() == "kustomize.config.k8s.io" && object.kind() == "Kustomization";
        if !is_configuration {
            objects.push(object);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(path: &str, files: &[(&str, &str)]) -> Inputs {
        let mut tree = FileTree::default();
        for (path, text) in files {
            tree.insert_file(path, text.as_bytes().to_vec(), false)
                .expect("inserts");
        }
        let spec = KustomizationSpec {
            path: path.to_owned(),
            ..KustomizationSpec::default()
        };
        Inputs {
            tree: Arc::new(tree),
            spec,
            substitution: Substitution::None,
            decryption: None,
            owner: Key::new("ns", "app"),
        }
    }

    const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

    #[test]
    fn the_path_never_leaves_the_artifact() {
        let files = [("a/b.yaml", CONFIG_MAP)];
        for path in ["", "./a", "/a", "../../a", "a/.."] {
            assert_eq!(
                build(&inputs(path, &files), None)
                    .map(|built| built.objects.len())
                    .ok(),
                Some(1),
                "{path}"
            );
        }
        let missing = inputs("./nope", &files);
        let error = find_path(&missing.tree, &missing.spec, &missing.owner)
            .expect_err("missing")
            .to_string();
        assert!(
            error.starts_with("kustomization path not found: stat "),
            "{error}"
        );
        assert!(
            error.ends_with("/kustomization-ns-app/nope: no such file or directory"),
            "{error}"
        );
    }

    #[test]
    fn the_digest_is_that_of_the_whole_text() {
        let other = CONFIG_MAP.replace("name: a", "name: b");
        let built = build(
            &inputs("", &[("a.yaml", CONFIG_MAP), ("b.yaml", &other)]),
            None,
        )
        .expect("builds");
        let text = format!("{CONFIG_MAP}---\n{other}");
        assert_eq!(
            built.digest,
            format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
        );
    }

    #[test]
    fn lists_are_taken_apart_and_configuration_left_out() {
        let config_map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let mut objects = Vec::new();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [config_map("a"), config_map("b")]});
        collect(list, &mut objects);
        collect(
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "metadata": {"name": "k"}}),
            &mut objects,
        );
        collect(config_map("c"), &mut objects);
        let names: Vec<_> = objects.iter().map(Object::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
