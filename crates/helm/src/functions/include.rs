//! Templates within templates: `include`, `tpl`; and `lookup`, which asks the cluster.
//!
//! Source: Helm 4.2.4 `pkg/engine/engine.go` `includeFun`, `tplFun`; `pkg/engine/lookup_func.go`

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use go_template::{Call, Failure, Functions, Set, Signature, Str, Template, Type, Value, quote};

use super::given;
use crate::Env;
use crate::engine::{SET, without_no_value};

const INCLUDE: Signature = Signature::new(&[Type::String, Type::Any], &Type::String);
const LOOKUP: Signature = Signature::new(
    &[Type::String, Type::String, Type::String, Type::String],
    &Type::MAP,
);

/// How often a template may include itself.
const RECURSIONS: usize = 1000;

pub(super) fn register(functions: &mut Functions, env: &Env) {
    let included = Names::default();
    functions.add("include", INCLUDE, move |call, args| {
        let name = given::string(args, 0);
        if !enter(&included, &name) {
            let cause = Failure::new("unable to execute template");
            let text = format!("rendering template has a nested reference name: {name}: ");
            return Err(Failure::wrap(text, cause));
        }
        let result = call.execute(call.set(), &name, &args[1]);
        leave(&included, &name);
        result.map(Value::Str)
    });
    let texts = Texts::default();
    functions.add("tpl", INCLUDE, move |call, args| {
        render(call, &texts, &given::string(args, 0), &args[1]).map(Value::Str)
    });
    let lookup = env.lookup.clone();
    functions.add("lookup", LOOKUP, move |_, args| {
        let Some(lookup) = &lookup else {
            return Ok(Value::map::<Str>([]));
        };
        let text = |index| given::text(args, index);
        lookup(&text(0), &text(1), &text(2), &text(3)).map_err(Failure::new)
    });
}

type Names = Mutex<HashMap<Str, usize>>;

/// Counts one execution of a template more, unless it includes itself too often.
fn enter(names: &Names, name: &Str) -> bool {
    let mut names = locked(names);
    let count = names.entry(name.clone()).or_default();
    let allowed = *count <= RECURSIONS;
    *count += usize::from(allowed);
    allowed
}

fn leave(names: &Names, name: &Str) {
    if let Some(count) = locked(names).get_mut(name) {
        *count = count.saturating_sub(1);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Texts of `tpl` that were parsed already: charts render the same one again and again.
type Texts = Mutex<HashMap<Str, Arc<Vec<Template>>>>;

/// How many texts are remembered.
const REMEMBERED: usize = 1024;

/// Parses a text and executes it. What it defines, only it sees.
fn render(call: &Call<'_>, texts: &Texts, text: &Str, dot: &Value) -> Result<Str, Failure> {
    let known = locked(texts).get(text).cloned();
    let templates = match known {
        Some(templates) => templates,
        None => {
            call.budget().bytes(text.len().saturating_mul(4))?;
            let parsed = Template::parse(SET, text, call.functions()).map_err(|it| {
                let text = format!("cannot parse template {}: ", quote::quoted(text));
                Failure::wrap(text, Failure::new(it.to_string()))
            })?;
            let parsed = Arc::new(parsed);
            let mut texts = locked(texts);
            if texts.len() < REMEMBERED {
                texts.insert(text.clone(), Arc::clone(&parsed));
            }
            parsed
        }
    };
    let Some((own, definitions)) = templates.split_last() else {
        return Ok(Str::default());
    };
    // Within a text without definitions nothing is named that was not before, but for the text itself.
    let mut set = Set::over(call.set());
    set.add(definitions.iter().cloned());
    set.add([own.clone()]);
    let out = call.execute_template(&Arc::new(set), own, dot);
    let out = out.map_err(|it| {
        if it.origin() == go_template::Origin::Budget {
            return it;
        }
        let text = quote::quoted(text);
        Failure::wrap(
            format!("error during tpl function execution for {text}: "),
            it,
        )
    })?;
    Ok(without_no_value(out))
}
