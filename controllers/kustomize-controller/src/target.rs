//! The cluster that a Kustomization's objects live in, as the identity sees it that it acts as.
//!
//! Here that is the controller's own cluster, shared by all. A kubeconfig leads to another one: its client, what is
//! known of its kinds and its watches are kept by the bytes of the kubeconfig and the user that is impersonated there,
//! for as long as a Kustomization uses them. Who brings the same bytes holds the same rights; nobody else gets at what
//! was read with them.

mod clouds;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::KubeConfigReference;
use weir_apply::Cluster;
use weir_runtime::client::{describe, impersonate, leading};
use weir_runtime::hub::Hub;
use weir_runtime::kind::Key;
use weir_runtime::kubeconfig::{self, Allow};
use weir_runtime::lease::Leadership;
use weir_runtime::metrics::Metrics;

pub use clouds::Clouds;

use clouds::Named;

use crate::context::USER_AGENT;
use crate::error::Error;
use crate::plan::identity::{Identity, namespace};
use crate::triggers::key_of;
use crate::watch::Objects;

/// Far more than any kubeconfig is. A Secret holds no more than 1 MiB.
const KUBECONFIG_LIMITS: kyaml::Limits = kyaml::Limits {
    bytes: 2 << 20,
    nodes: 100_000,
    depth: 64,
};

/// Where objects are read and written, and watched.
#[derive(Clone)]
pub struct Target {
    /// The cluster, seen by one identity.
    pub cluster: Cluster,
    /// Its applied objects.
    pub objects: Arc<Objects>,
}

/// Which cluster a Kustomization's objects are in, and as whom it acts there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Home {
    /// Checksum of the kubeconfig.
    kubeconfig: [u8; 32],
    /// The user that is impersonated there.
    user: Option<String>,
}

/// The Kustomizations whose objects are in another cluster. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Homes(Arc<Mutex<HashMap<Key, Home>>>);

impl Homes {
    /// Whether the objects of `owner` are in `home`; `None` is the controller's own cluster.
    #[must_use]
    pub fn is_at(&self, owner: &Key, home: Option<&Home>) -> bool {
        self.0.lock().get(owner) == home
    }
}

/// Starts watching the applied objects of a cluster.
pub type Watcher = Box<dyn Fn(Hub, Option<&Home>) -> Objects + Send + Sync>;

/// All targets.
pub struct Targets {
    own: Target,
    allow: Allow,
    metrics: Metrics,
    watcher: Watcher,
    homes: Homes,
    clouds: Clouds,
    leadership: Leadership,
    remotes: Mutex<Remotes>,
}

/// What leads to another cluster.
enum Way {
    Kubeconfig(Vec<u8>),
    Cloud(Named),
}

impl Way {
    fn digest(&self) -> [u8; 32] {
        match self {
            Self::Kubeconfig(text) => Sha256::digest(text).into(),
            Self::Cloud(named) => named.digest(),
        }
    }
}

/// How other clusters are reached and watched.
pub struct Settings {
    /// What kubeconfigs may do.
    pub allow: Allow,
    /// Where each Kustomization's objects are.
    pub homes: Homes,
    /// Starts watches.
    pub watcher: Watcher,
    /// Clusters of clouds.
    pub clouds: Clouds,
    /// Whether objects may be written.
    pub leadership: Leadership,
}

/// What is kept of other clusters.
#[derive(Default)]
struct Remotes {
    clusters: HashMap<[u8; 32], Weak<Cluster>>,
    targets: HashMap<Home, Weak<Remote>>,
    /// What each Kustomization uses; the last one to go takes client and watches along.
    used: HashMap<Key, Arc<Remote>>,
}

struct Remote {
    target: Target,
    /// Shared by all identities of the same kubeconfig.
    _cluster: Arc<Cluster>,
}

impl Targets {
    /// Targets beside the cluster that `hub` watches.
    #[must_use]
    pub fn new(hub: &Hub, metrics: Metrics, settings: Settings) -> Self {
        let Settings {
            allow,
            homes,
            watcher,
            clouds,
            leadership,
        } = settings;
        let own = Target {
            cluster: Cluster::new(leading(hub.client(), leadership.clone())),
            objects: Arc::new(watcher(hub.clone(), None)),
        };
        Self {
            own,
            allow,
            metrics,
            watcher,
            homes,
            clouds,
            leadership,
            remotes: Mutex::default(),
        }
    }

    /// Where the objects of `object` belong. The Secret with its kubeconfig is read each time, so that a change of it
    /// counts from the next pass on.
    ///
    /// # Errors
    /// [`Error::Client`], [`Error::Impersonate`].
    pub async fn of(&self, object: &Kustomization, identity: &Identity) -> Result<Target, Error> {
        let Some(reference) = &object.spec.kube_config else {
            self.release(&key_of(object));
            return seen_by(&self.own, identity);
        };
        let way = self.way(reference, namespace(object)).await?;
        let home = Home {
            kubeconfig: way.digest(),
            user: identity.user(),
        };
        let remote = match self.known(&home) {
            Some(remote) => remote,
            None => self.connect(&home, &way, identity).await?,
        };
        let key = key_of(object);
        self.homes.0.lock().insert(key.clone(), home);
        let target = remote.target.clone();
        let before = self.remotes.lock().used.insert(key, remote);
        drop(before);
        Ok(target)
    }

