//! The expressions of a spec: when a dependency is ready, and when an object is healthy.
//!
//! Source: fluxcd/pkg `runtime/cel/status_evaluator.go`, `runtime/cel/status_reader.go`; kustomize-controller v1.9
//! `evalReadyExpr`.

use cel_expr::{Expression, Variables};
use kstatus::{Kind, Status};
use serde_json::Value;
use weir_api::kustomize::v1::Kustomization;
use weir_api::meta::CustomHealthCheck;

use crate::error::Error;

/// How `spec.healthCheckExprs` judges objects.
#[derive(Debug, Clone, Default)]
pub struct HealthRules(Vec<Rule>);

/// The expressions for a kind, or for a whole group.
#[derive(Debug, Clone)]
pub struct Rule {
    group: String,
    /// Empty for every kind of the group.
    kind: String,
    current: Expression,
    failed: Option<Expression>,
    in_progress: Option<Expression>,
}

impl HealthRules {
    /// Reads all expressions.
    ///
    /// # Errors
    /// [`Error::InvalidExpression`]: one is wrong, or two are for the same kind.
    pub fn of(checks: &[CustomHealthCheck]) -> Result<Self, Error> {
        let mut rules = Self::default();
        for (index, check) in checks.iter().enumerate() {
            let (group, kind) = (group_of(&check.api_version), &check.kind);
            if rules
                .0
                .iter()
                .any(|it| it.group == group && it.kind == *kind)
            {
                let name = if group.is_empty() {
                    kind.clone()
                } else {
                    format!("{kind}.{group}")
                };
                return Err(Error::InvalidExpression(format!(
                    "duplicate custom health check for GroupKind {name} at healthchecks[{index}]"
                )));
            }
            let rule = Rule::new(group, check).map_err(|why| {
                Error::InvalidExpression(format!(
                    "failed to create custom status evaluator for healthchecks[{index}]: {why}"
                ))
            })?;
            rules.0.push(rule);
        }
        Ok(rules)
    }

    /// The rule for a kind: its own, else that of its group. A Job has none: Flux judges it by itself, always.
    #[must_use]
    pub fn for_kind(&self, group: &str, kind: &str) -> Option<&Rule> {
        if (group, kind) == ("batch", "Job") {
            return None;
        }
        let find = |wanted: &str| {
            let mut rules = self.0.iter();
            rules.find(|rule| rule.group == group && rule.kind == wanted)
        };
        find(kind).or_else(|| find(""))
    }
}

/// The group of `group/version`; none for the core.
fn group_of(api_version: &str) -> &str {
    match api_version.split_once('/') {
        Some((group, version)) if !version.contains('/') => group,
        _ => "",
    }
}

impl Rule {
    fn new(group: &str, check: &CustomHealthCheck) -> Result<Self, String> {
        let parse = |name: &str, text: &str| {
            Expression::parse(text)
                .map_err(|error| format!("failed to parse the expression {name}: {error}"))
        };
        let optional = |name: &str, text: &str| match text {
            "" => Ok(None),
            text => parse(name, text).map(Some),
        };
        if check.current.is_empty() {
            return Err("expression Current not specified".to_owned());
        }
        Ok(Self {
            group: group.to_owned(),
            kind: check.kind.clone(),
            current: parse("Current", &check.current)?,
            failed: optional("Failed", &check.failed)?,
            in_progress: optional("InProgress", &check.in_progress)?,
        })
    }

    /// The verdict on an object: on its way while its status is of an older generation, then what the expressions
    /// say. One that cannot be evaluated leaves it unknown.
    #[must_use]
    pub fn judge(&self, object: &Value) -> Status {
        let verdict = |kind: Kind| Status {
            kind,
            message: String::new(),
            changes_at: None,
        };
        let number = |path: &str| object.pointer(path).and_then(Value::as_i64);
        let observed = number("/status/observedGeneration");
        let generation = number("/metadata/generation");
        if let (Some(observed), Some(generation)) = (observed, generation)
            && observed != generation
        {
            return verdict(Kind::InProgress);
        }
        let variables = Variables::fields(object);
        let steps = [
            (self.in_progress.as_ref(), Kind::InProgress),
            (self.failed.as_ref(), Kind::Failed),
            (Some(&self.current), Kind::Current),
        ];
        for (expression, kind) in steps {
            let Some(expression) = expression else {
                continue;
            };
            match expression.evaluate_bool(&variables) {
                Ok(true) => return verdict(kind),
                Ok(false) => {}
                Err(error) => return Status::unknown(error.to_string()),
            }
        }
        verdict(Kind::InProgress)
    }
}

