//! The namespace of everything that has one, and of what refers to it.

use kyaml::{Node, Tag};

use crate::error::{Context as _, Error, ErrorKind, bail};
use crate::field_spec::{Create, FieldSpec, apply_all};
use crate::res_map::ResMap;
use crate::resource::Resource;

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    Default,
    /// All service accounts.
    AllServiceAccounts,
    /// None.
    None,
}

impl Subjects {
    /// From the field's text.
    ///
    /// # Errors
    /// It is no mode.
    pub(crate) fn of(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "" | "defaultOnly" => Self::Default,
            "allServiceAccounts" => Self::AllServiceAccounts,
            "none" => Self::None,
            _ => bail!(
                "invalid value {} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\"",
                crate::go_text::quote(text)
            ),
        })
    }
}

/// Sets the namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) namespace: String,
    pub(crate) fields: Vec<FieldSpec>,
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

impl Namespace {
    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let shows = self.fields.iter().any(FieldSpec::holds_annotations);
        for at in 0..resources.list().len() {
            let skip = |resource: &Resource| {
                let helm = "internal.config.kubernetes.io/helm-generated";
                resource.is_gone() || resource.node().annotation(helm) == Some("true")
            };
            if skip(&resources.list()[at]) {
                continue;
            }
            resources.change(at, |resource| {
                resource.remember_id();
                let scoped = !resource.id().cluster_scoped;
                match shows {
                    true => resource.edit_with_history(|node| self.apply(node, scoped)),
                    false => resource.edit(|node| self.apply(node, scoped)),
                }
            })?;
            let same = resources.places_like(at);
            if same.len() != 1 {
                let found: Vec<String> = same
                    .iter()
                    .map(|at| resources.list()[*at].to_line())
                    .collect();
                bail!(
                    "namespace transformation produces ID conflict: [{}]",
                    found.join(" ")
                );
            }
        }
        Ok(())
    }

    /// Sets the namespace in one object.
    ///
    /// # Errors
    /// A field that should hold it is no scalar.
    pub(crate) fn apply(&self, node: &mut Node, namespaced: bool) -> Result<(), Error> {
        let core = node.api_version() == "v1";
        if namespaced {
            FieldSpec::of_all("metadata/namespace", true).apply(
                node,
                Create::SCALAR,
                &mut |place, _| self.set(place),
            )?;
        }
        let binding = is_binding(node.object_kind());
        if binding {
            self.set_in_subjects(node)?;
        }
        let fields = self.fields.iter().filter(|field| {
            field.path != "metadata/namespace"
                && (core || field.path != "metadata/name")
                && !(binding && is_binding(&field.gvk.kind) && field.path == "subjects/namespace")
        });
        apply_all(fields, node, Create::STRING, &mut |place, _| {
            self.set(place)
        })
        .map_err(|error| match error.kind() {
            ErrorKind::NodeKind { scalar: false } => {
                error.within("namespace field specs must target scalar nodes")
            }
            _ => error.within("namespace transformation failed"),
        })
    }

    fn set(&self, place: &mut Node) -> Result<(), Error> {
        let is_set = place.is_scalar() && !place.is_null() && !place.text().is_empty();
        if self.unset_only && is_set {
            return Ok(());
        }
        let mut namespace = Node::scalar_of(self.namespace.as_str());
        namespace.set_tag(Tag::Str);
        Ok(place.set_scalar(namespace)?)
    }

    fn set_in_subjects(&self, node: &mut Node) -> Result<(), Error> {
        let (field, value) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::Default => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = node.get_mut("subjects").filter(|node| !node.is_null()) else {
            return Ok(());
        };
        let what = "setting namespace on (cluster)role binding subjects";
        subjects
            .expect_kind(kyaml::Kind::Sequence)
            .within(|| what)?;
        for subject in subjects.items_mut().into_iter().flatten() {
            let found = subject.lookup(&[field]).within(|| {
                format!("{what}: looking up {field} on (cluster)role binding subject")
            })?;
            if let Some(found) = found {
                found.expect_kind(kyaml::Kind::Scalar).within(|| what)?;
                if !found.is_null() && found.text() == value {
                    let place = subject.lookup_create(&["namespace"], kyaml::Kind::Scalar)?;
                    place
                        .map_or(Ok(()), |place| self.set(place))
                        .within(|| what)?;
                }
            }
        }
        Ok(())
    }
}

fn is_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}
