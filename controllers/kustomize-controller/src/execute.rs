//! What a pass writes: objects, stage by stage, and the inventory before them. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::{Artifact, InventoryEntry, reason};
use weir_apply::{
    Applier, ApplyError, Change, ChangeSet, Force, Object, ObjectRef, Owner, StagePlan, inventory,
    prepare, stages,
};
use weir_runtime::event::EventKind;
use weir_runtime::kind::{Chain, Key};
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::kustomization::KustomizationKind;
use crate::plan::build::Desired;
use crate::status::{event, progress_event};
use crate::target::Target;
use crate::triggers::key_of;
use crate::watch::{Memory, ObjectKey, View, Writing};
use crate::{observe, plan};

/// How long the definitions of a stage may take to be served.
const STAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// What was applied, and what it came to.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'a> {
    /// What it was built from.
    pub artifact: &'a Artifact,
    /// What became of the objects.
    pub changes: &'a ChangeSet,
}

/// Applies what was built. Before objects are created that the inventory does not hold, it is stored with them.
///
/// # Errors
/// [`Error::Apply`]; the inventory then holds what it held before and what was applied. [`Error::Outdated`] if objects
/// were to be deleted for new ones and what this pass saw is no longer so.
pub async fn apply(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    (desired, artifact): (Desired, &Artifact),
) -> Result<ChangeSet, Error> {
    let object = pass.object();
    pass.note(|facts| facts.begin_with(&plan::stored_inventory(object)));
    let applied = match prepare(
        desired.objects,
        &owner(pass),
        object.spec.common_metadata.as_ref(),
    ) {
        Ok(objects) => stage_by_stage(ctx, pass, target, (objects, artifact)).await,
        Err(error) => Err((Vec::new(), Error::Apply(Chain(&error).to_string()))),
    };
    match applied {
        Ok(changes) => {
            let inventory = changes.inventory();
            keep(ctx, pass, target, &inventory);
            // What is pruned next stays until it is: this may be stored before.
            let mut held = inventory;
            if object.spec.prune {
                held = inventory::union(&held, &plan::stored_inventory(object));
            }
            pass.note(|facts| facts.hold(held));
            let log = changes.changed_lines();
            if !log.is_empty() {
                log_changes(ctx, pass, &changes);
                pass.emit(progress_event(log, &pass.facts()));
            }
            let left_out = changes.left_out_lines();
            if !left_out.is_empty() {
                let (kind, facts) = (EventKind::Warning, pass.facts());
                pass.emit(event(kind, reason::PROGRESSING, left_out, &facts));
            }
            Ok(changes)
        }
        Err((touched, error)) => {
            let held = inventory::union(&plan::stored_inventory(object), &touched);
            pass.note(|facts| {
                if facts.inventory.is_some() {
                    facts.hold(held);
                }
            });
            Err(error)
        }
    }
}

/// From now on the object keeps what is in `inventory`, and nothing else.
fn keep(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    inventory: &[InventoryEntry],
) {
    let ids = inventory.iter().map(|entry| entry.id.clone()).collect();
    ctx.kept.keep(pass.key(), ids);
    let stale = inventory::stale(&plan::stored_inventory(pass.object()), inventory);
    target.objects.forget(pass.key(), &stale);
}

/// Logs what became of the objects, where anything was written.
fn log_changes(ctx: &Context, pass: &Pass<KustomizationKind>, changes: &ChangeSet) {
    let all = changes.entries.iter();
    let all = all.map(|change| (change.subject().to_string(), change.action.as_str()));
    let output = plan::changelog::changelog(all, ctx.options.group_change_log);
    let revision = pass.facts().revision;
    tracing::info!(%output, revision, "server-side apply completed");
}

/// With an error comes what may be in the cluster now: what was applied and, if a write failed, everything that its
/// stage was about to write, because an answer may have been lost.
async fn stage_by_stage(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    (objects, artifact): (Vec<Object>, &Artifact),
) -> Result<ChangeSet, (Vec<InventoryEntry>, Error)> {
    let object = pass.object();
    for notice in target.objects.ledger().notices(pass.key()) {
        pass.emit(progress_event(notice, &pass.facts()));
    }
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
        let wanted: Vec<_> = stage.objects.iter().map(weir_apply::Target::of).collect();
        let view = Arc::new(observe::objects(ctx, object, target, &wanted).await);
        tell_of_others(ctx, pass, target, &view, &wanted);
        let applier = applier.clone().with_index(Arc::clone(&view) as _);
        let plan = match applier.plan(stage, force).await {
            Ok(plan) => plan,
            Err(error) => return Err((done.inventory(), failed(error))),
        };
        if plan.writes()
            && let Err(error) = write_ahead(pass, &plan.entries()).await
        {
            return Err((done.inventory(), error));
        }
        if !plan.recreated().is_empty()
            && let Err(error) = observe::confirm(ctx, object, Some(artifact)).await
        {
            let error = error.map_or(Error::Outdated, Error::Apply);
            return Err((done.inventory(), error));
        }
        let writing = announce(ctx, pass, target, &plan);
        let before = done.entries.len();
        let executed = applier.execute(&plan, &mut done).await;
        writing.done(remember(target, object, &view, &done.entries[before..]));
        if let Err(error) = executed {
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

/// Lets the watches know what is about to be written, so that they do not take it for drift.
fn announce<'a>(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &'a Target,
    plan: &StagePlan,
) -> Writing<'a> {
    let recreated: Vec<_> = plan.recreated().into_iter().map(|entry| entry.id).collect();
    if !recreated.is_empty() {
        let stored = plan::stored_inventory(pass.object())
            .into_iter()
            .map(|entry| entry.id);
        ctx.kept.release(pass.key(), stored, &recreated);
    }
    let written = plan.objects.iter().filter(|planned| planned.step.writes());
    let written = written.map(|planned| ObjectKey::of(&planned.target().object));
    target.objects.write(written.collect())
}

