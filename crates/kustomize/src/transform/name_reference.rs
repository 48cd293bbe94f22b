//! References to names that the build has changed.

use std::collections::{BTreeSet, HashMap};

use kyaml::{Content, Node};

use crate::config::NameReference;
use crate::error::{Context as _, Error, bail};
use crate::field_spec::FieldSpec;
use crate::go_text::quote;
use crate::id::{Gvk, ResId};
use crate::res_map::ResMap;
use crate::resource::Resource;

/// A resource that others may refer to.
#[derive(Debug)]
struct Candidate {
    id: ResId,
    former: Vec<ResId>,
    /// The namespace that it had first.
    original_namespace: String,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Candidate {
    fn of(resource: &Resource) -> Self {
        Self {
            id: resource.id().clone(),
            former: resource.former_ids().collect(),
            original_namespace: resource.original_id().effective_namespace().to_owned(),
            prefixes: resource.history.prefixes.clone(),
            suffixes: resource.history.suffixes.clone(),
        }
    }

    fn was(&self, gvk: &Gvk) -> bool {
        self.former.iter().any(|id| id.gvk.is_selected_by(gvk))
    }

    /// Whether both have grown in the same layers.
    fn shares_layers(&self, other: &Self, allow_none: bool) -> bool {
        let same = |a: &[String], b: &[String]| {
            let one_is_empty = a.is_empty() || b.is_empty();
            if one_is_empty {
                return allow_none || a.len() == b.len();
            }
            a.ends_with(b) || b.ends_with(a)
        };
        same(&self.prefixes, &other.prefixes) && same(&self.suffixes, &other.suffixes)
    }
}

/// All candidates, with the ways to find them.
#[derive(Debug)]
struct Candidates {
    list: Vec<Candidate>,
    by_former_name: HashMap<String, Vec<usize>>,
    by_original_namespace: HashMap<String, Vec<usize>>,
}

impl Candidates {
    fn of(resources: &ResMap) -> Self {
        let list: Vec<Candidate> = resources.list().iter().map(Candidate::of).collect();
        let mut by_former_name: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_original_namespace: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, candidate) in list.iter().enumerate() {
            match by_original_namespace.get_mut(&candidate.original_namespace) {
                Some(places) => places.push(at),
                None => {
                    let namespace = candidate.original_namespace.clone();
                    by_original_namespace.insert(namespace, vec![at]);
                }
            }
            for former in &candidate.former {
                let places = by_former_name.entry(former.name.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        Self {
            list,
            by_former_name,
            by_original_namespace,
        }
    }
}

/// Rewrites all references.
///
/// # Errors
/// A reference fits several resources of different names.
pub(crate) fn rewrite(resources: &mut ResMap, references: &[NameReference]) -> Result<(), Error> {
    let candidates = Candidates::of(resources);
    let mut fields_of: HashMap<Gvk, Vec<(&Gvk, &FieldSpec)>> = HashMap::new();
    for at in 0..resources.list().len() {
        let original = resources.list()[at].original_id();
        let fields = fields_of.entry(original.gvk).or_insert_with_key(|gvk| {
            let pairs = references.iter().flat_map(|reference| {
                let referrers = reference.referrers.iter();
                referrers.map(move |referrer| (&reference.gvk, referrer))
            });
            pairs
                .filter(|(_, referrer)| gvk.is_selected_by(&referrer.gvk))
                .collect()
        });
        if fields.is_empty() {
            continue;
        }
        let resource = &resources.list()[at];
        let mut failed = None;
        let referrer = Referrer {
            own: &candidates.list[at],
            candidates: &candidates,
            binding_namespaces: binding_namespaces(resource)?,
        };
        let fields = fields.clone();
        let id = resource.id().clone();
        let result = resources.list_mut()[at].edit(|node| {
            for (target, field) in &fields {
                referrer
                    .update(node, target, field, &mut failed)
                    .within(|| {
                        format!(
                            "updating name reference in '{}' field of '{id}'",
                            field.path
                        )
                    })?;
            }
            Ok(())
        });
        if let Err(error) = result {
            let details = failed.map(|places| details(resources, at, &places));
            return Err(Error::new(format!(
                "{error}{}",
                details.unwrap_or_default()
            )));
        }
    }
    Ok(())
}

/// Rewrites the references of one resource to others, for conformance rows.
///
/// # Errors
/// As [`rewrite`].
pub(crate) fn rewrite_one(
    resource: &mut Resource,
    others: &ResMap,
    (target, field): (&Gvk, &FieldSpec),
) -> Result<(), Error> {
    let candidates = Candidates::of(others);
    let own = Candidate::of(resource);
    let referrer = Referrer {
        own: &own,
        candidates: &candidates,
        binding_namespaces: binding_namespaces(resource)?,
    };
    resource.edit(|node| referrer.update(node, target, field, &mut None))
}

/// The objects of an ambiguous reference.
fn details(resources: &ResMap, at: usize, places: &[usize]) -> String {
    let print = |at: usize| {
        let node = resources.list()[at].with_history();
        let mut text = String::new();
        match node.to_output(&mut text) {
            Ok(()) => text,
            Err(error) => error.to_string(),
        }
    };
    let mut out = format!(
        "\n\n**** Too many possible referral targets to referrer:\n{}\n",
        print(at)
    );
    for (number, place) in places.iter().enumerate() {
        out.push_str(&format!(
            "--- possible referral {number}:\n{}\n",
            print(*place)
        ));
    }
    out
}

/// Namespaces of the service accounts that a role binding names.
///
/// # Errors
/// A namespace is not a string.
fn binding_namespaces(resource: &Resource) -> Result<BTreeSet<String>, Error> {
    let mut namespaces = BTreeSet::new();
    if resource.gvk().kind != "RoleBinding" {
        return Ok(namespaces);
    }
    for subject in resource.node().get("subjects").map_or(&[][..], Node::items) {
        // Upstream panics at these.
        let kind = subject
            .get("kind")
            .filter(|_| subject.get("namespace").is_some());
        if !subject.is_mapping() || kind.is_some_and(|kind| !kind.is_string()) {
            bail!(
                "Invalid Input: subject without a kind in resource {}",
                quote(&resource.id().to_string())
            );
        }
        let (Some(namespace), Some(kind)) = (subject.get("namespace"), subject.get("kind")) else {
            continue;
        };
        if kind.text() == "ServiceAccount" {
            if !namespace.is_string() {
                bail!(
                    "Invalid Input: namespace is blank for resource {}\n",
                    quote(&resource.id().to_string())
                );
            }
            namespaces.insert(namespace.text().to_owned());
        }
    }
    Ok(namespaces)
}

/// A resource whose references are rewritten.
struct Referrer<'a> {
    own: &'a Candidate,
    candidates: &'a Candidates,
    binding_namespaces: BTreeSet<String>,
}

impl Referrer<'_> {
    /// Updates one field. An ambiguous reference leaves its candidates in `failed`.
    fn update(
        &self,
        node: &mut Node,
        target: &Gvk,
        field: &FieldSpec,
        failed: &mut Option<Vec<usize>>,
    ) -> Result<(), Error> {
        let role = if field.path.ends_with("roleRef/name") {
            role_of(node)
        } else {
            None
        };
        let mut search = Search {
            referrer: self,
            target,
            role,
            failed,
        };
        field.apply_to_any(node, None, &mut |place, _| search.set(place))
    }

