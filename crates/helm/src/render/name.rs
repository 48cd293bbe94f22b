//! `--name-template`: the name of a release, made by a template.
//!
//! Source: Helm 4.2.4 `pkg/action/install.go` `TemplateName`; sprig v3.3.0 `functions.go`

use std::sync::Arc;

use go_template::{
    Budget, Functions, Limits, MissingKey, Session, Set, Signature, Template, Type, Value,
};

use crate::{Env, functions};

/// Gives the variables of the environment that the user's own template may see; empty where there is none.
pub type Variables = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Executes a template of the user's: it has sprig's functions, without those of Helm, and no data.
///
/// # Errors
/// Go's text.
pub fn release_name(text: &str, env: &Env, variables: &Variables) -> Result<String, String> {
    const NAME: &str = "name-template";
    let mut functions = functions::sprig(env);
    add_environment(&mut functions, variables);
    let parsed = Template::parse(NAME, &text.into(), &functions).map_err(|it| it.to_string())?;
    let mut set = Set::new(NAME);
    set.add(parsed);
    let budget = Budget::untimed(Limits::default());
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Invalid,
    };
    let name = session
        .execute(&Arc::new(set), NAME.as_bytes(), &Value::Nil)
        .map_err(|it| it.to_string())?;
    Ok(name.lossy().into_owned())
}

/// `env` and `expandenv`, which charts do not have.
fn add_environment(functions: &mut Functions, variables: &Variables) {
    const SIGNATURE: Signature = Signature::new(&[Type::String], &Type::String);
    let of = Arc::clone(variables);
    functions.add("env", SIGNATURE, move |_, args| {
        let name = args[0].as_str().map(|it| it.lossy().into_owned());
        Ok(of(&name.unwrap_or_default()).as_str().into())
    });
    let of = Arc::clone(variables);
    functions.add("expandenv", SIGNATURE, move |_, args| {
        let text = args[0].as_str().map(|it| it.lossy().into_owned());
        Ok(expand(&text.unwrap_or_default(), &*of).as_str().into())
    });
}

/// Replaces `$NAME` and `${NAME}`.
fn expand(text: &str, of: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = match variable(after) {
            Ok((name, after)) => {
                out.push_str(&of(name));
                after
            }
            Err(0) => {
                out.push('$');
                after
            }
            Err(broken) => &after[broken..],
        };
    }
    out + rest
}

/// The name behind a dollar sign, and what follows it; or how much is broken and vanishes.
fn variable(text: &str) -> Result<(&str, &str), usize> {
    let letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.split_once('}') {
            Some(("", _)) => Err(2),
            Some(named) => Ok(named),
            None => Err(1),
        };
    }
    let special = |it: char| "*#$@!?-0123456789".contains(it);
    let end = match text.chars().next() {
        Some(first) if special(first) => 1,
        _ => text.find(|it| !letter(it)).unwrap_or(text.len()),
    };
    match end {
        0 => Err(0),
        end => Ok(text.split_at(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<String, String> {
        let variables: Variables = Arc::new(|name| match name {
            "USER" => String::from("me"),
            _ => String::new(),
        });
        let env = Env {
            now: Arc::new(|| (0, 0)),
            random: Arc::new(|buffer| buffer.fill(0)),
            lookup: None,
            resolve: None,
        };
        release_name(text, &env, &variables)
    }

    #[test]
    fn has_sprigs_functions_and_the_environment() {
        assert_eq!(name("a-{{ lower \"B\" }}").as_deref(), Ok("a-b"));
        assert_eq!(
            name("{{ env \"USER\" }}{{ env \"NO\" }}").as_deref(),
            Ok("me")
        );
        let text = "{{ expandenv \"$USER-${USER}.$NO\" }}";
        assert_eq!(name(text).as_deref(), Ok("me-me."));
        let text = "{{ expandenv \"$ ${}a${b c$\" }}";
        assert_eq!(name(text).as_deref(), Ok("$ ab c$"));
    }

    #[test]
    fn has_no_function_of_charts() {
        let error = "template: name-template:1: function \"toYaml\" not defined";
        assert_eq!(name("{{ toYaml 1 }}").unwrap_err(), error);
    }
}
