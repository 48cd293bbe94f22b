//! One pass over a Kustomization, from top to bottom.

use std::sync::Arc;

use file_tree::FileTree;
use kustomize::Remote;
use weir_runtime::pass::{Pass, Wait};

use crate::context::Context;
use crate::error::Error;
use crate::execute::Applied;
use crate::kustomization::KustomizationKind;
use crate::observe::health::{Progress, Source, Standing};
use crate::plan::build::{Desired, Inputs};
use crate::plan::expressions::HealthRules;
use crate::plan::substitute::Substitution;
use crate::status::{Health, Phase, health_passed, progress_event};
use crate::target::Target;
use crate::{execute, observe, plan};

/// Makes the cluster what the source's revision says, and waits for its health where asked.
///
/// Source: kustomize-controller v1.9 `reconcile`.
///
/// # Errors
/// The first step that failed; what earlier steps made true is in the pass's facts.
pub async fn reconcile(ctx: &Context, pass: &Pass<KustomizationKind>) -> Result<(), Error> {
    let object = pass.object();
    let rules = HealthRules::of(&object.spec.health_check_exprs)?;
    plan::decryption_identity(&object.spec, ctx.options.workload_identity)?;
    let artifact = observe::source(ctx, pass).await?;
    pass.note(|facts| facts.source(&artifact));
    observe::dependencies(ctx, object, &artifact).await?;
    pass.note(|facts| facts.phase = Phase::Fetching);
    let tree = Box::pin(observe::fetch(ctx, &artifact)).await?;
    plan::build::find_path(&tree, &object.spec, pass.key())?;
    pass.note(|facts| facts.phase = Phase::Building);
    // Boxed, so that a pass that waits for health holds no room for what is done.
    let target = Box::pin(ctx.target(object)).await?;
    let desired = Box::pin(build(ctx, pass, tree)).await?;
    pass.note(|facts| facts.phase = Phase::Applying);
    let changes = Box::pin(execute::apply(ctx, pass, &target, (desired, &artifact))).await?;
    let applied = Applied {
        artifact: &artifact,
        changes: &changes,
    };
    Box::pin(execute::prune(ctx, pass, &target, applied)).await?;
    health(ctx, pass, &target, applied, &rules).await
}

/// What the cluster should hold: the artifact's files, built, substituted and labelled.
async fn build(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    tree: Arc<FileTree>,
) -> Result<Desired, Error> {
    let object = pass.object();
    let decryption = observe::keys::decryption(ctx, object).await?;
    let variables = observe::variables(ctx, object).await;
    let inputs = Inputs {
        tree,
        spec: object.spec.clone(),
        substitution: Substitution::of(object, variables, ctx.options.strict_substitutions),
        decryption,
        owner: pass.key().clone(),
    };
    let (tenant, limit) = (&pass.key().namespace, plan::timeout(object));
    let bases = ctx.remote_bases.clone();
    let build = move || {
        let fetching = bases.map(|bases| bases.for_build(limit));
        let remote = fetching.as_ref().map(|fetching| fetching as &dyn Remote);
        plan::build::build(&inputs, remote)
    };
    let desired = ctx.builds.run(tenant, limit, build).await?;
    pass.note(|facts| facts.digest = Some(desired.digest.clone()));
    Ok(desired)
}

/// Waits until what the spec names is healthy.
async fn health(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    Applied { artifact, changes }: Applied<'_>,
    rules: &HealthRules,
) -> Result<(), Error> {
    let object = pass.object();
    let Some(targets) = observe::health::targets(target, object, changes).await else {
        ctx.unfinished.forget(pass.key());
        pass.note(|facts| facts.health = Health::NotWanted);
        return Ok(());
    };
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let unfinished = ctx.unfinished.take(pass.key(), uid);
    let news = plan::health_is_news(object, artifact, changes.has_changes(), unfinished);
    let started = tokio::time::Instant::now();
    pass.note(|facts| facts.check_health());
    let source = Source {
        objects: &target.objects,
        client: target.cluster.client().clone(),
        owner: pass.key(),
        rules,
    };
    let mut progress = Progress::default();
    let wait = match targets {
        Ok(targets) => {
            let fail_fast = ctx.options.fail_fast;
            let settle = observe::health::settle(&source, &targets, fail_fast, &mut progress);
            pass.wait(started + plan::timeout(object), Box::pin(settle))
                .await
        }
        Err(text) => return failed(pass, started.elapsed(), text),
    };
    match wait {
        Wait::Done(Standing::Failed) => failed(pass, started.elapsed(), progress.failed_early()),
        Wait::Done(_) => {
            let elapsed = started.elapsed();
            pass.note(|facts| facts.health = Health::Passed(elapsed));
            if news {
                pass.emit(progress_event(health_passed(elapsed), &pass.facts()));
            }
            Ok(())
        }
        Wait::TimedOut => failed(pass, started.elapsed(), progress.timed_out()),
        Wait::Superseded => {
            // With the gate upstream ends checks as well, and tells of the next one that passes.
            if !ctx.options.cancel_health_check_on_new_revision {
                ctx.unfinished.keep(pass.key(), uid, news);
            }
            let own = || format!("Kustomization/{}", pass.key());
            Err(Error::Superseded(pass.superseded_by().unwrap_or_else(own)))
        }
    }
}

fn failed(
    pass: &Pass<KustomizationKind>,
    elapsed: std::time::Duration,
    text: String,
) -> Result<(), Error> {
    pass.note(|facts| facts.health = Health::Failed(text.clone()));
    Err(Error::Health { elapsed, text })
}
