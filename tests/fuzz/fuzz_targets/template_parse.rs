//! Any bytes as a template: read, and what was read printed as Go prints trees.
#![no_main]

use go_template::{Functions, Signature, Str, Template, Type, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut functions = Functions::new();
    let signature = Signature::variadic(&[Type::Any], &Type::Any);
    functions.add("f", signature, |_, _| Ok(Value::Nil));
    let Ok(templates) = Template::parse("t", &Str::from(bytes), &functions) else {
        return;
    };
    for template in templates {
        let _ = (template.is_empty(), template.print());
    }
});
