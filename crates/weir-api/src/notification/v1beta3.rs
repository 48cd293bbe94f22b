//! Version `v1beta3` of the notification API: Alert and Provider.
//!
//! Neither has a status. Source: notification-controller v1.9 `api/v1beta3`.

mod alert;
mod provider;

pub use alert::{Alert, AlertSpec, EventSeverity};
pub use provider::{Provider, ProviderSpec, ProviderType};
