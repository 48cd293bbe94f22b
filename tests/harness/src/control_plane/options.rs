//! What may differ between two control planes.

/// How a control plane is started; start from the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPlaneOptions {
    /// Requests per second that kube-controller-manager allows itself. Its own
    /// default, 20, lets it deal with less than five new Deployments per second.
    pub controller_manager_qps: u32,
    /// Requests that kube-controller-manager may make at once; its own default is 30.
    pub controller_manager_burst: u32,
    /// Whether the API server logs every request, without bodies. This costs time.
    pub audit: bool,
}

impl Default for ControlPlaneOptions {
    fn default() -> Self {
        Self {
            controller_manager_qps: 1000,
            controller_manager_burst: 2000,
            audit: false,
        }
    }
}
