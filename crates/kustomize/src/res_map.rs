//! The resources of a build in the order of their accumulation, no two with the same id.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use kyaml::Node;

use crate::error::{Error, bail};
use crate::id::ResId;
use crate::kustomization::Selector;
use crate::origin::Origin;
use crate::resource::{Behavior, Resource};
use crate::selector::Matcher;

/// Resources in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// Places by the digest of the current id; `None` while ids may have changed.
    by_id: Option<HashMap<u64, Places, BuildHasherDefault<AsIs>>>,
    /// Places by names, former ones included, and perhaps by more; `None` while names may have changed.
    by_name: Option<HashMap<String, Vec<usize>>>,
    /// No two have one id, as long as there is an index by id.
    unique: bool,
}

/// Notes the names of a resource.
fn note_names(index: &mut HashMap<String, Vec<usize>>, resource: &Resource, at: usize) {
    let former = resource.history.former.iter();
    for name in former.map(|it| &it.name).chain([&resource.id().name]) {
        match index.get_mut(name) {
            Some(places) => {
                if let Err(place) = places.binary_search(&at) {
                    places.insert(place, at);
                }
            }
            None => {
                index.insert(name.clone(), vec![at]);
            }
        }
    }
}

/// Places of resources with one digest: nearly always one.
#[derive(Debug, Clone, Default)]
struct Places {
    first: Option<usize>,
    more: Vec<usize>,
}

impl Places {
    fn add(&mut self, place: usize) {
        match self.first {
            None => self.first = Some(place),
            Some(first) => {
                self.first = Some(first.min(place));
                self.more.push(first.max(place));
                self.more.sort_unstable();
            }
        }
    }

    fn remove(&mut self, place: usize) {
        if self.first == Some(place) {
            self.first = (!self.more.is_empty()).then(|| self.more.remove(0));
        } else {
            self.more.retain(|other| *other != place);
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}

/// Takes digests as they are.
#[derive(Debug, Clone, Copy, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

impl ResMap {
    /// The resources.
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// The resources, to change.
    pub(crate) fn list_mut(&mut self) -> &mut [Resource] {
        self.forget_ids();
        &mut self.list
    }

    /// Makes the ids true again after a schema came that knows more kinds.
    pub(crate) fn settle(&mut self) {
        self.list_mut().iter_mut().for_each(Resource::settle);
    }

    fn forget_ids(&mut self) {
        self.by_id = None;
        self.by_name = None;
        self.unique = false;
    }

    /// Changes one resource. The indexes stay up to date.
    ///
    /// # Errors
    /// Those of `change`.
    pub(crate) fn change(
        &mut self,
        at: usize,
        change: impl FnOnce(&mut Resource) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let old = self.list[at].digest();
        let result = change(&mut self.list[at]);
        let new = self.list[at].digest();
        if let Some(index) = &mut self.by_name {
            note_names(index, &self.list[at], at);
        }
        self.unique &= new == old;
        if new != old
            && let Some(index) = &mut self.by_id
        {
            if let Some(places) = index.get_mut(&old) {
                places.remove(at);
            }
            index.entry(new).or_default().add(at);
        }
        result
    }

    /// All resources, leaving none.
    pub(crate) fn take(&mut self) -> Vec<Resource> {
        self.forget_ids();
        std::mem::take(&mut self.list)
    }

    /// Puts the resources into the order of the keys; equal ones stay as they are.
    ///
    /// # Errors
    /// Two have one id.
    pub(crate) fn sort<K>(
        &mut self,
        key: impl Fn(&Resource) -> K,
        compare: impl Fn(&K, &K) -> Ordering,
    ) -> Result<(), Error> {
        let unique = self.unique && self.by_id.is_some();
        let list = self.take();
        let mut keyed: Vec<_> = list.into_iter().map(|it| (key(&it), it)).collect();
        keyed.sort_by(|(a, _), (b, _)| compare(a, b));
        let sorted = keyed.into_iter().map(|(_, resource)| resource);
        if unique {
            self.list = sorted.collect();
            return Ok(());
        }
        self.append_all(sorted)
    }

    /// A map of resources that are known to differ.
    pub(crate) fn of(list: Vec<Resource>) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }

    fn index(&mut self) -> &mut HashMap<u64, Places, BuildHasherDefault<AsIs>> {
        let list = &self.list;
        self.by_id.get_or_insert_with(|| {
            let mut index: HashMap<u64, Places, _> =
                HashMap::with_capacity_and_hasher(list.len(), BuildHasherDefault::default());
            for (at, resource) in list.iter().enumerate() {
                index.entry(resource.digest()).or_default().add(at);
            }
            index
        })
    }

    fn places(&mut self, digest: u64, id: &ResId) -> Vec<usize> {
        let places = self.index().get(&digest).cloned().unwrap_or_default();
        let same = places.iter().filter(|at| self.list[*at].id().same_as(id));
        same.collect()
    }

    /// The places of all resources with the current id of one.
    pub(crate) fn places_like(&mut self, at: usize) -> Vec<usize> {
        let id = self.list[at].id().clone();
        self.places(self.list[at].digest(), &id)
    }

    /// Adds a resource at the end.
    ///
    /// # Errors
    /// One of the same id is there.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<(), Error> {
        if self.list.is_empty() {
            self.forget_ids();
            self.list.push(resource);
            return Ok(());
        }
        if !self.places(resource.digest(), resource.id()).is_empty() {
            bail!(
                "may not add resource with an already registered id: {}",
                resource.id()
            );
        }
        let at = self.list.len();
        self.index().entry(resource.digest()).or_default().add(at);
        if let Some(index) = &mut self.by_name {
            note_names(index, &resource, at);
        }
        self.list.push(resource);
        Ok(())
    }

