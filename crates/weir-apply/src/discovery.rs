//! Which kinds a cluster serves, and where: read when first needed, again when a kind is missing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use kube::Client;
use parking_lot::Mutex;
use serde_json::Value;

use crate::object::{ObjectRef, join_api_version, split_api_version};
use crate::request::{self, RequestError, segment};

/// A list in which a kind was missed is not read again within this time.
const MISSED_FOR: Duration = Duration::from_millis(500);

/// Where objects of a kind are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) api_version: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

impl Mapping {
    /// The path of an object. A namespace that its kind does not have is left out.
    pub(crate) fn path(&self, object: &ObjectRef) -> Result<String, RequestError> {
        let name = object.name.as_str();
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
            return Err(RequestError::BadName(name.to_owned()));
        }
        Ok(format!("{}/{}", self.collection(object)?, segment(name)))
    }

    /// The path of the list that an object is in.
    pub(crate) fn collection(&self, object: &ObjectRef) -> Result<String, RequestError> {
        let base = base_path(&self.api_version);
        let plural = segment(&self.plural);
        if !self.namespaced || object.namespace.is_empty() {
            return Ok(format!("{base}/{plural}"));
        }
        let namespace = object.namespace.as_str();
        if namespace == "." || namespace == ".." || namespace.contains(['/', '%']) {
            return Err(RequestError::BadName(namespace.to_owned()));
        }
        Ok(format!("{base}/namespaces/{}/{plural}", segment(namespace)))
    }

    /// `plural` or `plural.group`.
    pub(crate) fn qualified_plural(&self) -> String {
        match split_api_version(&self.api_version) {
            ("", _) => self.plural.clone(),
            (group, _) => format!("{}.{group}", self.plural),
        }
    }
}

fn base_path(api_version: &str) -> String {
    match split_api_version(api_version) {
        ("", version) => format!("/api/{}", segment(version)),
        (group, version) => format!("/apis/{}/{}", segment(group), segment(version)),
    }
}

/// More API versions than this are not remembered, unless the server serves them.
const MAX_VERSIONS: usize = 512;

/// One API version; locked while it is read, so that it is read once however many ask for it, and so that one that
/// does not answer holds up no other.
type Slot = Arc<tokio::sync::Mutex<Option<Version>>>;

/// The kinds of one API version, and when they were listed.
struct Version {
    kinds: HashMap<String, Arc<Mapping>>,
    read: Instant,
}

/// The kinds of a cluster.
pub(crate) struct Discovery {
    client: Client,
    versions: Mutex<HashMap<String, Slot>>,
}

impl Discovery {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            versions: Mutex::default(),
        }
    }

    /// Where objects of a kind are.
    pub(crate) async fn mapping(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<Mapping>, RequestError> {
        let slot = self.slot(api_version);
        let mut slot = slot.lock().await;
        if let Some(version) = &*slot {
            if let Some(mapping) = version.kinds.get(kind) {
                return Ok(Arc::clone(mapping));
            }
            if version.read.elapsed() < MISSED_FOR {
                return Err(no_match(api_version, kind));
            }
        }
        let kinds = self.read(api_version).await?;
        let found = kinds.get(kind).cloned();
        let read = Instant::now();
        *slot = Some(Version { kinds, read });
        found.ok_or_else(|| no_match(api_version, kind))
    }

    fn slot(&self, api_version: &str) -> Slot {
        let mut versions = self.versions.lock();
        if versions.len() >= MAX_VERSIONS {
            // Whoever makes up versions does not fill the memory.
            versions.retain(|_, slot| {
                let known = slot.try_lock().map_or(true, |version| {
                    version
                        .as_ref()
                        .is_some_and(|version| !version.kinds.is_empty())
                });
                known || Arc::strong_count(slot) > 1
            });
        }
        Arc::clone(versions.entry(api_version.to_owned()).or_default())
    }

    /// Forgets what led to `mapping`, unless it has been read again since.
    pub(crate) async fn forget(&self, api_version: &str, mapping: &Arc<Mapping>) {
        let slot = self.slot(api_version);
        let mut slot = slot.lock().await;
        let stale = slot.as_ref().is_some_and(|version| {
            let mut kinds = version.kinds.values();
            kinds.any(|known| Arc::ptr_eq(known, mapping)) && version.read.elapsed() > MISSED_FOR
        });
        if stale {
            *slot = None;
        }
    }

    /// Where objects of a kind are, in this version or in any other one of its group.
    pub(crate) async fn mapping_in_any_version(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<Mapping>, RequestError> {
        let missing = match self.mapping(api_version, kind).await {
            Err(error @ RequestError::NoMatch { .. }) => error,
            result => return result,
        };
        let (group, _) = split_api_version(api_version);
        if group.is_empty() {
            return Err(missing);
        }
        let listed = self.get(&format!("/apis/{}", segment(group))).await?;
        let versions = listed
            .as_ref()
            .and_then(|group| group["versions"].as_array());
        for version in versions.into_iter().flatten() {
            let version = version["version"].as_str().unwrap_or_default();
            match self.mapping(&join_api_version(group, version), kind).await {
                Err(RequestError::NoMatch { .. }) => {}
                result => return result,
            }
        }
        Err(missing)
    }

    async fn read(&self, api_version: &str) -> Result<HashMap<String, Arc<Mapping>>, RequestError> {
        let Some(list) = self.get(&base_path(api_version)).await? else {
            return Ok(HashMap::new());
        };
        let mut kinds = HashMap::new();
        for resource in list["resources"].as_array().into_iter().flatten() {
            let (Some(plural), Some(kind)) = (resource["name"].as_str(), resource["kind"].as_str())
            else {
                continue;
            };
            if plural.contains('/') {
                continue;
            }
            let mapping = Mapping {
                api_version: api_version.to_owned(),
                plural: plural.to_owned(),
                namespaced: resource["namespaced"] == true,
            };
            kinds.insert(kind.to_owned(), Arc::new(mapping));
        }
        Ok(kinds)
    }

    /// None for what the server does not have.
    async fn get(&self, path: &str) -> Result<Option<Value>, RequestError> {
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|error| RequestError::NoAnswer(error.to_string()))?;
        match request::answer(&self.client, request).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(RequestError::Refused {
                code,
                reason,
                message,
            }) => Err(RequestError::Discovery {
                reason,
                // The words of client-go, which does not read these answers.
                message: match code {
                    401 => "the server has asked for the client to provide credentials".to_owned(),
                    403 => "unknown".to_owned(),
                    _ => message,
                },
            }),
            Err(error) => Err(RequestError::Discovery {
                reason: String::new(),
                message: error.to_string(),
            }),
        }
    }
}

fn no_match(api_version: &str, kind: &str) -> RequestError {
    RequestError::NoMatch {
        kind: kind.to_owned(),
        api_version: api_version.to_owned(),
    }
}
