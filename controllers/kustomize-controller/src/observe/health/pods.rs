//! The pods of a workload that does not get ready: one that has failed for good ends the wait.
//!
//! They are watched with the Kustomization's own rights, only while somebody waits, and never listed again.
//!
//! Source: cli-utils v1.2 `pkg/kstatus/polling/statusreaders/pod_controller.go`.

use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ApiResource, DynamicObject, Selector};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use weir_runtime::hub::{Hub, Index};

/// The pods of one workload, each reduced to whether it has failed.
pub(super) struct Pods {
    index: Index<bool>,
    notify: JoinHandle<()>,
}

/// Whether the pods of that kind of workload tell more than its own status. A Deployment has conditions for it.
pub(super) fn tell_of(resource: &ApiResource) -> bool {
    resource.group == "apps" && matches!(resource.kind.as_str(), "StatefulSet" | "ReplicaSet")
}

impl Pods {
    /// Watches the pods that `workload` selects through `hub`, which sees its namespace; `changed` hears of them.
    pub(super) fn of(workload: &DynamicObject, hub: &Hub, changed: &Arc<Notify>) -> Option<Self> {
        let index = hub.index(
            &ApiResource::erase::<Pod>(&()),
            &selector(workload)?,
            |pod| {
                let pod = serde_json::to_value(pod).ok()?;
                Some(kstatus::is_failed_pod(&pod, SystemTime::now()))
            },
        );
        let (mut changes, changed) = (index.subscribe(), Arc::clone(changed));
        let notify = tokio::spawn(async move {
            loop {
                changes.next().await;
                changed.notify_one();
            }
        });
        Some(Self { index, notify })
    }

    /// How many have failed.
    pub(super) fn failed(&self) -> usize {
        let pods = self.index.list();
        pods.iter().filter(|(_, failed)| *failed).count()
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.notify.abort();
    }
}

/// The label selector of a workload. One that selects everything selects nothing of its own.
fn selector(workload: &DynamicObject) -> Option<String> {
    let selector = workload.data.pointer("/spec/selector")?.clone();
    let selector: LabelSelector = serde_json::from_value(selector).ok()?;
    let text = Selector::try_from(selector).ok()?.to_string();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selects_what_the_workload_selects() {
        let workload = |selector| DynamicObject {
            types: None,
            metadata: Default::default(),
            data: json!({"spec": {"selector": selector}}),
        };
        let labels = json!({"matchLabels": {"app": "db"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"},
        ]});
        let text = selector(&workload(labels)).expect("a selector");
        for part in ["app=db", "tier in (a,b)", "!old"] {
            assert!(text.contains(part), "{text}");
        }
        for nothing in [json!({}), json!(null), json!("x")] {
            assert_eq!(selector(&workload(nothing)), None);
        }
    }
}
