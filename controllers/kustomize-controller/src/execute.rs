//! What a pass writes: objects, stage by stage, and the inventory before them. Decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_api::meta::InventoryEntry;
use weir_apply::{ApplyError, ChangeSet, Force, Object, Owner, inventory, prepare, stages};
use weir_runtime::kind::Chain;
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::kustomization::KustomizationKind;
use crate::plan;
use crate::plan::build::Desired;
use crate::status::progress_event;
use crate::target::Target;

/// How long the definitions of a stage may take to be served.
const STAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// Applies what was built. Before objects are created that the inventory does not hold, it is stored with them.
///
/// # Errors
/// [`Error::Apply`]; the inventory then holds what it held before and what was applied.
pub async fn apply(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    desired: Desired,
) -> Result<ChangeSet, Error> {
    let object = pass.object();
    let applied = match prepare(
        desired.objects,
        &owner(pass),
        object.spec.common_metadata.as_ref(),
    ) {
        Ok(objects) => stage_by_stage(ctx, pass, target, objects).await,
        Err(error) => Err((Vec::new(), Error::Apply(Chain(&error).to_string()))),
    };
    match applied {
        Ok(changes) => {
            let inventory = changes.inventory();
            ctx.kept.keep(
                pass.key(),
                inventory.iter().map(|entry| entry.id.clone()).collect(),
            );
            pass.note(|facts| facts.inventory = Some(inventory));
            let log = changes.changed_lines();
            if !log.is_empty() {
                pass.emit(progress_event(log, &pass.facts()));
            }
            Ok(changes)
        }
        Err((touched, error)) => {
            let held = inventory::union(&plan::stored_inventory(object), &touched);
            pass.note(|facts| facts.inventory = facts.inventory.is_some().then_some(held));
            Err(error)
        }
    }
}

/// With an error comes what may be in the cluster now: what was applied and, if a write failed, everything that its
/// stage was about to write, because an answer may have been lost.
async fn stage_by_stage(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    objects: Vec<Object>,
) -> Result<ChangeSet, (Vec<InventoryEntry>, Error)> {
    let object = pass.object();
    let mut done = ChangeSet::default();
    let applier = match ctx.applier(target, object) {
        Ok(applier) => applier,
        Err(error) => return Err((Vec::new(), error)),
    };
    let force = if object.spec.force {
        Force::Always
    } else {
        Force::OnRequest
    };
    for stage in stages(objects, &ctx.options.custom_stage_kinds) {
        let told = done.clone();
        let failed = |error: ApplyError| Error::Apply(told.failure_message(&Chain(&error)));
        let plan = match applier.plan(stage, force).await {
            Ok(plan) => plan,
            Err(error) => return Err((done.inventory(), failed(error))),
        };
        if plan.writes()
            && let Err(error) = write_ahead(pass, &plan.entries()).await
        {
            return Err((done.inventory(), error));
        }
        watch(target, &plan.entries()).await;
        let recreated: Vec<_> = plan.recreated().into_iter().map(|entry| entry.id).collect();
        if !recreated.is_empty() {
            let stored = plan::stored_inventory(object)
                .into_iter()
                .map(|entry| entry.id);
            ctx.kept.release(pass.key(), stored, &recreated);
        }
        if let Err(error) = applier.execute(&plan, &mut done).await {
            let touched = inventory::union(&done.inventory(), &plan.entries());
            return Err((touched, failed(error)));
        }
        if plan.kind.waits()
            && let Err(error) = applier.wait_ready(&plan, STAGE_TIMEOUT).await
        {
            return Err((done.inventory(), failed(error)));
        }
    }
    Ok(done)
}

/// Watches the kinds of a stage, so that the loss of an object and its health are seen. The apply told that they
/// are served.
async fn watch(target: &Target, entries: &[InventoryEntry]) {
    let objects = entries
        .iter()
        .filter_map(|entry| weir_apply::Target::parse(entry).ok());
    let kinds: BTreeSet<_> = objects
        .map(|object| (object.api_version, object.object.kind))
        .collect();
    for (api_version, kind) in kinds {
        if let Ok((resource, _)) = target.cluster.resource(&api_version, &kind).await {
            target.objects.kind(&resource);
        }
    }
}

/// Stores the inventory with `entries` if it lacks any of them.
async fn write_ahead(
    pass: &Pass<KustomizationKind>,
    entries: &[InventoryEntry],
) -> Result<(), Error> {
    let held = pass
        .facts()
        .inventory
        .unwrap_or_else(|| plan::stored_inventory(pass.object()));
    if inventory::stale(entries, &held).is_empty() {
        return Ok(());
    }
    pass.note(|facts| facts.inventory = Some(inventory::union(&held, entries)));
    pass.checkpoint()
        .await
        .map_err(|error| Error::WriteStatus(Box::new(error)))
}

/// Deletes what the inventory held and the build no longer contains, if the spec says so.
///
/// # Errors
/// [`Error::Prune`]; what could not be deleted stays in the inventory.
pub async fn prune(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
) -> Result<(), Error> {
    let object = pass.object();
    let new = pass.facts().inventory.unwrap_or_default();
    let stale = inventory::stale(&plan::stored_inventory(object), &new);
    if !object.spec.prune || stale.is_empty() {
        return Ok(());
    }
    let applier = ctx.applier(target, object)?;
    let pruned = applier.prune(&stale, &owner(pass)).await;
    let log = pruned.changes.all_lines();
    match pruned.failure {
        None => {
            if !log.is_empty() {
                pass.emit(progress_event(log, &pass.facts()));
            }
            Ok(())
        }
        Some(error) => {
            pass.note(|facts| facts.inventory = Some(inventory::union(&new, &pruned.survivors)));
            Err(Error::Prune(Chain(&error).to_string()))
        }
    }
}

/// The labels that say whose an object is.
pub(crate) fn owner(pass: &Pass<KustomizationKind>) -> Owner {
    Owner::new(&pass.key().namespace, &pass.key().name)
}