    /// The watched objects of the cluster that the last pass over the object used.
    pub fn objects_of(&self, object: &Key) -> Arc<Objects> {
        let remotes = self.remotes.lock();
        let target = remotes.used.get(object).map(|remote| &remote.target);
        Arc::clone(&target.unwrap_or(&self.own).objects)
    }

    /// Forgets which other cluster the object used.
    pub fn release(&self, object: &Key) {
        if self.homes.0.lock().remove(object).is_some() {
            let used = self.remotes.lock().used.remove(object);
            drop(used);
        }
    }

    /// What `reference` names: the bytes of a kubeconfig, or a cluster of a cloud.
    ///
    /// Source: fluxcd/pkg `runtime/client/impersonator.go` `getRESTConfigFromSecret`.
    async fn way(&self, reference: &KubeConfigReference, namespace: &str) -> Result<Way, Error> {
        let own: &Client = self.own.cluster.client();
        let secret = match (&reference.config_map_ref, &reference.secret_ref) {
            (Some(config_map), None) => {
                let named = self.clouds.named(own, namespace, &config_map.name).await;
                return named.map(Way::Cloud);
            }
            (None, Some(secret)) => secret,
            _ => {
                let text = "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified";
                return Err(Error::Client(text.to_owned()));
            }
        };
        let name = format!("{namespace}/{}", secret.name);
        let found = Api::<Secret>::namespaced(own.clone(), namespace)
            .get(&secret.name)
            .await
            .map_err(|error| {
                let cause = describe(&error);
                Error::Client(format!(
                    "unable to read KubeConfig secret '{name}' error: {cause}"
                ))
            })?;
        let mut data = found.data.unwrap_or_default();
        let keys: &[&str] = match secret.key.as_str() {
            "" => &["value", "value.yaml"],
            key => &[key],
        };
        let text = keys.iter().find_map(|key| data.remove(*key));
        text.map(|text| Way::Kubeconfig(text.0)).ok_or_else(|| {
            let key = keys[0];
            Error::Client(format!(
                "KubeConfig secret '{name}' does not contain a '{key}' key with a kubeconfig"
            ))
        })
    }

    fn known(&self, home: &Home) -> Option<Arc<Remote>> {
        self.remotes.lock().targets.get(home)?.upgrade()
    }

    /// Connects to another cluster. Whoever connects to the same one meanwhile shares what came first.
    async fn connect(
        &self,
        home: &Home,
        way: &Way,
        identity: &Identity,
    ) -> Result<Arc<Remote>, Error> {
        let failed = |error: kubeconfig::KubeconfigError| Error::Client(error.to_string());
        let known = self.remotes.lock().clusters.get(&home.kubeconfig).cloned();
        let cluster = match known.and_then(|cluster| cluster.upgrade()) {
            Some(cluster) => cluster,
            None => {
                let client = match way {
                    Way::Cloud(named) => self.clouds.connect(named, &self.metrics).await?,
                    Way::Kubeconfig(text) => {
                        let access = kubeconfig::read(&yaml(text)?, self.allow).map_err(failed)?;
                        let client = access.client(USER_AGENT, &self.metrics).await;
                        client.map_err(failed)?
                    }
                };
                Arc::new(Cluster::new(leading(&client, self.leadership.clone())))
            }
        };
        let mut remotes = self.remotes.lock();
        if let Some(remote) = remotes.targets.get(home).and_then(Weak::upgrade) {
            return Ok(remote);
        }
        let Remotes {
            clusters, targets, ..
        } = &mut *remotes;
        clusters.retain(|_, cluster| cluster.strong_count() > 0);
        targets.retain(|_, remote| remote.strong_count() > 0);
        let first = clusters.get(&home.kubeconfig).and_then(Weak::upgrade);
        let cluster = first.unwrap_or(cluster);
        clusters.insert(home.kubeconfig, Arc::downgrade(&cluster));
        let client = client_of(&cluster, identity)?;
        let hub = self.own.objects.of_cluster(client.clone());
        let remote = Arc::new(Remote {
            target: Target {
                cluster: cluster.with_client(client),
                objects: Arc::new((self.watcher)(hub, Some(home))),
            },
            _cluster: cluster,
        });
        targets.insert(home.clone(), Arc::downgrade(&remote));
        Ok(remote)
    }
}

/// The YAML of a kubeconfig.
fn yaml(text: &[u8]) -> Result<Value, Error> {
    let said = |error: kyaml::Error| Error::Client(error.to_string());
    let text = kyaml::utf8(text).map_err(said)?;
    match kyaml::parse_within(text, &KUBECONFIG_LIMITS).map_err(said)? {
        Some(document) => document.root.to_json_1_1().map_err(said),
        None => Ok(Value::Null),
    }
}

fn seen_by(target: &Target, identity: &Identity) -> Result<Target, Error> {
    let mut target = target.clone();
    if *identity != Identity::Controller {
        target.cluster = target
            .cluster
            .with_client(client_of(&target.cluster, identity)?);
    }
    Ok(target)
}

fn client_of(cluster: &Cluster, identity: &Identity) -> Result<Client, Error> {
    let own = cluster.client();
    match identity.user() {
        None => Ok(own.clone()),
        Some(user) => impersonate(own, &user).ok_or(Error::Impersonate(user)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_is_too_large_or_too_deep_is_refused() {
        let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
        let many = format!("a: [{}]", "1,".repeat(200_000));
        for text in [deep, many, "a".repeat(3 << 20)] {
            yaml(text.as_bytes()).expect_err("out of bounds");
        }
        assert_eq!(yaml(b"a: 1").expect("small"), serde_json::json!({"a": 1}));
    }
}