/// What came of an apply, for the ledger. A write also shows that its identity may write.
fn remember(
    target: &Target,
    object: &Kustomization,
    view: &View,
    changes: &[Change],
) -> Vec<(ObjectKey, Memory)> {
    let mut memories = Vec::with_capacity(changes.len());
    for change in changes {
        let Some(accepted) = &change.accepted else {
            continue;
        };
        let key = ObjectKey::of(change.subject());
        if change.action.is_change() {
            view.shown(&target.objects, &key);
        }
        let memory = Memory {
            owner: key_of(object),
            uid: change.uid.clone(),
            resource_version: change.resource_version.clone(),
            accepted: accepted.clone(),
            rules: view.rules(&key.kind),
        };
        memories.push((key, memory));
    }
    memories
}

/// Says once of each object that another Kustomization applies it as well: they take it from each other at each
/// interval, and nobody but people can end that.
fn tell_of_others(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    view: &View,
    wanted: &[weir_apply::Target],
) {
    for wanted in wanted {
        let key = ObjectKey::of(&wanted.object);
        let other = view.seen(&key).and_then(|seen| seen.owner);
        let Some(other) = other.filter(|other| other != pass.key()) else {
            continue;
        };
        // What was never ours has moved here.
        if applies(ctx, pass.key(), &wanted.object)
            && applies(ctx, &other, &wanted.object)
            && target.objects.ledger().tell(pass.key(), &key, &other)
        {
            let text = format!(
                "{} is also applied by Kustomization/{other}; each takes it from the other at its interval",
                wanted.object
            );
            let kind = EventKind::Warning;
            pass.emit(event(kind, reason::PROGRESSING, text, &pass.facts()));
        }
    }
}

/// Whether a Kustomization is there that has put `object` into its inventory.
fn applies(ctx: &Context, owner: &Key, object: &ObjectRef) -> bool {
    let id = inventory::id(object);
    ctx.kustomizations.get(owner).is_some_and(|it| {
        let stored = || {
            let stored = plan::stored_inventory(&it);
            stored.iter().any(|entry| entry.id == id)
        };
        it.metadata.deletion_timestamp.is_none()
            && ctx.kept.keeps(owner, &id).unwrap_or_else(stored)
    })
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
    pass.note(|facts| facts.hold(inventory::union(&held, entries)));
    pass.checkpoint()
        .await
        .map_err(|error| Error::WriteStatus(Box::new(error)))
}

/// Deletes what the inventory held and the build no longer contains, if the spec says so.
///
/// # Errors
/// [`Error::Prune`]; what could not be deleted stays in the inventory. [`Error::Outdated`] if what this pass saw is no
/// longer so.
pub async fn prune(
    ctx: &Context,
    pass: &Pass<KustomizationKind>,
    target: &Target,
    Applied { artifact, changes }: Applied<'_>,
) -> Result<(), Error> {
    let object = pass.object();
    let new = changes.inventory();
    let stale = inventory::stale(&plan::stored_inventory(object), &new);
    if !object.spec.prune || stale.is_empty() {
        return Ok(());
    }
    observe::confirm(ctx, object, Some(artifact))
        .await
        .map_err(|error| error.map_or(Error::Outdated, Error::Prune))?;
    let applier = pruner(ctx, object, target, &stale).await?;
    let pruned = applier.prune(&stale, &owner(pass)).await;
    let log = pruned.changes.all_lines();
    match pruned.failure {
        None => {
            pass.note(|facts| facts.hold(new));
            if !log.is_empty() {
                pass.emit(progress_event(log, &pass.facts()));
            }
            Ok(())
        }
        Some(error) => {
            pass.note(|facts| facts.hold(inventory::union(&new, &pruned.survivors)));
            Err(Error::Prune(Chain(&error).to_string()))
        }
    }
}

/// An applier that knows what the watches show of `entries`.
///
/// # Errors
/// As [`Context::applier`].
pub(crate) async fn pruner(
    ctx: &Context,
    object: &Kustomization,
    target: &Target,
    entries: &[InventoryEntry],
) -> Result<Applier, Error> {
    let applier = ctx.applier(target, object)?;
    let view = observe::objects(ctx, object, target, &targets(entries)).await;
    Ok(applier.with_index(Arc::new(view)))
}

/// The objects that `entries` name.
fn targets(entries: &[InventoryEntry]) -> Vec<weir_apply::Target> {
    let parse = |entry| weir_apply::Target::parse(entry).ok();
    entries.iter().filter_map(parse).collect()
}

/// The labels that say whose an object is.
pub(crate) fn owner(pass: &Pass<KustomizationKind>) -> Owner {
    Owner::new(&pass.key().namespace, &pass.key().name)
}
