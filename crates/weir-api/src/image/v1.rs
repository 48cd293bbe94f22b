//! Version `v1` of the image API.
//!
//! Source: image-reflector-controller v1.2 and image-automation-controller v1.2 `api/v1`.

mod automation;
mod git;
mod policy;
mod repository;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use automation::{
    AutomationSourceKind, AutomationSourceReference, ImageUpdateAutomation,
    ImageUpdateAutomationSpec, ImageUpdateAutomationStatus, LabelSelector,
    LabelSelectorRequirement, UpdateStrategy, UpdateStrategyName,
};
pub use git::{CommitSpec, CommitUser, GitCheckout, GitSpec, PushSpec, SigningKey, SigningKeyType};
pub use policy::{
    AlphabeticalPolicy, DigestReflectionPolicy, ImagePolicy, ImagePolicyChoice, ImagePolicySpec,
    ImagePolicyStatus, NumericalPolicy, SemVerPolicy, SortOrder, TagFilter,
};
pub use repository::{ImageRepository, ImageRepositorySpec, ImageRepositoryStatus, ScanResult};

/// An image as a policy chose it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ImageRef {
    /// The image without tag.
    pub name: String,
    /// The tag.
    pub tag: String,
    /// What the tag points at, if the policy reflects that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}
