//! What becomes of the applied objects when their Kustomization is deleted.
//!
//! Source: kustomize-controller v1.9 `finalize`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use parking_lot::Mutex;
use weir_api::kustomize::v1::{DeletionPolicy, Kustomization};
use weir_api::meta::InventoryEntry;
use weir_apply::{Target, inventory};
use weir_runtime::event::EventKind;
use weir_runtime::kind::{Chain, Key};
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::execute::{owner, pruner};
use crate::kustomization::KustomizationKind;
use crate::plan::identity::Identity;
use crate::status::deletion_event;
use crate::{observe, plan};

/// Deletes the objects if the deletion policy says so; `Ok` lets the Kustomization go.
///
/// # Errors
/// [`Error::Finalize`] if an object could not be deleted, [`Error::Outdated`] if the cache was behind, [`Error::Unreachable`] if its cluster could not be reached:
/// the Kustomization stays and is tried again.
pub async fn finalize(ctx: &Context, pass: &Pass<KustomizationKind>) -> Result<(), Error> {
    let object = pass.object();
    ctx.kept.forget(pass.key());
    ctx.unfinished.forget(pass.key());
    let objects = ctx.targets.objects_of(pass.key());
    objects.forget(pass.key(), &plan::stored_inventory(object));
    objects.ledger().forget_owner(pass.key());
    ctx.attempts.note(pass.key(), None);
    if !plan::deletes_objects(object) {
        return Ok(());
    }
    observe::confirm(ctx, object, None)
        .await
        .map_err(|error| error.map_or(Error::Outdated, Error::Finalize))?;
    let entries = plan::stored_inventory(object);
    if !account_exists(ctx, object).await? {
        // Nobody is left who may delete them: upstream says so and lets them be.
        let message = format!("unable to prune objects: \n{}", subjects(&entries));
        pass.emit(deletion_event(object, EventKind::Warning, message));
        return Ok(());
    }
    let unreachable = |error: Error| Error::Unreachable(error.message());
    let target = ctx.target(object).await.map_err(unreachable)?;
    let applier = pruner(ctx, object, &target, &entries).await?;
    let pruned = applier.prune(&entries, &owner(pass)).await;
    if let Some(error) = pruned.failure {
        return Err(Error::Finalize(Chain(&error).to_string()));
    }
    let log = pruned.changes.all_lines();
    if log.is_empty() {
        return Ok(());
    }
    pass.emit(deletion_event(object, EventKind::Normal, log));
    if object.spec.deletion_policy == Some(DeletionPolicy::WaitForTermination) {
        let timeout = plan::timeout(object);
        let gone = Box::pin(applier.wait_gone(&pruned.changes, timeout));
        let gone = pass.wait(tokio::time::Instant::now() + timeout, gone).await;
        if !matches!(gone, weir_runtime::pass::Wait::Done(Ok(()))) {
            let message = "failed to wait for resources termination";
            pass.emit(deletion_event(object, EventKind::Warning, message));
        }
    }
    Ok(())
}

/// How long an account that was there counts as there.
const ACCOUNT_SEEN_FOR: Duration = Duration::from_secs(5);
/// Accounts that are remembered at most.
const MOST_ACCOUNTS: usize = 1024;

/// The service accounts that were just seen: when many Kustomizations of one account are deleted at a time, it is
/// asked for once.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<HashMap<Key, Instant>>);

impl Accounts {
    fn was_seen(&self, account: &Key, now: Instant) -> bool {
        let seen = self.0.lock();
        seen.get(account).is_some_and(|at| is_recent(*at, now))
    }

    fn note(&self, account: Key, now: Instant) {
        let mut seen = self.0.lock();
        if seen.len() >= MOST_ACCOUNTS {
            seen.retain(|_, at| is_recent(*at, now));
        }
        if seen.len() < MOST_ACCOUNTS {
            seen.insert(account, now);
        }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < ACCOUNT_SEEN_FOR
}

/// Whether the account that the objects are deleted as exists. The controller itself always does.
async fn account_exists(ctx: &Context, object: &Kustomization) -> Result<bool, Error> {
    let Identity::ServiceAccount(key) = ctx.rules.identity(object) else {
        return Ok(true);
    };
    if ctx.accounts.was_seen(&key, Instant::now()) {
        return Ok(true);
    }
    let found = Api::<ServiceAccount>::namespaced(ctx.client.clone(), &key.namespace)
        .get_opt(&key.name)
        .await
        .map_err(|error| Error::Finalize(Chain(&error).to_string()))?;
    if found.is_some() {
        ctx.accounts.note(key, Instant::now());
        return Ok(true);
    }
    Ok(false)
}

/// The objects of an inventory, one per line; an entry that cannot be read as its id.
fn subjects(entries: &[InventoryEntry]) -> String {
    let subject = |entry: &InventoryEntry| match Target::parse(entry) {
        Ok(target) => target.object.to_string(),
        Err(inventory::ParseIdError(id)) => id,
    };
    entries.iter().map(subject).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_counts_as_seen_for_a_while_and_no_more_than_so_many_are_kept() {
        let (accounts, begin) = (Accounts::default(), Instant::now());
        let account = |number: usize| Key::new("team", format!("account-{number}"));
        assert!(!accounts.was_seen(&account(0), begin));
        for number in 0..=MOST_ACCOUNTS {
            accounts.note(account(number), begin);
        }
        assert!(accounts.was_seen(&account(0), begin));
        assert!(!accounts.was_seen(&account(MOST_ACCOUNTS), begin));
        let later = begin + ACCOUNT_SEEN_FOR;
        assert!(!accounts.was_seen(&account(0), later));
        accounts.note(account(MOST_ACCOUNTS), later);
        assert!(accounts.was_seen(&account(MOST_ACCOUNTS), later));
        assert_eq!(accounts.0.lock().len(), 1, "what is over makes room");
    }
}
