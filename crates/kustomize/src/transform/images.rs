//! Image names, tags and digests: at the fields of the configuration, and in every list of containers.

use go_regex::Regex;
use kyaml::{Content, Kind, Node};

use crate::error::Error;
use crate::field_spec::{Create, FieldSpec, apply_all};
use crate::kustomization::Image;
use crate::res_map::ResMap;

/// Changes one image.
#[derive(Debug)]
pub(crate) struct Images {
    image: Image,
    pattern: Regex,
    fields: Vec<FieldSpec>,
}

impl Images {
    /// Prepares the change.
    ///
    /// # Errors
    /// The name, which is part of an expression, makes it malformed.
    pub(crate) fn new(image: Image, fields: Vec<FieldSpec>) -> Result<Self, Error> {
        let pattern = go_regex::compile(&format!(
            "^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$",
            image.name
        ))
        .map_err(|error| Error::new(error.to_string()))?;
        Ok(Self {
            image,
            pattern,
            fields,
        })
    }

    pub(crate) fn transform(&self, resources: &mut ResMap) -> Result<(), Error> {
        let is_definition = |node: &Node| node.object_kind() == "CustomResourceDefinition";
        for resource in resources.list_mut() {
            if !is_definition(resource.node()) {
                resource.edit(|node| self.in_containers(node))?;
            }
        }
        let shows = self.fields.iter().any(FieldSpec::holds_annotations);
        for resource in resources.list_mut() {
            if is_definition(resource.node()) {
                continue;
            }
            match shows {
                true => resource.edit_with_history(|node| self.in_fields(node))?,
                false => resource.edit(|node| self.in_fields(node))?,
            }
        }
        Ok(())
    }

    /// Whether an image is the one to change.
    pub(crate) fn fits(&self, image: &str) -> bool {
        self.pattern.is_match(image)
    }

    /// Changes the image at the configured fields.
    pub(crate) fn in_fields(&self, node: &mut Node) -> Result<(), Error> {
        apply_all(&self.fields, node, NO_KIND, &mut |image, _| {
            self.update(image)
        })
    }

    /// Changes the image of every container in every list that is called like one.
    pub(crate) fn in_containers(&self, node: &mut Node) -> Result<(), Error> {
        match node.content_mut() {
            Content::Mapping(entries) => {
                for entry in entries.iter_mut() {
                    self.in_containers(&mut entry.value)?;
                    if matches!(entry.key.text(), "containers" | "initContainers") {
                        for container in entry.value.items_mut().into_iter().flatten() {
                            container.expect_kind(Kind::Mapping)?;
                            if let Some(image) = container.get_mut("image") {
                                self.update(image)?;
                            }
                        }
                    }
                }
                Ok(())
            }
            Content::Sequence(items) => items
                .iter_mut()
                .try_for_each(|item| self.in_containers(item)),
            _ => Ok(()),
        }
    }

    fn update(&self, node: &mut Node) -> Result<(), Error> {
        node.expect_kind(Kind::Scalar)?;
        if !self.fits(node.text()) {
            return Ok(());
        }
        let new = self.changed(node.text());
        Ok(node.set_scalar(Node::scalar_of(new))?)
    }

    fn changed(&self, old: &str) -> String {
        let (name, tag, digest) = split(old);
        let Image {
            new_name,
            new_tag,
            digest: new_digest,
            tag_suffix,
            ..
        } = &self.image;
        let name = if new_name.is_empty() { name } else { new_name };
        let (tag, digest) = if !new_tag.is_empty() {
            (new_tag.clone(), new_digest.as_str())
        } else if !new_digest.is_empty() {
            (String::new(), new_digest.as_str())
        } else if !tag_suffix.is_empty() {
            (format!("{tag}{tag_suffix}"), "")
        } else {
            (tag.to_owned(), digest)
        };
        let mut out = name.to_owned();
        for (mark, part) in [(':', tag.as_str()), ('@', digest)] {
            if !part.is_empty() {
                out.push(mark);
                out.push_str(part);
            }
        }
        out
    }
}

/// Image fields are never made.
const NO_KIND: Option<Create> = None;

/// Name, tag and digest of an image.
pub(crate) fn split(image: &str) -> (&str, &str, &str) {
    // A colon before the first slash belongs to the registry's port.
    let start = image.find('/').unwrap_or(0);
    let find = |mark| image[start..].find(mark).map(|at| start + at);
    match (find('@'), find(':')) {
        (None, None) => (image, "", ""),
        (Some(at), colon) if colon.is_none_or(|colon| at < colon) => {
            (&image[..at], "", &image[at + 1..])
        }
        (Some(at), Some(colon)) => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(colon)) => (&image[..colon], &image[colon + 1..], ""),
        (Some(at), None) => (&image[..at], "", &image[at + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(image: Image, old: &str) -> String {
        Images::new(image, Vec::new())
            .expect("compiles")
            .changed(old)
    }

    #[test]
    fn splits_images() {
        for (image, expected) in [
            ("nginx", ("nginx", "", "")),
            ("nginx:1", ("nginx", "1", "")),
            ("h:5000/nginx", ("h:5000/nginx", "", "")),
            ("h:5000/nginx:1@sha256:a", ("h:5000/nginx", "1", "sha256:a")),
            ("nginx@sha256:a", ("nginx", "", "sha256:a")),
        ] {
            assert_eq!(split(image), expected, "{image}");
        }
    }

    #[test]
    fn a_new_tag_drops_the_digest_and_the_other_way_round() {
        let tag = Image {
            new_tag: "2".to_owned(),
            ..Image::default()
        };
        let digest = Image {
            digest: "sha256:b".to_owned(),
            ..Image::default()
        };
        assert_eq!(changed(tag, "a:1@sha256:a"), "a:2");
        assert_eq!(changed(digest, "a:1"), "a@sha256:b");
    }

    #[test]
    fn a_malformed_name_is_an_error() {
        let image = Image {
            name: "a[".to_owned(),
            ..Image::default()
        };
        assert!(Images::new(image, Vec::new()).is_err());
    }
}
