//! What happened to a resource's id, and how its generator wants it treated.

use kyaml::Node;

use crate::error::{Error, bail};
use crate::id::ResId;

pub(super) const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
pub(super) const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
pub(super) const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
pub(super) const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
pub(super) const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
pub(super) const ALLOW_NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
pub(super) const ALLOW_KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
pub(super) const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
pub(super) const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";

const ENABLED: &str = "enabled";

/// Whether an annotation holds a list, which the original writes in quotes.
pub(super) fn is_list(key: &str) -> bool {
    [
        PREVIOUS_KINDS,
        PREVIOUS_NAMES,
        PREVIOUS_NAMESPACES,
        PREFIXES,
        SUFFIXES,
    ]
    .contains(&key)
}

/// How a generated resource meets an existing one of the same id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Not said, or not understood: as [`Behavior::Create`].
    #[default]
    Unspecified,
    /// There must be none.
    Create,
    /// It takes the other's place and metadata.
    Replace,
    /// As replace, and data is merged.
    Merge,
}

impl Behavior {
    /// From the field's text.
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    /// The text in messages.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// One former id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) kind: String,
}

/// The history of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Former ids, the oldest first.
    pub(crate) former: Vec<Former>,
    /// Prefixes in the order of their layers, the innermost first.
    pub(crate) prefixes: Vec<String>,
    /// Suffixes likewise.
    pub(crate) suffixes: Vec<String>,
    /// What the generator said; `None` for what no generator made.
    pub(crate) behavior: Option<Behavior>,
    /// The name gets a suffix of the content's hash.
    pub(crate) needs_hash: bool,
    /// This patch may rename its target.
    pub(crate) allow_name_change: bool,
    /// This patch may change its target's kind.
    pub(crate) allow_kind_change: bool,
    /// A former id had no name.
    pub(crate) nameless: bool,
    /// A former id has commas, which the original takes for separators and trips over, or only some
    /// have a name.
    pub(crate) contradictory: bool,
}

const CONTRADICTION: &str =
    "number of previous names, number of previous namespaces, number of previous kinds not equal";

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

impl History {
    /// Whether nothing happened.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes a former id.
    pub(super) fn remember(&mut self, id: &ResId) {
        if id.name.is_empty() {
            self.nameless = true;
            self.contradictory |= !self.former.is_empty();
            return;
        }
        self.contradictory |= self.nameless;
        let names = split(&id.name);
        let namespaces = split(id.effective_namespace());
        let kinds = split(&id.gvk.kind);
        self.contradictory |= names.len() != namespaces.len() || names.len() != kinds.len();
        self.add(names, namespaces, kinds);
    }

    fn add(&mut self, names: Vec<String>, namespaces: Vec<String>, kinds: Vec<String>) {
        let parts = names.into_iter().zip(namespaces).zip(kinds);
        self.former
            .extend(parts.map(|((name, namespace), kind)| Former {
                name,
                namespace,
                kind,
            }));
    }

    /// Fails if a former id cannot be told apart.
    ///
    /// # Errors
    /// It has commas, or no name where others have one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.contradictory {
            bail!("{CONTRADICTION}");
        }
        Ok(())
    }

    /// Takes over what is known of the resource that this one stands for. Only the wish for a hash
    /// stays the generator's own.
    pub(super) fn inherit(&mut self, other: &Self) {
        let needs_hash = self.needs_hash && other.needs_hash;
        *self = Self {
            needs_hash,
            ..other.clone()
        };
    }

    /// The annotations in which the original keeps it.
    pub(super) fn annotations(&self) -> Vec<(&'static str, String)> {
        let mut annotations = Vec::new();
        if let Some(behavior) = self.behavior {
            annotations.push((BEHAVIOR, behavior.text().to_owned()));
        }
        let flags = [
            (NEEDS_HASH, self.needs_hash),
            (ALLOW_NAME_CHANGE, self.allow_name_change),
            (ALLOW_KIND_CHANGE, self.allow_kind_change),
        ];
        for (key, _) in flags.into_iter().filter(|(_, set)| *set) {
            annotations.push((key, ENABLED.to_owned()));
        }
        for (key, list) in [(PREFIXES, &self.prefixes), (SUFFIXES, &self.suffixes)] {
            if !list.is_empty() {
                annotations.push((key, list.join(",")));
            }
        }
        if !self.former.is_empty() {
            let join = |part: fn(&Former) -> &str| {
                let parts: Vec<&str> = self.former.iter().map(part).collect();
                parts.join(",")
            };
            annotations.push((PREVIOUS_NAMES, join(|former| &former.name)));
            annotations.push((PREVIOUS_NAMESPACES, join(|former| &former.namespace)));
            annotations.push((PREVIOUS_KINDS, join(|former| &former.kind)));
        }
        annotations
    }

    /// Reads and removes those annotations.
    ///
    /// # Errors
    /// The lists of former names, namespaces and kinds differ in length.
    pub(super) fn take(annotations: &mut Node) -> Result<Self, Error> {
        let ours = |key: &str| key.starts_with("internal.config.kubernetes.io/");
        let mut keys = annotations.entries().iter().map(|entry| entry.key.text());
        if !keys.any(ours) {
            return Ok(Self::default());
        }
        let mut text = |key: &str| {
            let value = annotations.remove(key)?;
            Some(value.text().to_owned())
        };
        let names = text(PREVIOUS_NAMES).map(|names| split(&names));
        let namespaces = split(&text(PREVIOUS_NAMESPACES).unwrap_or_default());
        let kinds = split(&text(PREVIOUS_KINDS).unwrap_or_default());
        let names = names.unwrap_or_default();
        if !names.is_empty() && (names.len() != namespaces.len() || names.len() != kinds.len()) {
            bail!("{CONTRADICTION}");
        }
        let enabled = |text: Option<String>| text.as_deref() == Some(ENABLED);
        let mut history = Self {
            former: Vec::new(),
            nameless: false,
            contradictory: false,
            prefixes: text(PREFIXES).map(|list| split(&list)).unwrap_or_default(),
            suffixes: text(SUFFIXES).map(|list| split(&list)).unwrap_or_default(),
            behavior: text(BEHAVIOR).map(|behavior| Behavior::of(&behavior)),
            needs_hash: enabled(text(NEEDS_HASH)),
            allow_name_change: enabled(text(ALLOW_NAME_CHANGE)),
            allow_kind_change: enabled(text(ALLOW_KIND_CHANGE)),
        };
        history.add(names, namespaces, kinds);
        Ok(history)
    }
}