    /// Adds resources at the end.
    ///
    /// # Errors
    /// As [`ResMap::append`].
    pub(crate) fn append_all(
        &mut self,
        resources: impl IntoIterator<Item = Resource>,
    ) -> Result<(), Error> {
        resources
            .into_iter()
            .try_for_each(|resource| self.append(resource))
    }

    /// Adds generated resources, each as its behaviour says.
    ///
    /// # Errors
    /// Nothing, or too much, is there to merge with or to replace.
    pub(crate) fn absorb_all(&mut self, resources: Self) -> Result<(), Error> {
        resources
            .list
            .into_iter()
            .try_for_each(|resource| self.absorb(resource))
    }

    fn absorb(&mut self, mut resource: Resource) -> Result<(), Error> {
        let id = resource.id().clone();
        let places = self.places_of_any(&id.name, |known| known.same_as(&id));
        let behavior = resource.history.behavior.unwrap_or_default();
        match places.as_slice() {
            [] => match behavior {
                Behavior::Merge | Behavior::Replace => {
                    bail!("id {id} does not exist; cannot merge or replace")
                }
                Behavior::Create | Behavior::Unspecified => self.append(resource),
            },
            [at] => {
                let old = &self.list[*at];
                match behavior {
                    Behavior::Replace => resource.inherit_metadata(old)?,
                    Behavior::Merge => {
                        let origin = Origin::of(old)?;
                        resource.inherit_metadata(old)?;
                        merge_data(&mut resource, old)?;
                        if let Some(origin) = origin {
                            origin.write_to(&mut resource)?;
                        }
                    }
                    Behavior::Create | Behavior::Unspecified => bail!(
                        "id {id} exists; can not use behavior: '{}', behavior must be merge or replace",
                        behavior.text()
                    ),
                }
                let at = *at;
                self.change(at, |old| {
                    *old = resource;
                    Ok(())
                })
            }
            places => {
                let found: Vec<String> = places.iter().map(|at| self.list[*at].to_line()).collect();
                bail!(
                    "found multiple objects [{}] that could accept merge of {id}",
                    found.join(" ")
                )
            }
        }
    }

    /// The places of resources of which any id of this name, former or current, fits.
    pub(crate) fn places_of_any(
        &mut self,
        name: &str,
        fits: impl Fn(&ResId) -> bool,
    ) -> Vec<usize> {
        let list = &self.list;
        let index = self.by_name.get_or_insert_with(|| {
            let mut index = HashMap::with_capacity(list.len());
            for (at, resource) in list.iter().enumerate() {
                note_names(&mut index, resource, at);
            }
            index
        });
        let mut places = index.get(name).cloned().unwrap_or_default();
        places.retain(|at| {
            let resource = &list[*at];
            resource.has_name(name) && !resource.is_gone() && resource.any_id(&fits)
        });
        places
    }

    /// The one resource of which any id is this.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) fn place_of_target(&mut self, id: &ResId) -> Result<usize, Error> {
        let problem = match self
            .places_of_any(&id.name, |known| known.same_as(id))
            .as_slice()
        {
            [at] => return Ok(*at),
            [] => "no matches",
            _ => "multiple matches",
        };
        bail!("{problem} for Id {id}; failed to find unique target for patch {id}")
    }

    /// The places of resources that a selector fits.
    ///
    /// # Errors
    /// An expression is malformed, or a label selector is and something else fits.
    pub(crate) fn select(&self, selector: &Selector) -> Result<Vec<usize>, Error> {
        let matcher = Matcher::new(selector)?;
        let mut places = Vec::new();
        for (at, resource) in self.list.iter().enumerate() {
            if matcher.selects(resource)? {
                places.push(at);
            }
        }
        Ok(places)
    }

    /// Drops resources that patches have deleted.
    pub(crate) fn drop_gone(&mut self) {
        if self.list.iter().any(Resource::is_gone) {
            self.forget_ids();
            self.list.retain(|resource| !resource.is_gone());
        }
    }

    /// Keeps the resources that fit.
    pub(crate) fn retain(&mut self, fits: impl FnMut(&Resource) -> bool) {
        self.forget_ids();
        self.list.retain(fits);
    }

    /// Checks that no two resources have one id, after changes.
    ///
    /// # Errors
    /// Two have.
    pub(crate) fn check_unique(&mut self) -> Result<(), Error> {
        if self.unique && self.by_id.is_some() {
            return Ok(());
        }
        let list = self.take();
        self.append_all(list)?;
        self.unique = true;
        Ok(())
    }
}

/// The data of both, the new one's keys winning.
fn merge_data(resource: &mut Resource, old: &Resource) -> Result<(), Error> {
    for field in ["data", "binaryData"] {
        let mut data = data_of(old.node(), field);
        data.extend(data_of(resource.node(), field));
        resource.edit(|node| {
            node.remove(field);
            for (key, value) in data {
                node.child_mapping(field)?
                    .set_field(&key, Node::string(value))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn data_of(node: &Node, field: &str) -> std::collections::BTreeMap<String, String> {
    let mut data = std::collections::BTreeMap::new();
    for entry in node.get(field).map_or(&[][..], Node::entries) {
        let text = |node: &Node| {
            if node.is_null() {
                String::new()
            } else {
                node.text().to_owned()
            }
        };
        data.entry(text(&entry.key))
            .or_insert_with(|| text(&entry.value));
    }
    data
}
