//! Charts to render: two of our own making, and the cases of a corpus.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What the inputs are.
pub(super) const ABOUT: [&str; 3] = [
    "small: one chart of 12 templates with helpers and conditions, as for one service",
    "umbrella: 24 subcharts of 14 templates each over a library of helpers that call `tpl`, `include`, `toYaml` and `merge`",
    "programs: the chart's directory or archive is read by each run; libraries: one process loads the chart once",
];

/// Something to render.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    /// What follows `template`.
    pub(super) arguments: Vec<String>,
    chart: String,
    values: Vec<String>,
    kube_version: String,
    is_upgrade: bool,
}

impl Input {
    /// What the programs around the libraries are asked.
    pub(super) fn question(&self) -> Value {
        json!({
            "bench": self.chart,
            "valuesFiles": self.values,
            "kubeVersion": self.kube_version,
            "isUpgrade": self.is_upgrade,
        })
    }
}

/// Writes the charts of our own making.
///
/// # Errors
/// A file cannot be written.
pub(super) fn own(folder: &Path) -> Result<Vec<Input>> {
    let small = folder.join("small");
    write_service(&small, "small", 12, false)?;
    let umbrella = folder.join("umbrella");
    write_umbrella(&umbrella)?;
    [("small", small), ("umbrella", umbrella)]
        .into_iter()
        .map(|(name, path)| {
            let chart = path
                .to_str()
                .context("the folder's path is UTF-8")?
                .to_owned();
            Ok(Input {
                name: name.to_owned(),
                arguments: vec![String::from("rel"), chart.clone()],
                chart,
                values: Vec::new(),
                kube_version: String::from("v1.36.0"),
                is_upgrade: false,
            })
        })
        .collect()
}

