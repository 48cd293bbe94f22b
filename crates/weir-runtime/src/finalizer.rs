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

/// Adds the finalizer; returns the object as stored then.
pub(crate) async fn add<T: Reconcilable>(
    target: &Target<T>,
    object: Arc<T>,
) -> Result<Arc<T>, WriteError> {
    change(target, object, |finalizers| {
        finalizers.push(FINALIZER.to_owned())
    })
    .await
}

/// Takes the finalizer off, whereupon the object may be gone.
pub(crate) async fn remove<T: Reconcilable>(
    target: &Target<T>,
    object: Arc<T>,
) -> Result<(), WriteError> {
    match change(target, object, |finalizers| {
        finalizers.retain(|finalizer| finalizer != FINALIZER)
    })
    .await
    {
        Ok(_) | Err(WriteError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn change<T: Reconcilable>(
    target: &Target<T>,
    mut object: Arc<T>,
    edit: impl Fn(&mut Vec<String>),
) -> Result<Arc<T>, WriteError> {
    let api = target.api(&object.namespace().unwrap_or_default());
    let name = object.name_any();
    for attempt in 1..=TRIES {
        let mut finalizers: Vec<String> = object.finalizers().to_vec();
        edit(&mut finalizers);
        if finalizers == object.finalizers() {
            return Ok(object);
        }
        if !target.leadership.is_valid() {
            return Err(WriteError::NotLeading);
        }
        let metadata = json!({ "finalizers": finalizers, "resourceVersion": object.resource_version(), "uid": object.uid() });
        let patch = Patch::Merge(json!({ "metadata": metadata }));
        match api.patch(&name, &target.params(), &patch).await {
            Ok(changed) => {
                let changed = Arc::new(changed);
                target.store.written(Arc::clone(&changed));
                return Ok(changed);
            }
            Err(kube::Error::Api(refusal)) if refusal.code == 404 => return Err(WriteError::Gone),
            Err(kube::Error::Api(refusal)) if refusal.code == 409 && attempt < TRIES => {}
            Err(error) => return Err(WriteError::Patch(crate::client::describe(&error).into())),
        }
        object = match api.get_opt(&name).await {
            Ok(Some(live)) if live.uid() == object.uid() => Arc::new(live),
            Ok(_) => return Err(WriteError::Gone),
            Err(error) => return Err(WriteError::Patch(crate::client::describe(&error).into())),
        };
    }
    Ok(object)
}