/// Whether a dependency is ready as `text` says of it, over `self` and `dep`.
///
/// The inner error is one of these objects; it may be gone the next time.
///
/// # Errors
/// [`Error::InvalidExpression`].
pub fn dependency_is_ready(
    text: &str,
    object: &Kustomization,
    dependency: &Kustomization,
) -> Result<Result<bool, String>, Error> {
    let expression = Expression::compile_bool(text, &["self", "dep"]).map_err(|error| {
        let name = dependency.metadata.name.as_deref().unwrap_or_default();
        Error::InvalidExpression(format!(
            "terminal error: failed to evaluate dependency {name}: {error}"
        ))
    })?;
    let json = |object: &Kustomization| serde_json::to_value(object).unwrap_or_default();
    let (own, other) = (json(object), json(dependency));
    let variables = Variables::objects([("self", &own), ("dep", &other)]);
    Ok(expression
        .evaluate_bool(&variables)
        .map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: &str, current: &str) -> CustomHealthCheck {
        CustomHealthCheck {
            api_version: "example.com/v1".to_owned(),
            kind: kind.to_owned(),
            current: current.to_owned(),
            ..CustomHealthCheck::default()
        }
    }

    fn refused(checks: &[CustomHealthCheck]) -> String {
        let error = HealthRules::of(checks).expect_err("it is wrong");
        error.message()
    }

    #[test]
    fn the_kinds_own_rule_goes_before_that_of_its_group() {
        let rules = [check("", "false"), check("Thing", "true")];
        let rules = HealthRules::of(&rules).expect("they are right");
        let verdict = |kind: &str| {
            let rule = rules.for_kind("example.com", kind);
            rule.map(|rule| rule.judge(&json!({})).kind)
        };
        assert_eq!(verdict("Thing"), Some(Kind::Current));
        assert_eq!(verdict("Other"), Some(Kind::InProgress));
        assert!(rules.for_kind("other.com", "Thing").is_none());
    }

    #[test]
    fn in_progress_goes_before_failed_and_failed_before_current() {
        let mut rule = check("Thing", "status.phase != ''");
        "status.phase == 'A'".clone_into(&mut rule.in_progress);
        "status.phase in ['A', 'B']".clone_into(&mut rule.failed);
        let rules = HealthRules::of(&[rule]).expect("it is right");
        let rule = rules.for_kind("example.com", "Thing").expect("the rule");
        for (phase, expected) in [
            ("A", Kind::InProgress),
            ("B", Kind::Failed),
            ("C", Kind::Current),
            ("", Kind::InProgress),
        ] {
            let object = json!({"status": {"phase": phase}});
            assert_eq!(rule.judge(&object).kind, expected, "{phase}");
        }
        let old = json!({"metadata": {"generation": 2}, "status": {"phase": "C", "observedGeneration": 1}});
        assert_eq!(rule.judge(&old).kind, Kind::InProgress);
        // A text is no generation.
        let text = json!({"metadata": {"generation": 2}, "status": {"phase": "C", "observedGeneration": "1"}});
        assert_eq!(rule.judge(&text).kind, Kind::Current);
        let status = rule.judge(&json!({}));
        assert_eq!(status.kind, Kind::Unknown);
        assert_eq!(
            status.message,
            "failed to evaluate the CEL expression 'status.phase == 'A'': no such attribute(s): status.phase"
        );
    }

    #[test]
    fn what_is_wrong_is_told_as_upstream_does() {
        let prefix = "Reconciliation failed terminally due to configuration error: ";
        assert_eq!(
            refused(&[check("Thing", "true"), check("Thing", "true")]),
            format!(
                "{prefix}duplicate custom health check for GroupKind Thing.example.com at healthchecks[1]"
            )
        );
        let at = "failed to create custom status evaluator for healthchecks[0]: ";
        assert_eq!(
            refused(&[check("Thing", "")]),
            format!("{prefix}{at}expression Current not specified")
        );
        let text = refused(&[check("Thing", "status.")]);
        let expected = "failed to parse the expression Current: failed to parse the CEL expression 'status.': ERROR: <input>:1:8: Syntax error: no viable alternative at input '.'";
        assert!(
            text.starts_with(&format!("{prefix}{at}{expected}")),
            "{text}"
        );
    }

    #[test]
    fn a_dependency_is_asked_about_by_an_expression() {
        let object = |name: &str, version: &str| -> Kustomization {
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "ns", "labels": {"version": version}},
                "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "a"}},
            }))
            .expect("a Kustomization")
        };
        let (own, other) = (object("own", "1"), object("first", "2"));
        let ask = |text: &str| dependency_is_ready(text, &own, &other);
        let same = "self.metadata.labels.version == dep.metadata.labels.version";
        assert_eq!(ask(same).expect("it compiles"), Ok(false));
        assert_eq!(
            ask("dep.metadata.nope == 'x'").expect("it compiles"),
            Err("failed to evaluate the CEL expression 'dep.metadata.nope == 'x'': no such key: nope".to_owned())
        );
        let wrong = ask("dep.metadata.name").expect_err("no bool").message();
        assert_eq!(
            wrong,
            "Reconciliation failed terminally due to configuration error: terminal error: failed to evaluate dependency first: CEL expression output type mismatch: expected bool, got dyn"
        );
    }
}
