//! Who a Kustomization acts as, and what it may refer to. The tenancy rules are all here.
//!
//! Source: kustomize-controller v1.9 `getSource`; fluxcd/pkg `runtime/client/impersonator.go`.

use weir_api::kustomize::v1::{Kustomization, SourceKind};
use weir_runtime::kind::Key;

use crate::error::Error;

/// The identity that a Kustomization's objects are read and written with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The controller's own.
    Controller,
    /// A service account in the Kustomization's namespace, impersonated.
    ServiceAccount(Key),
}

impl Identity {
    /// The user to impersonate, if any.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        match self {
            Self::Controller => None,
            Self::ServiceAccount(key) => Some(format!(
                "system:serviceaccount:{}:{}",
                key.namespace, key.name
            )),
        }
    }
}

/// What the installation allows.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace_refs: bool,
    /// `--default-service-account`; empty means none.
    pub default_service_account: String,
    /// Gate `ExternalArtifact`.
    pub external_artifacts: bool,
}

impl Rules {
    /// Who `object` acts as: its own service account, else the installation's default, else the controller.
    #[must_use]
    pub fn identity(&self, object: &Kustomization) -> Identity {
        let name = [
            &object.spec.service_account_name,
            &self.default_service_account,
        ]
        .into_iter()
        .find(|name| !name.is_empty());
        match name {
            Some(name) => Identity::ServiceAccount(Key::new(namespace(object), name.as_str())),
            None => Identity::Controller,
        }
    }

    /// The source that `object` refers to, if it may.
    ///
    /// # Errors
    /// [`Error::AccessDenied`].
    pub fn source(&self, object: &Kustomization) -> Result<Key, Error> {
        let reference = &object.spec.source_ref;
        let own = namespace(object);
        let key = Key::new(
            if reference.namespace.is_empty() {
                own
            } else {
                &reference.namespace
            },
            &reference.name,
        );
        let denied = |why: &str| {
            Err(Error::AccessDenied(format!(
                "can't access '{}/{key}', {why}",
                reference.kind
            )))
        };
        if self.no_cross_namespace_refs && key.namespace != own {
            return denied("cross-namespace references have been blocked");
        }
        if reference.kind == SourceKind::ExternalArtifact && !self.external_artifacts {
            return denied("ExternalArtifact feature gate is disabled");
        }
        Ok(key)
    }

    /// The dependency `name` in `namespace` (empty: the object's own), if `object` may look at it.
    ///
    /// Upstream does not check this, so that a dependency reveals the state of a foreign object.
    ///
    /// # Errors
    /// [`Error::AccessDenied`].
    pub fn dependency(
        &self,
        object: &Kustomization,
        foreign: &str,
        name: &str,
    ) -> Result<Key, Error> {
        let own = namespace(object);
        let key = Key::new(if foreign.is_empty() { own } else { foreign }, name);
        if self.no_cross_namespace_refs && key.namespace != own {
            let text = format!(
                "can't access 'Kustomization/{key}', cross-namespace references have been blocked"
            );
            return Err(Error::AccessDenied(text));
        }
        Ok(key)
    }
}

/// The object's namespace. The API server gives every Kustomization one.
#[must_use]
pub fn namespace(object: &Kustomization) -> &str {
    object.metadata.namespace.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(account: &str, kind: SourceKind, source_namespace: &str) -> Kustomization {
        let mut object = Kustomization::default();
        object.metadata.namespace = Some("team".into());
        object.spec.service_account_name = account.into();
        object.spec.source_ref.kind = kind;
        object.spec.source_ref.name = "app".into();
        object.spec.source_ref.namespace = source_namespace.into();
        object
    }

    #[test]
    fn acts_as_its_own_account_then_the_default_then_the_controller() {
        let none = Rules::default();
        let lockdown = Rules {
            default_service_account: "tenant".into(),
            ..Rules::default()
        };
        for (rules, account, user) in [
            (&none, "", None),
            (&none, "own", Some("system:serviceaccount:team:own")),
            (&lockdown, "", Some("system:serviceaccount:team:tenant")),
            (&lockdown, "own", Some("system:serviceaccount:team:own")),
        ] {
            let identity = rules.identity(&object(account, SourceKind::GitRepository, ""));
            assert_eq!(identity.user().as_deref(), user);
        }
    }

    #[test]
    fn refuses_what_the_installation_blocks() {
        let open = Rules {
            external_artifacts: true,
            ..Rules::default()
        };
        let closed = Rules {
            no_cross_namespace_refs: true,
            ..Rules::default()
        };
        let blocked = "cross-namespace references have been blocked";
        for (rules, kind, namespace, expected) in [
            (&open, SourceKind::GitRepository, "other", Ok(Key::new("other", "app"))),
            (&open, SourceKind::ExternalArtifact, "", Ok(Key::new("team", "app"))),
            (&closed, SourceKind::GitRepository, "team", Ok(Key::new("team", "app"))),
            (&closed, SourceKind::Bucket, "other", Err(format!("can't access 'Bucket/other/app', {blocked}"))),
            (
                &closed,
                SourceKind::ExternalArtifact,
                "",
                Err("can't access 'ExternalArtifact/team/app', ExternalArtifact feature gate is disabled".to_owned()),
            ),
        ] {
            let found = rules.source(&object("", kind, namespace)).map_err(|error| error.to_string());
            assert_eq!(found, expected);
        }
        assert!(
            closed
                .dependency(&object("", SourceKind::Bucket, ""), "other", "x")
                .is_err()
        );
        assert!(
            closed
                .dependency(&object("", SourceKind::Bucket, ""), "", "x")
                .is_ok()
        );
    }

    /// T32: every reference that can name a namespace, with and without the flag. The other references of the spec
    /// (variables, keys, kubeconfig, service account) name none: they are read in the object's own.
    #[test]
    fn no_reference_leaves_the_namespace_under_lockdown() {
        let kinds = [
            SourceKind::GitRepository,
            SourceKind::OciRepository,
            SourceKind::Bucket,
            SourceKind::ExternalArtifact,
        ];
        for blocked in [false, true] {
            let rules = Rules {
                no_cross_namespace_refs: blocked,
                external_artifacts: true,
                ..Rules::default()
            };
            for (named, found, is_foreign) in [
                ("", "team", false),
                ("team", "team", false),
                ("other", "other", true),
                ("team-b", "team-b", true),
                ("Team", "Team", true),
            ] {
                let refused = blocked && is_foreign;
                for kind in kinds {
                    let object = object("", kind, named);
                    check(rules.source(&object), &kind.to_string(), found, refused);
                }
                let object = object("", SourceKind::Bucket, "");
                let dependency = rules.dependency(&object, named, "app");
                check(dependency, "Kustomization", found, refused);
            }
        }
    }

    fn check(result: Result<Key, Error>, kind: &str, namespace: &str, refused: bool) {
        let expected = if refused {
            let text = "cross-namespace references have been blocked";
            Err(format!("can't access '{kind}/{namespace}/app', {text}"))
        } else {
            Ok(Key::new(namespace, "app"))
        };
        assert_eq!(result.map_err(|error| error.to_string()), expected);
    }
}
