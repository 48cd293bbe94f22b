//! Writing status: one merge patch of what differs, under an optimistic lock, and none if nothing does.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Map, Value, json};
use weir_api::Reconcilable;

use crate::hub::Store;
use crate::kind::Key;
use crate::lease::Leadership;

const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why a status was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The object is gone.
    Gone,
    /// The lease is not ours.
    NotLeading,
    /// The API server refused, or could not be reached.
    Patch(Box<dyn std::error::Error + Send + Sync>),
}

/// Where a kind's objects are written to.
#[derive(Clone)]
pub(crate) struct Target<T: Reconcilable> {
    pub(crate) client: kube::Client,
    pub(crate) store: Store<T>,
    pub(crate) field_manager: &'static str,
    pub(crate) leadership: Leadership,
}

impl<T: Reconcilable> Target<T> {
    pub(crate) fn api(&self, namespace: &str) -> Api<T> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) fn params(&self) -> PatchParams {
        PatchParams {
            field_manager: Some(self.field_manager.to_owned()),
            ..PatchParams::default()
        }
    }
}

/// Writes the status of one object during one pass.
pub(crate) struct Writer<T: Reconcilable> {
    target: Target<T>,
    /// Metadata and spec as the pass saw them, status as last written or read.
    object: Arc<T>,
    /// The newest version that is known.
    latest: Arc<T>,
}

impl<T: Reconcilable> Writer<T> {
    pub(crate) fn new(target: Target<T>, object: Arc<T>) -> Self {
        Self {
            target,
            latest: Arc::clone(&object),
            object,
        }
    }

    pub(crate) fn latest(&self) -> Arc<T> {
        Arc::clone(&self.latest)
    }

    /// Writes what `status` makes of the object with its last status; asked again after a conflict.
    /// Returns whether anything had to be written.
    pub(crate) async fn write(
        &mut self,
        mut status: impl FnMut(&T) -> T::Status,
    ) -> Result<bool, WriteError> {
        let api = self
            .target
            .api(&self.object.namespace().unwrap_or_default());
        let mut pause = FIRST_PAUSE;
        let mut left = TRIES;
        loop {
            left -= 1;
            let Some(patch) = self.patch(&status(&self.object))? else {
                return Ok(false);
            };
            if !self.target.leadership.is_valid() {
                return Err(WriteError::NotLeading);
            }
            let params = self.target.params();
            match api
                .patch_status(&self.object.name_any(), &params, &Patch::Merge(patch))
                .await
            {
                Ok(written) => {
                    self.took(Arc::new(written));
                    return Ok(true);
                }
                Err(kube::Error::Api(refusal)) if refusal.code == 404 => {
                    return Err(WriteError::Gone);
                }
                Err(kube::Error::Api(refusal)) if refusal.code == 409 && left > 0 => {}
                Err(error) => return Err(refused(&error)),
            }
            if left < TRIES - 1 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            self.read_again(&api).await?;
        }
    }

    /// The patch that makes the known status `new`, or `None` if it is that.
    fn patch(&self, new: &T::Status) -> Result<Option<Value>, WriteError> {
        let encode = |status: Option<&T::Status>| serde_json::to_value(status);
        let old =
            encode(self.object.status()).map_err(|error| WriteError::Patch(Box::new(error)))?;
        let new = encode(Some(new)).map_err(|error| WriteError::Patch(Box::new(error)))?;
        let Some(status) = difference(&old, &new) else {
            return Ok(None);
        };
        let metadata =
            json!({ "resourceVersion": self.latest.resource_version(), "uid": self.latest.uid() });
        Ok(Some(json!({ "metadata": metadata, "status": status })))
    }

    /// After a conflict: takes the version that the watch has brought meanwhile, else reads the object.
    async fn read_again(&mut self, api: &Api<T>) -> Result<(), WriteError> {
        let key = Key::new(
            self.object.namespace().unwrap_or_default(),
            self.object.name_any(),
        );
        let known = self
            .target
            .store
            .get(&key)
            .filter(|known| version(&**known) > version(&*self.latest));
        let live = match known {
            Some(known) => known,
            None => match api.get_opt(&key.name).await {
                Ok(Some(live)) => Arc::new(live),
                Ok(None) => return Err(WriteError::Gone),
                Err(error) => return Err(refused(&error)),
            },
        };
        if live.uid() != self.object.uid() {
            return Err(WriteError::Gone);
        }
        self.took(live);
        Ok(())
    }

    /// `live` is the newest version now: its status counts, the rest of the pass' object stays.
    fn took(&mut self, live: Arc<T>) {
        let mut object = T::clone(&self.object);
        object.set_status(live.status().cloned().unwrap_or_default());
        self.object = Arc::new(object);
        self.target.store.written(Arc::clone(&live));
        self.latest = live;
    }
}

fn refused(error: &kube::Error) -> WriteError {
    WriteError::Patch(crate::client::describe(error).into())
}

fn version<T: Reconcilable>(object: &T) -> Option<u64> {
    object
        .meta()
        .resource_version
        .as_deref()
        .and_then(|version| version.parse().ok())
}

/// The JSON merge patch that turns `old` into `new`; `None` if they are equal. Nulls count as absent.
pub(crate) fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(new_fields), old_fields) = (new, old.as_object()) else {
        return (old != new).then(|| new.clone());
    };
    let none = Map::new();
    let old_fields = old_fields.unwrap_or(&none);
    let mut patch = Map::new();
    for key in old_fields
        .keys()
        .filter(|key| new_fields.get(*key).is_none_or(Value::is_null))
    {
        if !old_fields[key].is_null() {
            patch.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in new_fields.iter().filter(|(_, value)| !value.is_null()) {
        match old_fields.get(key) {
            Some(known) => {
                if let Some(inner) = difference(known, value) {
                    patch.insert(key.clone(), inner);
                }
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    (!patch.is_empty() || !old.is_object()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests;
