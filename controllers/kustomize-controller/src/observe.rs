//! What a pass reads before it decides: source, dependencies, artifact, variables.

pub mod health;
pub mod keys;

use std::sync::Arc;

use envsubst::Variables;
use file_tree::FileTree;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Resource, ResourceExt as _};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::condition_type::READY;
use weir_api::meta::{Artifact, ValuesKind, find_condition};
use weir_artifact::FetchError;
use weir_runtime::kind::{Chain, Key};
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::kustomization::KustomizationKind;
use crate::plan;
use crate::plan::expressions;
use crate::plan::identity::namespace;
use crate::target::Target;
use crate::triggers::key_of;
use crate::watch::{View, Viewer};

/// API group of the source kinds.
const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";

/// The artifact of the source that the object of `pass` refers to.
///
/// # Errors
/// [`Error::AccessDenied`], [`Error::FindSource`], [`Error::NoArtifact`].
pub async fn source(ctx: &Context, pass: &Pass<KustomizationKind>) -> Result<Artifact, Error> {
    let object = pass.object();
    ctx.attempts.note(pass.key(), None);
    let key = ctx.rules.source(object)?;
    let kind = object.spec.source_ref.kind;
    let source = ctx
        .sources
        .get(kind, &key)
        .await?
        .ok_or_else(|| Error::FindSource {
            kind: kind.to_string(),
            group: SOURCE_GROUP,
            name: key.name.clone(),
        })?;
    let none = Error::NoArtifact(ctx.options.requeue_dependency);
    let artifact = source.artifact.ok_or(none)?;
    ctx.attempts.note(pass.key(), Some(&artifact.revision));
    Ok(artifact)
}

/// Asks the API server itself whether the Kustomization, and its source's artifact if one is given, are as the pass
/// saw them. What is deleted does not come back, and the cache of a server may be behind by minutes.
///
/// # Errors
/// None if they are not, else why that cannot be found out.
pub async fn confirm(
    ctx: &Context,
    object: &Kustomization,
    artifact: Option<&Artifact>,
) -> Result<(), Option<String>> {
    let failed =
        |error: &(dyn std::error::Error + 'static)| Some(format!("query failed: {}", Chain(error)));
    let api = Api::<Kustomization>::namespaced(ctx.client.clone(), namespace(object));
    let live = api.get_opt(&object.name_any()).await;
    let live = live.map_err(|error| failed(&error))?.ok_or(None)?;
    let state = |of: &Kustomization| {
        let metadata = &of.metadata;
        let deleting = metadata.deletion_timestamp.is_some();
        (metadata.uid.clone(), metadata.generation, deleting)
    };
    if state(&live) != state(object) {
        return Err(None);
    }
    let Some(artifact) = artifact else {
        return Ok(());
    };
    let key = ctx.rules.source(object).map_err(|error| failed(&error))?;
    let source = ctx.sources.ask(object.spec.source_ref.kind, &key).await;
    let source = source.map_err(|error| failed(&error))?;
    match source.and_then(|source| source.artifact) {
        Some(live) if live.revision == artifact.revision && live.digest == artifact.digest => {
            Ok(())
        }
        _ => Err(None),
    }
}

/// Checks that every dependency is ready for this artifact.
///
/// The cache answers first; only what it calls ready is asked of the API server, because an old "ready"
/// would let a dependent overtake its dependency.
///
/// # Errors
/// [`Error::DependencyNotReady`], [`Error::AccessDenied`], [`Error::InvalidExpression`].
pub async fn dependencies(
    ctx: &Context,
    object: &Kustomization,
    artifact: &Artifact,
) -> Result<(), Error> {
    let not_ready = |text: String| Error::DependencyNotReady {
        text,
        retry: ctx.options.requeue_dependency,
    };
    for reference in &object.spec.depends_on {
        let key = ctx
            .rules
            .dependency(object, &reference.namespace, &reference.name)?;
        let expression = reference.ready_expr.as_str();
        let check = |found: Option<&Kustomization>| {
            let found = present(&key, found).map_err(&not_ready)?;
            if !expression.is_empty() && !ctx.options.additive_dependency_check {
                return Ok(());
            }
            ready_dependency(object, &key, found, artifact).map_err(&not_ready)
        };
        // Only what is there now can answer a question of the spec's own.
        if expression.is_empty() {
            check(ctx.kustomizations.get(&key).as_deref())?;
        }
        let live = Api::<Kustomization>::namespaced(ctx.client.clone(), &key.namespace)
            .get_opt(&key.name)
            .await;
        let live = live.map_err(|error| {
            not_ready(format!("dependency '{key}' not found: {}", Chain(&error)))
        })?;
        if let Some(found) = live.as_ref().filter(|_| !expression.is_empty()) {
            match expressions::dependency_is_ready(expression, object, found)? {
                Ok(true) => {}
                Ok(false) => {
                    return Err(not_ready(format!(
                        "dependency '{key}' is not ready according to readyExpr eval"
                    )));
                }
                Err(text) => return Err(not_ready(text)),
            }
        }
        check(live.as_ref())?;
    }
    Ok(())
}

/// The dependency, or the text for one that is missing.
fn present<'a>(key: &Key, found: Option<&'a Kustomization>) -> Result<&'a Kustomization, String> {
    found.ok_or_else(|| {
        let plural = Kustomization::plural(&());
        let group = Kustomization::group(&());
        format!(
            "dependency '{key}' not found: {plural}.{group} \"{}\" not found",
            key.name
        )
    })
}

