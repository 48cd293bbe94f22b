//! What a request to an API server asks for.

use std::fmt;
use std::time::Instant;

use http::{Method, Uri};

/// A request, as far as its first line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// The plural name of the kind, without its group; empty for discovery and health.
    pub resource: String,
    /// The part behind the object's name, such as `status`.
    pub subresource: String,
    /// The namespace; empty for cluster-scoped objects and for lists of all namespaces.
    pub namespace: String,
    /// The object's name; empty for lists, watches and creates.
    pub name: String,
    /// The whole query.
    pub query: String,
}

impl ApiRequest {
    /// Reads the first line of a request.
    pub(super) fn of(method: &Method, uri: &Uri) -> Self {
        let mut parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        // `/api/v1/…` or `/apis/GROUP/VERSION/…`.
        let root = match parts.first() {
            Some(&"api") => 2,
            Some(&"apis") => 3,
            _ => parts.len(),
        };
        parts.drain(..root.min(parts.len()));
        let mut namespace = "";
        if parts.len() > 2 && parts[0] == "namespaces" {
            namespace = parts[1];
            parts.drain(..2);
        }
        let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
        Self {
            method: method.clone(),
            resource: part(0),
            name: part(1),
            subresource: part(2),
            namespace: namespace.to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        }
    }

    /// Whether the query has this pair.
    fn says(&self, pair: &str) -> bool {
        self.query.split('&').any(|it| it == pair)
    }

    /// Whether the answer goes on until somebody ends it.
    pub fn is_watch(&self) -> bool {
        self.says("watch=true") || self.says("watch=1")
    }

    /// Whether a list is asked for.
    pub fn is_list(&self) -> bool {
        self.method == Method::GET
            && !self.resource.is_empty()
            && self.name.is_empty()
            && !self.is_watch()
    }

    /// Whether it is to change what is stored. Events and leases are not counted: they say something about the writer
    /// and keep no state of its work.
    pub fn is_write(&self) -> bool {
        self.is_change() && !matches!(&*self.resource, "events" | "leases")
    }

    /// Whether it is to change anything, events and leases among it.
    pub fn is_change(&self) -> bool {
        self.method != Method::GET
            && !self.says("dryRun=All")
            && self.subresource != "token"
            && !matches!(
                &*self.resource,
                "" | "selfsubjectaccessreviews" | "subjectaccessreviews"
            )
    }
}

impl fmt::Display for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.resource)?;
        for part in [&self.name, &self.subresource] {
            if !part.is_empty() {
                write!(f, "/{part}")?;
            }
        }
        Ok(())
    }
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct ApiRecord {
    /// The request.
    pub asked: ApiRequest,
    /// When it came.
    pub at: Instant,
    /// What the policy said.
    pub fate: String,
    /// What the server answered, if it was asked and has answered.
    pub status: Option<u16>,
}

impl ApiRecord {
    pub(super) fn begun(asked: ApiRequest, fate: String) -> Self {
        Self {
            asked,
            at: Instant::now(),
            fate,
            status: None,
        }
    }

    /// Whether the server has taken it.
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| status < 300)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, uri: &'static str) -> ApiRequest {
        ApiRequest::of(&method, &Uri::from_static(uri))
    }

    #[test]
    fn paths_of_both_roots_are_read() {
        let status = asked(
            Method::PATCH,
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/ns/kustomizations/app/status?x=1",
        );
        assert_eq!(status.to_string(), "PATCH kustomizations/app/status");
        assert_eq!(status.namespace, "ns");
        assert!(status.is_write());
        let namespace = asked(Method::PATCH, "/api/v1/namespaces/ns");
        assert_eq!(namespace.to_string(), "PATCH namespaces/ns");
        assert_eq!(asked(Method::GET, "/apis").resource, "");
        assert!(asked(Method::GET, "/api/v1/configmaps?limit=5").is_list());
        assert!(asked(Method::GET, "/api/v1/configmaps?watch=true").is_watch());
    }

    #[test]
    fn what_tries_or_tells_is_no_write() {
        for uri in [
            "/api/v1/namespaces/ns/configmaps/a?force=true&dryRun=All",
            "/api/v1/namespaces/ns/events",
            "/apis/coordination.k8s.io/v1/namespaces/ns/leases/x",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        ] {
            assert!(!asked(Method::PATCH, uri).is_write(), "{uri}");
        }
    }
}
