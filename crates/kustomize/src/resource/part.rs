//! The parts of an id, as they are written to an object.

/// One part of an id to write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IdPart<'a> {
    /// `kind`.
    Kind(&'a str),
    /// `apiVersion`.
    ApiVersion(&'a str),
    /// `metadata.name`.
    Name(&'a str),
    /// `metadata.namespace`; empty removes it.
    Namespace(&'a str),
}
