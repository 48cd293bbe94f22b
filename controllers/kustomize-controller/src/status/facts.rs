//! What a pass has found to be true, whatever comes later.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_api::meta::{Artifact, InventoryEntry, ORIGIN_REVISION, ResourceInventory};

/// What a pass has found to be true so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Revision of the source's artifact; empty before the source was read.
    pub revision: String,
    /// What the artifact was made from elsewhere, if it says so.
    pub origin_revision: String,
    /// The step that is at work.
    pub phase: Phase,
    /// Checksum of what was built.
    pub digest: Option<String>,
    /// The inventory as it must be stored from now on.
    pub inventory: Option<Vec<InventoryEntry>>,
    /// Ids that the pass knows of the stored inventory: what it began with, and what it stored itself.
    pub known: Option<BTreeSet<String>>,
    /// How the health check stands.
    pub health: Health,
}

/// The step that a pass has reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking at the source and the dependencies; nothing is announced yet.
    #[default]
    Checking,
    /// Fetching the artifact.
    Fetching,
    /// Building the manifests.
    Building,
    /// Comparing and applying.
    Applying,
    /// Waiting for health.
    CheckingHealth,
}

/// How the health check stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Health {
    /// Not reached: the condition stays as it was.
    #[default]
    Unchanged,
    /// The spec asks for none: the condition goes.
    NotWanted,
    /// Under way.
    Running,
    /// Passed after this long.
    Passed(Duration),
    /// Failed with this text.
    Failed(String),
}

impl Facts {
    /// The source was read.
    pub fn source(&mut self, artifact: &Artifact) {
        self.revision.clone_from(&artifact.revision);
        self.origin_revision = artifact
            .metadata
            .get(ORIGIN_REVISION)
            .cloned()
            .unwrap_or_default();
    }

    /// The pass begins with this inventory.
    pub fn begin_with(&mut self, stored: &[InventoryEntry]) {
        self.known = Some(stored.iter().map(|entry| entry.id.clone()).collect());
    }

    /// From now on `entries` are the inventory.
    pub fn hold(&mut self, entries: Vec<InventoryEntry>) {
        if let Some(known) = &mut self.known {
            known.extend(entries.iter().map(|entry| entry.id.clone()));
        }
        self.inventory = Some(entries);
    }

    /// The entries of `stored` that the pass never knew of: the cache that it began with was behind. Nobody but a
    /// later pass can judge them.
    pub(super) fn unknown(&self, stored: Option<&ResourceInventory>) -> Vec<InventoryEntry> {
        let Some((known, stored)) = self.known.as_ref().zip(stored) else {
            return Vec::new();
        };
        let unknown = stored
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.id));
        unknown.cloned().collect()
    }

    /// The health check begins.
    pub fn check_health(&mut self) {
        self.phase = Phase::CheckingHealth;
        self.health = Health::Running;
    }
}
