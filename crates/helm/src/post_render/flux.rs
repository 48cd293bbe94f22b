//! Flux's post-renderers: what a HelmRelease asks for, its common metadata, and the labels that name it.
//!
//! Flux runs them in this order: the [`Customize`] of each of `spec.postRenderers`, the [`SetMetadata`] of
//! `spec.commonMetadata`, and last the one of [`origin_labels`], which therefore cannot be overridden.
//!
//! Source: helm-controller v1.6.4 `internal/postrender/build.go`, `common_renderer.go`

use std::collections::BTreeMap;

use kustomize::Limits;
use kustomize::flux::post_render::{customize, set_metadata};
use kustomize::kustomization::{Image, Patch};

use super::PostRenderer;

/// Patches objects and changes images.
#[derive(Clone, Debug, Default)]
pub struct Customize {
    /// The patches, in order.
    pub patches: Vec<Patch>,
    /// The images.
    pub images: Vec<Image>,
    /// The bounds.
    pub limits: Limits,
}

impl PostRenderer for Customize {
    fn run(&self, manifests: &str) -> Result<String, String> {
        let (patches, images) = (self.patches.clone(), self.images.clone());
        customize(manifests, patches, images, self.limits).map_err(|it| it.to_string())
    }
}

/// Sets labels and annotations of all objects.
#[derive(Clone, Debug, Default)]
pub struct SetMetadata {
    /// The labels; `None` is not the same as none, since then nothing is written anew.
    pub labels: Option<BTreeMap<String, String>>,
    /// The annotations.
    pub annotations: Option<BTreeMap<String, String>>,
    /// The bounds.
    pub limits: Limits,
}

impl PostRenderer for SetMetadata {
    fn run(&self, manifests: &str) -> Result<String, String> {
        if self.labels.is_none() && self.annotations.is_none() {
            return Ok(manifests.to_owned());
        }
        let none = BTreeMap::new();
        let of = |pairs: &Option<_>| pairs.as_ref().unwrap_or(&none).clone();
        set_metadata(
            manifests,
            &of(&self.labels),
            &of(&self.annotations),
            self.limits,
        )
        .map_err(|it| it.to_string())
    }
}

/// The labels by which Flux finds the objects of a release again: `GROUP/name` and `GROUP/namespace`.
pub fn origin_labels(group: &str, namespace: &str, name: &str) -> SetMetadata {
    let pairs = [("name", name), ("namespace", namespace)];
    let label = |(key, value): (&str, &str)| (format!("{group}/{key}"), value.to_owned());
    SetMetadata {
        labels: Some(pairs.into_iter().map(label).collect()),
        ..SetMetadata::default()
    }
}
