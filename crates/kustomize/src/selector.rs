//! Selectors, compiled: which resources a patch or replacement is for.

use go_regex::Regex;
use kyaml::Node;

use crate::error::Error;
use crate::id::{Gvk, ResId};
use crate::kustomization::Selector;
use crate::label_selector::LabelSelector;
use crate::resource::Resource;

/// A selector ready for use.
#[derive(Debug)]
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Result<LabelSelector, Error>,
    annotations: Result<LabelSelector, Error>,
    /// The selector names no part of an id.
    any_id: bool,
}

fn part(pattern: &str) -> Result<Option<Regex>, Error> {
    if pattern.is_empty() {
        return Ok(None);
    }
    go_regex::compile_anchored(pattern)
        .map(Some)
        .map_err(|error| Error::new(error.to_string()))
}

fn fits(part: Option<&Regex>, text: &str) -> bool {
    part.is_none_or(|regex| regex.is_match(text))
}

impl Matcher {
    /// Compiles a selector.
    ///
    /// # Errors
    /// An expression is malformed. A malformed label selector only fails where it is used.
    pub(crate) fn new(selector: &Selector) -> Result<Self, Error> {
        Ok(Self {
            group: part(&selector.id.gvk.group)?,
            version: part(&selector.id.gvk.version)?,
            kind: part(&selector.id.gvk.kind)?,
            name: part(&selector.id.name)?,
            namespace: part(&selector.id.namespace)?,
            labels: LabelSelector::parse(&selector.label_selector),
            annotations: LabelSelector::parse(&selector.annotation_selector),
            any_id: selector.id.is_empty(),
        })
    }

    /// Whether the selector says nothing about ids.
    pub(crate) fn is_for_any_id(&self) -> bool {
        self.any_id
    }

    /// Whether the selector says something about labels or annotations.
    pub(crate) fn asks_for_labels(&self) -> bool {
        let asks = |selector: &Result<LabelSelector, Error>| {
            selector
                .as_ref()
                .map_or(true, |selector| !selector.is_empty())
        };
        asks(&self.labels) || asks(&self.annotations)
    }

    pub(crate) fn fits_gvk(&self, gvk: &Gvk) -> bool {
        fits(self.group.as_ref(), &gvk.group)
            && fits(self.version.as_ref(), &gvk.version)
            && fits(self.kind.as_ref(), &gvk.kind)
    }

    /// Whether one id fits, its namespace taken as written.
    pub(crate) fn fits_id(&self, id: &ResId) -> bool {
        self.fits_gvk(&id.gvk)
            && fits(self.name.as_ref(), &id.name)
            && fits(self.namespace.as_ref(), &id.namespace)
    }

    /// Whether labels and annotations fit.
    ///
    /// # Errors
    /// A selector is malformed.
    pub(crate) fn fits_labels(&self, node: &Node) -> Result<bool, Error> {
        let check = |selector: &Result<LabelSelector, Error>, labels: &dyn Fn() -> _| {
            let selector = selector.as_ref().map_err(Clone::clone)?;
            Ok::<_, Error>(selector.is_empty() || selector.matches(&labels()))
        };
        Ok(check(&self.labels, &|| node.labels())?
            && check(&self.annotations, &|| node.annotations())?)
    }

    /// Whether a resource fits, by its first or current name and namespace.
    ///
    /// # Errors
    /// A label selector is malformed.
    pub(crate) fn selects(&self, resource: &Resource) -> Result<bool, Error> {
        let id = resource.id();
        if !self.fits_gvk(&id.gvk) {
            return Ok(false);
        }
        if self.name.is_some() || self.namespace.is_some() {
            let (original_name, original_namespace) = resource.original_names();
            let name = self.name.as_ref();
            let namespace = self.namespace.as_ref();
            let either =
                |part: Option<&Regex>, first: &str, now: &str| fits(part, first) || fits(part, now);
            if !either(namespace, original_namespace, id.effective_namespace())
                || !either(name, original_name, &id.name)
            {
                return Ok(false);
            }
        }
        self.fits_labels(resource.node())
    }
}
