//! Other GitRepositories whose artifacts are copied into this one's.

use std::fs::File;
use std::io::BufReader;

use kube::{Api, ResourceExt};
use weir_api::meta::Artifact;
use weir_api::source::v1::{GitRepository, GitRepositoryInclude};
use weir_artifact::{Health, Storage};

use crate::context::Context;
use crate::error::{Error, IncludeError};
use crate::tree::Tree;

/// The artifacts of all that the object includes, in the order of the spec.
pub(super) async fn artifacts(
    context: &Context,
    object: &GitRepository,
) -> Result<Vec<Artifact>, Error> {
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<GitRepository> = Api::namespaced(context.client.clone(), &namespace);
    let mut artifacts = Vec::new();
    for include in &object.spec.include {
        let name = include.repository.name.clone();
        let failed = |source| Error::GetInclude {
            name: name.clone(),
            source,
        };
        let found = api.get_opt(&name).await;
        let found = found
            .map_err(|error| failed(IncludeError::Api(weir_runtime::client::describe(&error))))?
            .ok_or_else(|| failed(IncludeError::NotFound(name.clone())))?;
        let artifact = found.status.and_then(|status| status.artifact);
        let artifact = artifact.ok_or_else(|| Error::NoIncludedArtifact(name.clone()))?;
        // A status that somebody else wrote must not make us read other objects' files.
        if !artifact
            .path
            .starts_with(&format!("gitrepository/{namespace}/{name}/"))
        {
            return Err(Error::NoIncludedArtifact(name));
        }
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

/// Whether the stored artifact was made with others than these.
pub(super) fn changed(object: &GitRepository, now: &[Artifact]) -> bool {
    let Some(status) = &object.status else {
        return !now.is_empty();
    };
    let stored = &status.included_artifacts;
    let differs = |(one, other): (&Artifact, &Artifact)| {
        one.revision != other.revision || one.digest != other.digest
    };
    stored.len() != now.len() || stored.iter().zip(now).any(differs)
}

/// Copies all of them into `tree`, for which upstream would have had `directory`. Blocks.
pub(super) fn copy(
    directory: &str,
    storage: &Storage,
    includes: &[GitRepositoryInclude],
    artifacts: &[Artifact],
    tree: &mut Tree,
) -> Result<(), Error> {
    for (include, artifact) in includes.iter().zip(artifacts) {
        let name = &include.repository.name;
        let to_path = match include.to_path.as_str() {
            "" => name,
            given => given,
        };
        let joined = tree.join(directory, to_path);
        let target = joined.map_err(|source| Error::IncludePath {
            name: name.clone(),
            source,
        })?;
        let copied = read(storage, artifact).and_then(|from| {
            tree.copy(&from, &include.from_path, &target)
                .map_err(|error| Box::new(error) as Box<_>)
        });
        copied.map_err(|source| Error::CopyInclude {
            name: name.clone(),
            from: include.from_path.clone(),
            to: to_path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn read(storage: &Storage, artifact: &Artifact) -> Result<file_tree::FileTree, Boxed> {
    match storage.check(&artifact.path, &artifact.digest)? {
        Health::Good => {}
        Health::Missing => return Err("no such file or directory".into()),
        Health::Corrupt => return Err("the stored file is damaged".into()),
    }
    let file = File::open(storage.root().join(&artifact.path))?;
    let archive = BufReader::new(file);
    Ok(weir_artifact::unpack_to_disk(
        archive,
        storage.tree_limits(),
    )?)
}

#[cfg(test)]
mod tests {
    use weir_api::source::v1::{GitRepositorySpec, GitRepositoryStatus};

    use super::*;

    #[test]
    fn another_revision_digest_order_or_number_is_a_change() {
        let artifact = |revision: &str, digest: &str| Artifact {
            path: String::new(),
            url: String::new(),
            revision: revision.to_owned(),
            digest: digest.to_owned(),
            last_update_time: jiff::Timestamp::UNIX_EPOCH.into(),
            size: None,
            metadata: std::collections::BTreeMap::new(),
        };
        let (one, two) = (artifact("a", "1"), artifact("b", "2"));
        let mut object = GitRepository::new("app", GitRepositorySpec::default());
        assert!(!changed(&object, &[]));
        object.status = Some(GitRepositoryStatus {
            included_artifacts: vec![one.clone(), two.clone()],
            ..GitRepositoryStatus::default()
        });
        assert!(!changed(&object, &[one.clone(), two.clone()]));
        assert!(changed(&object, &[two.clone(), one.clone()]));
        assert!(changed(&object, std::slice::from_ref(&one)));
        assert!(changed(&object, &[one.clone(), artifact("c", "2")]));
        assert!(changed(&object, &[one, artifact("b", "3")]));
    }
}
