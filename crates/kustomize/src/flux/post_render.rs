//! What Flux does to the objects that a chart renders: patches and images by a build, labels and annotations by
//! two transformers.
//!
//! Source: helm-controller v1.6.4 `internal/postrender/kustomize.go`, `common_renderer.go`, `transformer.go`;
//! kustomize 5.8.1 `api/resmap/factory.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use file_tree::FileTree;

use crate::build::{self, Limits, Order};
use crate::error::{Context as _, Error, bail};
use crate::field_spec::FieldSpec;
use crate::file_system::TreeFs;
use crate::kustomization::{Image, Kustomization, Patch};
use crate::loader::LoadRestriction;
use crate::res_map::ResMap;
use crate::resource;
use crate::schema::BuildSchema;
use crate::transform::{Annotations, Labels};

/// The file that holds what was rendered.
const INPUT: &str = "helm-output.yaml";

/// Patches objects and changes their images, as a kustomization with these two fields would.
///
/// # Errors
/// As [`crate::build`].
pub fn customize(
    manifests: &str,
    patches: Vec<Patch>,
    images: Vec<Image>,
    limits: Limits,
) -> Result<String, Error> {
    let mut tree = FileTree::default();
    tree.insert_file(INPUT, manifests.as_bytes().to_vec(), false)
        .map_err(|error| Error::new(error.to_string()))?;
    let kustomization = Kustomization {
        kind: "Kustomization".to_owned(),
        api_version: "kustomize.config.k8s.io/v1beta1".to_owned(),
        resources: vec![INPUT.to_owned()],
        patches,
        images,
        ..Kustomization::default()
    };
    let options = build::Options {
        order: Order::Accumulated,
        load_restriction: LoadRestriction::None,
        limits,
        ..build::Options::default()
    };
    let fs = TreeFs::new(&tree, "/");
    build::run(&fs, "/", &options, Some(kustomization))?.to_yaml()
}

/// Sets labels and annotations of the objects themselves; pod templates and selectors stay as they are.
///
/// # Errors
/// The text is no YAML, an object lacks kind or name, or two have one id.
pub fn set_metadata(
    manifests: &str,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    limits: Limits,
) -> Result<String, Error> {
    let schema = Arc::new(BuildSchema::new(limits.yaml, false));
    let mut resources = ResMap::default();
    resources.append_all(resource::read_text(manifests, &schema)?)?;
    if resources.list().len() > limits.resources {
        bail!("the build needs more than {} resources", limits.resources);
    }
    let fields = |path| vec![FieldSpec::of_all(path, true)];
    let labels = Labels {
        pairs: labels.clone(),
        fields: fields("metadata/labels"),
    };
    labels.transform(&mut resources)?;
    let annotations = Annotations {
        pairs: annotations.clone(),
        fields: fields("metadata/annotations"),
    };
    annotations.transform(&mut resources)?;
    let mut out = String::new();
    for resource in resources.list() {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        resource
            .node()
            .to_output(&mut out)
            .within(|| resource.id())?;
        if out.len() > limits.output {
            bail!("the output is larger than {} bytes", limits.output);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTS: &str = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\napiVersion: apps/v1\n\
                           kind: Deployment\nmetadata:\n  name: b\n  labels: {x: \"0\"}\nspec:\n  template:\n    \
                           spec:\n      containers: [{name: c, image: app:1}]\n";

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn patches_and_images_reach_what_was_rendered() {
        let patch = Patch {
            patch: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n"
                .to_owned(),
            ..Patch::default()
        };
        let image = Image {
            name: "app".to_owned(),
            new_tag: "2".to_owned(),
            ..Image::default()
        };
        let out = customize(OBJECTS, vec![patch], vec![image], Limits::default()).expect("builds");
        assert!(
            out.contains("data:\n  k: v\n") && out.contains("image: app:2"),
            "{out}"
        );
    }

    #[test]
    fn metadata_is_that_of_the_objects_alone() {
        let out = set_metadata(
            OBJECTS,
            &pairs(&[("x", "1")]),
            &pairs(&[("note", "true")]),
            Limits::default(),
        );
        let out = out.expect("transforms");
        assert_eq!(out.matches("x: \"1\"").count(), 2, "{out}");
        assert_eq!(out.matches("note: \"true\"").count(), 2, "{out}");
    }

    #[test]
    fn an_object_that_is_there_twice_is_refused() {
        let twice = format!("{OBJECTS}---\n{OBJECTS}");
        let none = BTreeMap::new();
        let error = set_metadata(&twice, &none, &none, Limits::default()).expect_err("twice");
        assert!(
            error
                .text()
                .contains("may not add resource with an already registered id")
        );
    }
}