    /// Whether a resource is near enough to be referred to.
    fn can_reach(&self, candidate: &Candidate) -> bool {
        let own = &self.own.id;
        own.cluster_scoped
            || candidate.id.cluster_scoped
            || candidate.id.effective_namespace() == own.effective_namespace()
            || self.binding_namespaces.contains(&candidate.id.namespace)
    }
}

/// The kind of role that a binding names.
fn role_of(node: &Node) -> Option<Gvk> {
    let role = node.get("roleRef")?;
    Some(Gvk {
        group: role.get("apiGroup")?.text().to_owned(),
        version: String::new(),
        kind: role.get("kind")?.text().to_owned(),
    })
}

struct Search<'a> {
    referrer: &'a Referrer<'a>,
    target: &'a Gvk,
    role: Option<Gvk>,
    failed: &'a mut Option<Vec<usize>>,
}

impl Search<'_> {
    fn set(&mut self, place: &mut Node) -> Result<(), Error> {
        if place.is_null() {
            return Ok(());
        }
        match place.content_mut() {
            Content::Scalar(_) => self.scalar(place),
            Content::Mapping(_) => self.mapping(place),
            Content::Sequence(items) => {
                items.iter_mut().try_for_each(|item| match item.content() {
                    _ if item.is_null() => Ok(()),
                    Content::Scalar(_) => self.scalar(item),
                    Content::Mapping(_) => self.mapping(item),
                    _ => bail!("a list is expected to hold strings or maps of strings"),
                })
            }
            Content::Alias(_) => bail!("node must be a scalar, sequence or map"),
        }
    }

    fn scalar(&mut self, place: &mut Node) -> Result<(), Error> {
        let Some(found) = self.find(place.text(), None)? else {
            return Ok(());
        };
        let name = &self.referrer.candidates.list[found].id.name;
        if name != place.text() {
            place.set_scalar(Node::scalar_of(name.as_str()))?;
        }
        Ok(())
    }

    fn mapping(&mut self, place: &mut Node) -> Result<(), Error> {
        let Some(name) = place.get("name") else {
            bail!("path config error; no 'name' field in node");
        };
        let namespace = place.get("namespace").map(|node| node.text().to_owned());
        let old = name.text().to_owned();
        let namespace = Some(Namespace(namespace));
        let Some(found) = self.find(&old, namespace.as_ref())? else {
            return Ok(());
        };
        let id = &self.referrer.candidates.list[found].id;
        if id.name != old || !id.namespace.is_empty() {
            place.set_field("name", Node::scalar_of(id.name.as_str()))?;
        }
        if !id.namespace.is_empty() {
            place.set_field("namespace", Node::scalar_of(id.namespace.as_str()))?;
        }
        Ok(())
    }

    /// The one resource that an old name means. For maps, their namespace narrows the choice.
    fn find(&mut self, old: &str, namespace: Option<&Namespace>) -> Result<Option<usize>, Error> {
        let all = self.referrer.candidates;
        let own = self.referrer.own;
        let Some(places) = all.by_former_name.get(old) else {
            return Ok(None);
        };
        let in_namespace = self.in_namespace(namespace);
        let mut places: Vec<usize> = places.clone();
        places.retain(|at| {
            let candidate = &all.list[*at];
            self.referrer.can_reach(candidate)
                && in_namespace(candidate)
                && candidate.was(self.target)
                && self.role.as_ref().is_none_or(|role| candidate.was(role))
                && (own.id.cluster_scoped
                    || candidate.id.cluster_scoped
                    || candidate.id.gvk.kind == "ServiceAccount"
                    || candidate.id.effective_namespace() == own.id.effective_namespace())
        });
        if places.len() != 1 {
            places.retain(|at| all.list[*at].shares_layers(own, true));
        }
        if places.len() > 1 {
            places.retain(|at| all.list[*at].shares_layers(own, false));
        }
        let Some(first) = places.first() else {
            return Ok(None);
        };
        let first_id = &all.list[*first].id;
        let alike = places.iter().all(|at| {
            let id = &all.list[*at].id;
            id.name == first_id.name && (namespace.is_none() || id.namespace == first_id.namespace)
        });
        if alike {
            return Ok(Some(*first));
        }
        let ids: Vec<String> = places
            .iter()
            .map(|at| all.list[*at].id.to_string())
            .collect();
        *self.failed = Some(places);
        bail!("found multiple possible referrals: {}", ids.join(", "))
    }

    /// Which resources a map's namespace means: those that were in it first, else those that are now.
    fn in_namespace(&self, namespace: Option<&Namespace>) -> impl Fn(&Candidate) -> bool + use<> {
        let wanted = namespace.and_then(|namespace| namespace.0.clone());
        let originally = wanted.as_ref().is_some_and(|wanted| {
            let all = self.referrer.candidates;
            let mut places = all.by_original_namespace.get(wanted).into_iter().flatten();
            places.any(|at| self.referrer.can_reach(&all.list[*at]))
        });
        move |candidate| match &wanted {
            None => true,
            Some(wanted) if originally => candidate.original_namespace == *wanted,
            Some(wanted) => {
                !candidate.id.cluster_scoped && candidate.id.effective_namespace() == wanted
            }
        }
    }
}

/// The namespace that a map names, if it names one.
struct Namespace(Option<String>);
