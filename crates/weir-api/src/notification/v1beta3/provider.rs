//! Provider: where events go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{GoDuration, LocalObjectReference};
use crate::notification::{CATEGORIES, GROUP};
use crate::resource::{Column, Definition, StatusSubresource, custom_resource};
use crate::schema::{self, is_false};

custom_resource! {
    /// A service that events are sent to.
    pub struct Provider { spec: ProviderSpec }
    Definition {
        group: GROUP,
        version: "v1beta3",
        kind: "Provider",
        plural: "providers",
        short_names: &[],
        categories: CATEGORIES,
        substitute_disabled: true,
        status: StatusSubresource::None,
        columns: &[Column::AGE],
    }
}

/// Which service, and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.type == 'github' || self.type == 'gitlab' || self.type == 'gitea' || self.type == 'bitbucketserver' || self.type == 'bitbucket' || self.type == 'azuredevops' || !has(self.commitStatusExpr)",
    "message": "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types"
}]))]
pub struct ProviderSpec {
    /// Which service.
    #[serde(rename = "type")]
    pub type_: ProviderType,
    /// Deprecated; without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// Channel, room or topic to send to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub channel: String,
    /// Name to send under.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub username: String,
    /// Where the service is, if the Secret does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub address: String,
    /// How long one delivery may take, retries included. Absent means 15 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = schema::TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// Deprecated: `proxySecretRef` instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048), extend("pattern" = "^(http|https)://.*$"))]
    pub proxy: String,
    /// A Secret with `address`, `username` and `password` of an HTTP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// A Secret with credentials, and possibly `address` and `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The service account to authenticate as to a cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// A Secret with `tls.crt` and `tls.key`, `ca.crt`, or all three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Sends nothing until it is unset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// CEL expression over `event`, `alert` and `provider` for the name of a commit's status.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit_status_expr: String,
}

/// A service that events can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderType {
    /// Slack.
    Slack,
    /// Discord.
    Discord,
    /// Microsoft Teams.
    MsTeams,
    /// Rocket.Chat.
    Rocket,
    /// Any HTTP server, as JSON.
    #[default]
    Generic,
    /// Any HTTP server, as signed JSON.
    #[serde(rename = "generic-hmac")]
    GenericHmac,
    /// GitHub commit status.
    GitHub,
    /// GitLab commit status.
    GitLab,
    /// Gitea commit status.
    Gitea,
    /// Gitea pull request comment.
    GiteaPullRequestComment,
    /// Bitbucket Server build status.
    BitbucketServer,
    /// Bitbucket commit status.
    Bitbucket,
    /// Azure DevOps commit status.
    AzureDevOps,
    /// Google Chat.
    GoogleChat,
    /// Google Pub/Sub.
    GooglePubSub,
    /// Webex.
    Webex,
    /// Sentry.
    Sentry,
    /// Azure Event Hubs.
    AzureEventHub,
    /// Telegram.
    Telegram,
    /// Lark.
    Lark,
    /// Matrix.
    Matrix,
    /// Opsgenie.
    Opsgenie,
    /// Prometheus Alertmanager.
    AlertManager,
    /// Grafana annotations.
    Grafana,
    /// GitHub repository dispatch.
    GitHubDispatch,
    /// GitHub pull request comment.
    GitHubPullRequestComment,
    /// GitLab merge request comment.
    GitLabMergeRequestComment,
    /// PagerDuty.
    PagerDuty,
    /// Datadog.
    DataDog,
    /// NATS.
    Nats,
    /// Zulip.
    Zulip,
    /// OpenTelemetry traces.
    Otel,
}
