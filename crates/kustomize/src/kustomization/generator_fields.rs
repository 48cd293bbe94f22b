//! Fields that make resources: config maps, secrets, and charts (which are only refused).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::decode::readable;

/// Options of generated resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
    /// Annotations to set.
    pub annotations: BTreeMap<String, String>,
    /// Leave the name as it is.
    pub disable_name_suffix_hash: bool,
    /// Mark the resource immutable.
    pub immutable: bool,
}
readable!(
    GeneratorOptions,
    "GeneratorOptions",
    "types.GeneratorOptions",
    fields {
        labels: "labels",
        annotations: "annotations",
        disable_name_suffix_hash: "disableNameSuffixHash",
        immutable: "immutable",
    }
);

impl GeneratorOptions {
    /// Local options with the file's general ones below them.
    pub(crate) fn merged(local: Option<Self>, general: Option<&Self>) -> Option<Self> {
        let Some(general) = general else {
            return local;
        };
        let mut options = local.unwrap_or_default();
        let fill = |target: &mut BTreeMap<String, String>, from: &BTreeMap<String, String>| {
            for (key, value) in from {
                target.entry(key.clone()).or_insert_with(|| value.clone());
            }
        };
        fill(&mut options.labels, &general.labels);
        fill(&mut options.annotations, &general.annotations);
        options.disable_name_suffix_hash |= general.disable_name_suffix_hash;
        options.immutable |= general.immutable;
        Some(options)
    }
}

/// Where the pairs of a generated resource come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PairSources {
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
}
readable!(
    PairSources,
    "KvPairSources",
    "types.KvPairSources",
    fields {
        literals: "literals",
        files: "files",
        envs: "envs",
        env: "env",
    }
);

/// What config map and secret generators have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommonArgs {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) behavior: String,
    pub(crate) sources: PairSources,
    pub(crate) options: Option<GeneratorOptions>,
}
readable!(
    CommonArgs,
    "GeneratorArgs",
    "types.GeneratorArgs",
    embeds {
        sources: "KvPairSources"
    },
    fields {
        namespace: "namespace",
        name: "name",
        behavior: "behavior",
        options: "options"
    }
);

/// One entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratorArgs {
    pub(crate) common: CommonArgs,
    /// The type of a secret; a config map has none.
    pub(crate) secret_type: String,
}

impl GeneratorArgs {
    /// The name of the generated resource, without suffix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.common.name
    }

    pub(crate) fn migrate(&mut self) {
        let sources = &mut self.common.sources;
        if !sources.env.is_empty() {
            sources.envs.push(std::mem::take(&mut sources.env));
        }
    }
}

readable!(
    GeneratorArgs,
    "SecretArgs",
    "types.SecretArgs",
    embeds {
        common: "GeneratorArgs"
    },
    fields {
        secret_type: "type"
    }
);

/// `helmGlobals`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HelmGlobals {
    pub(crate) chart_home: String,
    pub(crate) config_home: String,
}
readable!(
    HelmGlobals,
    "HelmGlobals",
    "types.HelmGlobals",
    fields {
        chart_home: "chartHome",
        config_home: "configHome",
    }
);

/// One entry of `helmCharts`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelmChart {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) repo: String,
    pub(crate) release_name: String,
    pub(crate) namespace: String,
    pub(crate) additional_values_files: Vec<String>,
    pub(crate) values_file: String,
    pub(crate) values_inline: Map<String, Value>,
    pub(crate) values_merge: String,
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) api_versions: Vec<String>,
    pub(crate) kube_version: String,
    pub(crate) name_template: String,
    pub(crate) skip_tests: bool,
    pub(crate) debug: bool,
    pub(crate) devel: bool,
}
readable!(
    HelmChart,
    "HelmChart",
    "types.HelmChart",
    fields {
        name: "name",
        version: "version",
        repo: "repo",
        release_name: "releaseName",
        namespace: "namespace",
        additional_values_files: "additionalValuesFiles",
        values_file: "valuesFile",
        values_inline: "valuesInline",
        values_merge: "valuesMerge",
        include_crds: "includeCRDs",
        skip_hooks: "skipHooks",
        api_versions: "apiVersions",
        kube_version: "kubeVersion",
        name_template: "nameTemplate",
        skip_tests: "skipTests",
        debug: "debug",
        devel: "devel",
    }
);

/// One entry of the old `helmChartInflationGenerator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HelmChartArgs {
    pub(crate) chart_name: String,
    pub(crate) chart_version: String,
    pub(crate) chart_repo_url: String,
    pub(crate) chart_home: String,
    pub(crate) chart_repo_name: String,
    pub(crate) helm_bin: String,
    pub(crate) helm_home: String,
    pub(crate) values: String,
    pub(crate) values_local: Map<String, Value>,
    pub(crate) values_merge: String,
    pub(crate) release_name: String,
    pub(crate) release_namespace: String,
    pub(crate) extra_args: Vec<String>,
}
readable!(
    HelmChartArgs,
    "HelmChartArgs",
    "types.HelmChartArgs",
    fields {
        chart_name: "chartName",
        chart_version: "chartVersion",
        chart_repo_url: "chartRepoUrl",
        chart_home: "chartHome",
        chart_repo_name: "chartRepoName",
        helm_bin: "helmBin",
        helm_home: "helmHome",
        values: "values",
        values_local: "valuesLocal",
        values_merge: "valuesMerge",
        release_name: "releaseName",
        release_namespace: "releaseNamespace",
        extra_args: "extraArgs",
    }
);

impl From<HelmChartArgs> for HelmChart {
    fn from(old: HelmChartArgs) -> Self {
        Self {
            name: old.chart_name,
            version: old.chart_version,
            repo: old.chart_repo_url,
            values_file: old.values,
            values_inline: old.values_local,
            values_merge: old.values_merge,
            release_name: old.release_name,
            ..Self::default()
        }
    }
}
