//! Putting Flux's finalizer on and taking it off, guarded by the object's version.

use std::sync::Arc;

use kube::ResourceExt;
use kube::api::Patch;
use serde_json::json;
use weir_api::Reconcilable;
use weir_api::meta::FINALIZER;

use crate::status::{Target, WriteError};

const TRIES: u32 = 5;

/// Whether `object` carries the finalizer.
pub(crate) fn present<T: Reconcilable>(object: &T) -> bool {
    object
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
}

/// Why the finalizer was not taken off.
#[derive(Debug)]
pub(crate) enum RemoveError {
    /// The object is not the one that was cleaned up after: its spec or status has changed meanwhile.
    Changed,
    /// It could not be written.
    Write(WriteError),
}

/// Adds the finalizer; returns the object as stored then.
pub(crate) async fn add<T: Reconcilable>(
    target: &Target<T>,
    mut object: Arc<T>,
) -> Result<Arc<T>, WriteError> {
    for attempt in 1..=TRIES {
        if present(&*object) {
            return Ok(object);
        }
        let mut finalizers = object.finalizers().to_vec();
        finalizers.push(FINALIZER.to_owned());
        object = match change(target, &object, &finalizers).await? {
            Changed::Written(object) => return Ok(object),
            Changed::Conflict(live) if attempt < TRIES => live,
            Changed::Conflict(live) => return Ok(live),
        };
    }
    Ok(object)
}

/// Takes the finalizer off, whereupon the object may be gone. Only the object goes that was cleaned up after: one
/// whose spec or status has changed meanwhile may have more to clean up.
pub(crate) async fn remove<T: Reconcilable>(
    target: &Target<T>,
    mut object: Arc<T>,
) -> Result<(), RemoveError> {
    for _ in 0..TRIES {
        let mut finalizers = object.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        if finalizers == object.finalizers() {
            return Ok(());
        }
        object = match change(target, &object, &finalizers).await {
            Ok(Changed::Written(_)) | Err(WriteError::Gone) => return Ok(()),
            Ok(Changed::Conflict(live)) if is_same(&*object, &*live) => live,
            Ok(Changed::Conflict(live)) => {
                target.store.written(live);
                return Err(RemoveError::Changed);
            }
            Err(error) => return Err(RemoveError::Write(error)),
        };
    }
    Err(RemoveError::Changed)
}

/// Whether what there is to clean up is the same.
fn is_same<T: Reconcilable>(before: &T, now: &T) -> bool {
    let status = |object: &T| serde_json::to_value(object.status()).ok();
    before.meta().generation == now.meta().generation && status(before) == status(now)
}

/// What became of a change.
enum Changed<T> {
    /// The object as it is stored now.
    Written(Arc<T>),
    /// Somebody was faster: the object as it is.
    Conflict(Arc<T>),
}

async fn change<T: Reconcilable>(
    target: &Target<T>,
    object: &Arc<T>,
    finalizers: &[String],
) -> Result<Changed<T>, WriteError> {
    let api = target.api(&object.namespace().unwrap_or_default());
    let name = object.name_any();
    if !target.leadership.is_valid() {
        return Err(WriteError::NotLeading);
    }
    let metadata = json!({ "finalizers": finalizers, "resourceVersion": object.resource_version(), "uid": object.uid() });
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let refused = |error: kube::Error| WriteError::Patch(crate::client::describe(&error).into());
    match api.patch(&name, &target.params(), &patch).await {
        Ok(changed) => {
            let changed = Arc::new(changed);
            target.store.written(Arc::clone(&changed));
            return Ok(Changed::Written(changed));
        }
        Err(kube::Error::Api(refusal)) if refusal.code == 404 => return Err(WriteError::Gone),
        Err(kube::Error::Api(refusal)) if refusal.code == 409 => {}
        Err(error) => return Err(refused(error)),
    }
    match api.get_opt(&name).await.map_err(refused)? {
        Some(live) if live.uid() == object.uid() => Ok(Changed::Conflict(Arc::new(live))),
        _ => Err(WriteError::Gone),
    }
}