/// Whether `found` may be built upon, as text where it may not.
///
/// Source: kustomize-controller v1.9 `checkDependencies`.
fn ready_dependency(
    object: &Kustomization,
    key: &Key,
    found: &Kustomization,
    artifact: &Artifact,
) -> Result<(), String> {
    let status = found.status.clone().unwrap_or_default();
    let ready =
        find_condition(&status.conditions, READY).is_some_and(weir_api::meta::Condition::is_true);
    if !ready || status.observed_generation != found.metadata.generation {
        return Err(format!("dependency '{key}' is not ready"));
    }
    let source = |of: &Kustomization| {
        let reference = &of.spec.source_ref;
        let foreign = if reference.namespace.is_empty() {
            namespace(of)
        } else {
            &reference.namespace
        };
        (reference.kind, reference.name.clone(), foreign.to_owned())
    };
    if source(found) == source(object)
        && !plan::same_revision(artifact, &status.last_applied_revision)
    {
        return Err(format!("dependency '{key}' revision is not up to date"));
    }
    Ok(())
}

/// What is known of the objects that `wanted` names, as far as `object` may know it.
pub async fn objects(
    ctx: &Context,
    object: &Kustomization,
    target: &Target,
    wanted: &[weir_apply::Target],
) -> View {
    // Another cluster is watched with the identity's own rights.
    let own = object.spec.kube_config.is_none();
    let viewer = Viewer {
        owner: &key_of(object),
        cluster: &target.cluster,
        user: ctx.rules.identity(object).user().filter(|_| own),
        interval: plan::interval(object),
        returns: !plan::stored_inventory(object).is_empty(),
    };
    View::new(&target.objects, viewer, wanted).await
}

/// The artifact's files.
///
/// # Errors
/// [`Error::ArtifactGone`] where its server does not have it, [`Error::FetchArtifact`] otherwise.
pub async fn fetch(ctx: &Context, artifact: &Artifact) -> Result<Arc<FileTree>, Error> {
    ctx.fetcher
        .fetch(&artifact.url, &artifact.digest)
        .await
        .map_err(|error| match error {
            FetchError::NotFound => Error::ArtifactGone(ctx.options.requeue_dependency),
            other => Error::FetchArtifact(Chain(&other).to_string()),
        })
}