/// The cases of a corpus that render.
///
/// # Errors
/// A folder cannot be read, or a case is none.
pub(super) fn cases(corpus: &Path) -> Result<Vec<Input>> {
    let corpus = corpus.canonicalize()?;
    let mut inputs = Vec::new();
    for chart in sorted(&corpus.join("cases"))? {
        for case in sorted(&chart)? {
            if case.join("expected.yaml").is_file() {
                inputs.push(read_case(&corpus, &case)?);
            }
        }
    }
    Ok(inputs)
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn read_case(corpus: &Path, case: &Path) -> Result<Input> {
    let text = fs::read_to_string(case.join("case.json"))?;
    let told: Value = serde_json::from_str(&text)?;
    let field = |name: &str, default: &str| {
        told.get(name)
            .and_then(Value::as_str)
            .unwrap_or(default)
            .to_owned()
    };
    let list = |name: &str| {
        let items = told
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let is = |name: &str| told.get(name).and_then(Value::as_bool).unwrap_or(false);
    let chart = corpus
        .join("charts")
        .join(field("chart", ""))
        .display()
        .to_string();
    let kube_version = field("kubeVersion", "v1.36.0");
    let mut arguments = vec![
        field("release", "rel"),
        chart.clone(),
        "-n".into(),
        field("namespace", "ns"),
    ];
    let mut values = Vec::new();
    for name in list("values") {
        let path = case.join(name).display().to_string();
        arguments.extend([String::from("-f"), path.clone()]);
        values.push(path);
    }
    arguments.extend([String::from("--kube-version"), kube_version.clone()]);
    for version in list("apiVersions") {
        arguments.extend([String::from("--api-versions"), version]);
    }
    if is("isUpgrade") {
        arguments.push(String::from("--is-upgrade"));
    }
    if is("includeCRDs") {
        arguments.push(String::from("--include-crds"));
    }
    let name = case.strip_prefix(corpus.join("cases")).unwrap_or(case);
    Ok(Input {
        name: name.display().to_string(),
        arguments,
        chart,
        values,
        kube_version,
        is_upgrade: is("isUpgrade"),
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Helpers as charts of that size have them.
fn helpers(name: &str, library: bool) -> String {
    const OWN: &str = r#"
{{- define "NAME.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- define "NAME.labels" -}}
app.kubernetes.io/name: {{ include "NAME.fullname" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
"#;
    const COMMON: &str = r#"
{{- define "NAME.fullname" -}}{{ include "common.names" . }}{{- end -}}
{{- define "NAME.labels" -}}
{{ include "common.labels" (dict "customLabels" .Values.commonLabels "context" $) }}
{{- end -}}
"#;
    let text = if library { COMMON } else { OWN };
    text.replace("NAME", name)
}

const LIBRARY: &str = r#"
{{- define "common.names" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- define "common.render" -}}
{{- $value := typeIs "string" .value | ternary .value (.value | toYaml) -}}
{{- if contains "{{" (toJson .value) -}}
{{- tpl $value .context -}}
{{- else -}}
{{- $value -}}
{{- end -}}
{{- end -}}
{{- define "common.labels" -}}
{{- $default := dict "app.kubernetes.io/name" (include "common.names" .context) "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version) "app.kubernetes.io/instance" .context.Release.Name "app.kubernetes.io/managed-by" .context.Release.Service -}}
{{- with .context.Chart.AppVersion -}}
{{- $_ := set $default "app.kubernetes.io/version" . -}}
{{- end -}}
{{- template "common.merge" (dict "values" (list .customLabels $default) "context" .context) -}}
{{- end -}}
{{- define "common.merge" -}}
{{- $dst := dict -}}
{{- range .values -}}
{{- $dst = include "common.render" (dict "value" . "context" $.context) | fromYaml | merge $dst -}}
{{- end -}}
{{ $dst | toYaml }}
{{- end -}}
{{- define "common.image" -}}
{{- $registry := default .image.registry .global.imageRegistry -}}
{{- printf "%s/%s:%s" $registry .image.repository (.image.tag | toString) -}}
{{- end -}}
"#;

const OBJECT: &str = r#"{{- if and .Values.enabled (not .Values.partNO.disabled) }}
apiVersion: {{ ternary "apps/v1" "extensions/v1beta1" (semverCompare ">=1.14-0" .Capabilities.KubeVersion.Version) }}
kind: Deployment
metadata:
  name: {{ include "NAME.fullname" . }}-NO
  namespace: {{ .Release.Namespace | quote }}
  labels: {{- include "NAME.labels" . | nindent 4 }}
  {{- with .Values.partNO.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  replicas: {{ .Values.partNO.replicas | int }}
  selector:
    matchLabels:
      app: {{ include "NAME.fullname" . }}
  template:
    metadata:
      labels: {{- include "NAME.labels" . | nindent 8 }}
      annotations:
        checksum/config: {{ .Values.partNO.config | toYaml | sha256sum }}
    spec:
      containers:
        {{- range $at, $container := .Values.partNO.containers }}
        - name: {{ $container.name | lower | replace "_" "-" }}
          image: "{{ $container.repository }}:{{ $container.tag | default $.Chart.AppVersion }}"
          env:
            {{- range $key, $value := $container.env }}
            - name: {{ $key | upper }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            {{- range $container.ports }}
            - {name: {{ .name }}, containerPort: {{ .port }}}
            {{- end }}
          resources: {{- toYaml $container.resources | nindent 12 }}
        {{- end }}
      affinity: {{- AFFINITY | nindent 8 }}
      tolerations: {{- toYaml .Values.tolerations | nindent 8 }}
{{- end }}
"#;

const PART: &str = r#"partNO:
  disabled: false
  replicas: 3
  annotations:
    example.org/text: "a rather long annotation that is folded because it has more than eighty columns in one line"
    example.org/number: "12"
  config: {a: 1, b: [x, y, z], c: {d: "on", e: null}}
  containers:
    - name: Main_NO
      repository: registry.example.org/team/app-NO
      tag: "1.2.NO"
      env: {log_level: info, listen: ":8080", feature_a: "true", feature_b: "false", region: eu-1}
      ports: [{name: http, port: 8080}, {name: metrics, port: 9090}]
      resources: {limits: {cpu: 500m, memory: 256Mi}, requests: {cpu: 100m, memory: 64Mi}}
    - name: Side_NO
      repository: registry.example.org/team/side
      env: {mode: "{{ .Release.Name }}", upstream: localhost}
      ports: []
      resources: {}
"#;

const VALUES: &str = r#"enabled: true
nameOverride: ""
fullnameOverride: ""
commonLabels:
  team: "{{ .Release.Namespace }}"
  tier: backend
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        preference:
          matchExpressions: [{key: "{{ .Chart.Name }}", operator: In, values: [a, b]}]
tolerations:
  - {key: dedicated, operator: Equal, value: apps, effect: NoSchedule}
"#;

/// A chart for one service.
fn write_service(folder: &Path, name: &str, templates: usize, library: bool) -> Result<()> {
    let about = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: \"4.5\"\n");
    write(&folder.join("Chart.yaml"), &about)?;
    write(
        &folder.join("templates/_helpers.tpl"),
        &helpers(name, library),
    )?;
    let affinity = match library {
        true => r#"include "common.render" (dict "value" .Values.affinity "context" $)"#,
        false => "toYaml .Values.affinity",
    };
    let mut values = String::from(VALUES);
    for at in 0..templates {
        let no = at.to_string();
        let text = OBJECT.replace("NAME", name).replace("AFFINITY", affinity);
        let path = folder.join(format!("templates/part-{at}.yaml"));
        write(&path, &text.replace("NO", &no))?;
        let _ = write!(values, "{}", PART.replace("NO", &no));
    }
    write(&folder.join("values.yaml"), &values)
}

/// A chart of charts.
fn write_umbrella(folder: &Path) -> Result<()> {
    const SUBCHARTS: usize = 24;
    let mut about = String::from("apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n");
    let mut values = String::from("global: {imageRegistry: registry.example.org}\n");
    for at in 0..SUBCHARTS {
        let name = format!("service-{at}");
        let _ = writeln!(
            about,
            "- {{name: {name}, version: 1.2.3, condition: {name}.enabled}}"
        );
        let _ = writeln!(
            values,
            "{name}: {{enabled: true, part1: {{replicas: {at}}}}}"
        );
        write_service(&folder.join("charts").join(&name), &name, 14, true)?;
    }
    write(&folder.join("Chart.yaml"), &about)?;
    write(&folder.join("values.yaml"), &values)?;
    write(&folder.join("templates/_common.tpl"), LIBRARY)
}
