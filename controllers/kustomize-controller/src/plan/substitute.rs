//! Variables in built resources: whose are substituted, and what a failure says.
//!
//! Source: fluxcd/pkg `kustomize/kustomize_varsub.go`, kustomize-controller v1.9 `build`.

use envsubst::{Mode, Variables};
use serde_json::Value;
use weir_api::kustomize::v1::{Kustomization, SubstituteStrategy};
use weir_api::meta::annotation;
use weir_runtime::kind::Chain;

/// What is substituted in the resources of one build.
#[derive(Debug, Clone)]
pub enum Substitution {
    /// Nothing: the spec asks for none.
    None,
    /// These variables, or the reason why there are none, which the first resource that needs them reports.
    With {
        /// Names and values.
        variables: Result<Variables, String>,
        /// Whether a variable that is not set is an error.
        mode: Mode,
        /// Whether to substitute without any variables, for the sake of defaults in the text.
        always: bool,
    },
}

impl Substitution {
    /// What the spec of `object` asks for.
    #[must_use]
    pub fn of(object: &Kustomization, variables: Result<Variables, String>, strict: bool) -> Self {
        let Some(post_build) = &object.spec.post_build else {
            return Self::None;
        };
        Self::With {
            variables,
            mode: if strict { Mode::Strict } else { Mode::Lenient },
            always: post_build.substitute_strategy == Some(SubstituteStrategy::Always),
        }
    }

    /// The resource after substitution in its YAML text, `None` where it stays as it is.
    ///
    /// # Errors
    /// Upstream's text after `post build failed for '…': `.
    pub fn apply(
        &self,
        resource: &Value,
        yaml: impl FnOnce() -> String,
    ) -> Result<Option<Value>, String> {
        let Self::With {
            variables,
            mode,
            always,
        } = self
        else {
            return Ok(None);
        };
        if is_disabled(resource) {
            return Ok(None);
        }
        let variables = variables.as_ref().map_err(Clone::clone)?;
        if variables.is_empty() && !always {
            return Ok(None);
        }
        let text = envsubst::substitute(&yaml(), variables, *mode)
            .map_err(|error| format!("envsubst error: {}", Chain(&error)))?;
        let value = yaml_to_json(&text)?;
        Ok(Some(value))
    }
}

/// Values are read as sigs.k8s.io/yaml reads them, YAML 1.1 leftovers included.
fn yaml_to_json(text: &str) -> Result<Value, String> {
    let document = kyaml::parse(text).map_err(|error| format!("YAMLToJSON: {}", Chain(&error)))?;
    document.map_or(Ok(Value::Null), |document| {
        document
            .root
            .to_json_1_1()
            .map_err(|error| error.to_string())
    })
}

/// A label or annotation exempts the resource; the value is compared as it is written.
fn is_disabled(resource: &Value) -> bool {
    ["labels", "annotations"].iter().any(|field| {
        let value = resource
            .get("metadata")
            .and_then(|metadata| metadata.get(field)?.get(annotation::KUSTOMIZE_SUBSTITUTE));
        value.and_then(Value::as_str) == Some(annotation::DISABLED)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(variables: &[(&str, &str)], always: bool) -> Substitution {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Substitution::With {
            variables: Ok(variables),
            mode: Mode::Strict,
            always,
        }
    }

    fn run(
        substitution: &Substitution,
        labels: Value,
        text: &str,
    ) -> Result<Option<Value>, String> {
        substitution.apply(&json!({"metadata": {"labels": labels}}), || text.to_owned())
    }

    #[test]
    fn a_value_that_looks_like_a_number_becomes_one() {
        let substitution = with(&[("n", "42")], false);
        assert_eq!(
            run(&substitution, json!({}), "a: ${n}\nb: \"${n}\"\n"),
            Ok(Some(json!({"a": 42, "b": "42"})))
        );
    }

    #[test]
    fn nothing_happens_without_variables_unless_always() {
        assert_eq!(run(&with(&[], false), json!({}), "a: ${n:=1}\n"), Ok(None));
        assert_eq!(
            run(&with(&[], true), json!({}), "a: ${n:=1}\n"),
            Ok(Some(json!({"a": 1})))
        );
        assert_eq!(run(&Substitution::None, json!({}), "a: ${n}\n"), Ok(None));
    }

    #[test]
    fn an_exempt_resource_does_not_even_need_the_variables() {
        let broken = Substitution::With {
            variables: Err("missing".into()),
            mode: Mode::Strict,
            always: false,
        };
        let exempt = json!({"kustomize.toolkit.fluxcd.io/substitute": "disabled"});
        assert_eq!(run(&broken, exempt, ""), Ok(None));
        assert_eq!(
            run(
                &broken,
                json!({"kustomize.toolkit.fluxcd.io/substitute": "Disabled"}),
                ""
            ),
            Err("missing".into())
        );
    }

    #[test]
    fn an_unset_variable_is_named() {
        let error = run(&with(&[("a", "1")], false), json!({}), "x: ${b}\n").expect_err("strict");
        assert_eq!(
            error,
            "envsubst error: variable substitution failed: variable not set (strict mode): \"b\""
        );
    }
}
