//! The Kustomization as a kind of the shell.

use std::sync::Arc;

use weir_api::kustomize::v1::{Kustomization, KustomizationStatus};
use weir_api::meta::{controller, field_manager};
use weir_runtime::kind::{Kind, Report, Verdict};
use weir_runtime::pass::Pass;

use crate::context::Context;
use crate::error::Error;
use crate::status::{self, Facts};
use crate::{finalize, reconcile};

/// Kustomizations, reconciled in a context.
pub struct KustomizationKind(pub Arc<Context>);

impl Kind for KustomizationKind {
    type Object = Kustomization;
    type Facts = Facts;
    type Error = Error;

    const CONTROLLER: &'static str = controller::KUSTOMIZE;
    const FIELD_MANAGER: &'static str = field_manager::KUSTOMIZE_STATUS;

    async fn reconcile(&self, pass: &Pass<Self>) -> Result<(), Error> {
        reconcile::reconcile(&self.0, pass).await
    }

    async fn finalize(&self, pass: &Pass<Self>) -> Result<(), Error> {
        finalize::finalize(&self.0, pass).await?;
        self.0.targets.release(pass.key());
        Ok(())
    }

    fn report(&self, report: Report<'_, Self>) -> Verdict<KustomizationStatus> {
        status::report(&report, self.0.options.cancel_health_check_on_new_revision)
    }
}