/// The variables of `spec.postBuild`: those of `substituteFrom` in order, then the inline ones.
///
/// The inner error is for the resource that needs them first: upstream reads them once per resource.
pub async fn variables(ctx: &Context, object: &Kustomization) -> Result<Variables, String> {
    let Some(post_build) = &object.spec.post_build else {
        return Ok(Variables::new());
    };
    let mut variables = Variables::new();
    for reference in &post_build.substitute_from {
        let values = match reference.kind {
            ValuesKind::ConfigMap => config_map(ctx, namespace(object), &reference.name).await,
            ValuesKind::Secret => secret(ctx, namespace(object), &reference.name).await,
        };
        match values {
            Ok(Some(values)) => variables.extend(values),
            Ok(None) if reference.optional => {}
            Ok(None) => {
                let (kind, name) = (kind_name(reference.kind), &reference.name);
                let plural = if kind == "Secret" {
                    "secrets"
                } else {
                    "configmaps"
                };
                return Err(format!(
                    "substitute from '{kind}/{name}' error: {plural} \"{name}\" not found"
                ));
            }
            Err(error) => {
                let (kind, name) = (kind_name(reference.kind), &reference.name);
                return Err(format!(
                    "substitute from '{kind}/{name}' error: {}",
                    Chain(&error)
                ));
            }
        }
    }
    variables.extend(post_build.substitute.clone());
    Ok(variables
        .into_iter()
        .map(|(name, value)| (name, envsubst::one_line(&value)))
        .collect())
}

fn kind_name(kind: ValuesKind) -> &'static str {
    match kind {
        ValuesKind::ConfigMap => "ConfigMap",
        ValuesKind::Secret => "Secret",
    }
}

async fn config_map(
    ctx: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<Variables>, kube::Error> {
    let found = Api::<ConfigMap>::namespaced(ctx.client.clone(), namespace)
        .get_opt(name)
        .await?;
    Ok(found.map(|found| found.data.unwrap_or_default()))
}

async fn secret(
    ctx: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<Variables>, kube::Error> {
    let found = Api::<Secret>::namespaced(ctx.client.clone(), namespace)
        .get_opt(name)
        .await?;
    let text = |data: Vec<u8>| String::from_utf8_lossy(&data).into_owned();
    Ok(found.map(|found| {
        found
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, text(value.0)))
            .collect()
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(revision: &str) -> Artifact {
        serde_json::from_value(json!({
            "path": "", "url": "", "digest": "sha256:1", "revision": revision, "lastUpdateTime": "2026-01-01T00:00:00Z",
        }))
        .expect("an artifact")
    }

    fn kustomization(source: &str, ready: &str, revision: &str) -> Kustomization {
        serde_json::from_value(json!({
            "metadata": {"name": "x", "namespace": "ns", "generation": 1},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": source}},
            "status": {"observedGeneration": 1, "lastAppliedRevision": revision, "conditions": [{
                "type": "Ready", "status": ready, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]},
        }))
        .expect("a Kustomization")
    }

    #[test]
    fn a_dependency_is_ready_when_it_applied_the_same_revision_of_the_same_source() {
        let dependent = kustomization("app", "True", "");
        let current = artifact("main@sha1:2");
        for (found, expected) in [
            (Some(kustomization("app", "True", "main@sha1:2")), None),
            (
                Some(kustomization("app", "True", "main@sha1:1")),
                Some("dependency 'ns/x' revision is not up to date"),
            ),
            (Some(kustomization("other", "True", "v1@sha1:1")), None),
            (
                Some(kustomization("app", "False", "main@sha1:2")),
                Some("dependency 'ns/x' is not ready"),
            ),
            (
                None,
                Some(
                    "dependency 'ns/x' not found: kustomizations.kustomize.toolkit.fluxcd.io \"x\" not found",
                ),
            ),
        ] {
            let key = Key::new("ns", "x");
            let verdict = present(&key, found.as_ref())
                .and_then(|found| ready_dependency(&dependent, &key, found, &current));
            assert_eq!(verdict.err().as_deref(), expected);
        }
    }

    #[test]
    fn a_dependency_whose_newest_spec_is_not_applied_is_not_ready() {
        let mut found = kustomization("app", "True", "main@sha1:2");
        found.metadata.generation = Some(2);
        let dependent = kustomization("app", "True", "");
        let verdict = ready_dependency(
            &dependent,
            &Key::new("ns", "x"),
            &found,
            &artifact("main@sha1:2"),
        );
        assert_eq!(
            verdict.err().as_deref(),
            Some("dependency 'ns/x' is not ready")
        );
    }
}
