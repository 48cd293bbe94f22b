//! The text of a kubeconfig file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A kubeconfig for one server, trusted by `ca` (PEM), and one user with a token.
pub(super) fn text(server: &str, ca: &[u8], user: &str, token: &str) -> String {
    let ca = STANDARD.encode(ca);
    format!(
        "apiVersion: v1
kind: Config
current-context: weir
contexts:
- name: weir
  context: {{cluster: weir, user: {user}}}
clusters:
- name: weir
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {user}
  user:
    token: {token}
"
    )
}
