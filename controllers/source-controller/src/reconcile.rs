//! One pass over a source, the same for every kind.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Resource;
use weir_api::Reconcilable;
use weir_api::meta::{Artifact, controller, field_manager};
use weir_artifact::{Location, Published};
use weir_runtime::hub::Store;
use weir_runtime::kind::{Key, Kind, Report, Verdict};
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::source::{Fetched, Source};
use crate::status::{Before, Facts, Found};
use crate::{execute, observe, plan, status};

/// The objects of one kind of source.
#[derive(Debug)]
pub struct Sources<S: Source> {
    /// What all passes share.
    pub context: Arc<Context>,
    /// What the kind does differently.
    pub source: S,
    /// The objects as they are now.
    pub objects: Store<S::Object>,
}

impl<S: Source> Kind for Sources<S> {
    type Object = S::Object;
    type Facts = Facts;
    type Error = Error;

    const CONTROLLER: &'static str = controller::SOURCE;
    const FIELD_MANAGER: &'static str = field_manager::SOURCE;

    async fn reconcile(&self, pass: &Pass<Self>) -> Result<(), Error> {
        let (context, object) = (&*self.context, &**pass.object());
        let location = location::<S>(pass.key());
        pass.note(|facts| facts.before = Before::of::<S>(object));

        let artifact = plan::artifact_of::<S>(object).cloned();
        let (collected, stored) = observe::stored(context, &location, artifact).await?;
        let artifact = stored.artifact().cloned();
        pass.note(|facts| (facts.collected, facts.stored) = (collected, stored));

        let known = plan::known::<S>(object, artifact.as_ref());
        let fetched = tokio::select! {
            fetched = self.source.fetch(context, object, &known) => fetched?,
            () = self.outdated(pass) => return Err(Error::Superseded),
        };
        let (revision, label, changed, content) = match fetched {
            Fetched::Unchanged { revision, quietly } => {
                pass.note(|facts| facts.found = Found::Unchanged { revision, quietly });
                return Ok(());
            }
            Fetched::Content {
                revision,
                label,
                verified,
                changed,
                included,
                content,
            } => {
                pass.note(|facts| (facts.verified, facts.included) = (verified, included));
                (revision, label, changed, content)
            }
        };
        if plan::artifact::<S>(object, artifact.as_ref(), &revision, changed) == plan::Plan::Keep {
            pass.note(|facts| facts.found = Found::Kept { revision, label });
            return Ok(());
        }
        pass.note(|facts| facts.found = Found::Revision(revision.clone()));
        let published = self
            .source
            .store(context, object, location, content)
            .await?;
        let artifact = describe(context, published, revision);
        pass.note(|facts| facts.found = Found::Stored { artifact, label });
        Ok(())
    }

    async fn finalize(&self, pass: &Pass<Self>) -> Result<(), Error> {
        let removed = execute::remove_all(&self.context, location::<S>(pass.key())).await?;
        S::gone(&self.context, pass.object());
        pass.note(|facts| facts.removed_all = removed);
        Ok(())
    }

    fn report(&self, report: Report<'_, Self>) -> Verdict<<Self::Object as Reconcilable>::Status> {
        status::report::<S>(&status::Input {
            object: report.object,
            facts: report.facts,
            outcome: &report.outcome,
            now: report.now,
            dependency_delay: self.context.dependency_delay,
        })
    }
}

impl<S: Source> Sources<S> {
    /// Waits until the spec is another. A mere request does not end a fetch: many would never let one end.
    async fn outdated(&self, pass: &Pass<Self>) {
        pass.superseded().await;
        let generation = |object: &S::Object| object.meta().generation;
        let now = self.objects.get(pass.key());
        if now.is_some_and(|now| generation(&now) == generation(pass.object())) {
            std::future::pending::<()>().await;
        }
    }
}

fn location<S: Source>(key: &Key) -> Location {
    Location {
        kind: S::FOLDER.to_owned(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    }
}

fn describe(context: &Context, published: Published, revision: String) -> Artifact {
    Artifact {
        url: context.storage.url(&published.path),
        path: published.path,
        revision,
        digest: published.digest.to_string(),
        last_update_time: Timestamp::now().into(),
        size: i64::try_from(published.size).ok(),
        metadata: std::collections::BTreeMap::new(),
    }
}
