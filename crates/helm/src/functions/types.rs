//! What a value is: `typeOf`, `kindOf` and the questions about them, `deepEqual`.
//!
//! Source: sprig v3.3.0 `reflect.go`; Go 1.26 `reflect/deepequal.go`

use go_template::{Budget, Call, Failure, Functions, Signature, Type, Value};

use super::{Row, given};

const TEXT: Signature = Signature::new(&[Type::Any], &Type::String);
const IS: Signature = Signature::new(&[Type::String, Type::Any], &Type::Bool);
const BOTH: Signature = Signature::new(&[Type::Any, Type::Any], &Type::Bool);

pub(super) fn register(functions: &mut Functions) {
    super::add(functions, ROWS);
}

const ROWS: &[Row] = &[
    ("typeOf", TEXT, |_, args| {
        Ok(Value::str(args[0].type_name()))
    }),
    ("kindOf", TEXT, |_, args| {
        Ok(Value::str(given::kind(&args[0])))
    }),
    ("typeIs", IS, |_, args| Ok(is(args, &args[1].type_name()))),
    ("kindIs", IS, |_, args| Ok(is(args, &given::kind(&args[1])))),
    ("typeIsLike", IS, |_, args| {
        let name = args[1].type_name();
        let element = name.strip_prefix('*').unwrap_or(&name);
        Ok(Value::Bool(
            is(args, &name).truth() || is(args, element).truth(),
        ))
    }),
    ("deepEqual", BOTH, deep_equal),
];

fn is(args: &[Value], name: &str) -> Value {
    Value::Bool(given::bytes(args, 0) == name.as_bytes())
}

fn deep_equal(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    equal(&args[0], &args[1], call.budget()).map(Value::Bool)
}

/// `reflect.DeepEqual`: the same types all the way down, and equal contents.
///
/// # Errors
/// The budget is used up.
pub(super) fn equal(one: &Value, two: &Value, budget: &Budget<'_>) -> Result<bool, Failure> {
    let mut todo = vec![(one.clone(), two.clone())];
    while let Some((one, two)) = todo.pop() {
        budget.steps(1)?;
        if one.ty() != two.ty() {
            return Ok(false);
        }
        let same = match (&one, &two) {
            (Value::List(one), Value::List(two)) => {
                let same = one.is_nil() == two.is_nil() && one.len() == two.len();
                if same {
                    budget.bytes(one.len() * 2 * size_of::<Value>())?;
                    todo.extend(one.iter().zip(two.iter()));
                }
                same
            }
            (Value::Map(one), Value::Map(two)) if one.same(two) => true,
            (Value::Map(one), Value::Map(two)) => {
                let same = one.is_nil() == two.is_nil() && one.len() == two.len();
                if same {
                    budget.bytes(one.len() * 2 * size_of::<Value>())?;
                    for (key, value) in one.entries() {
                        match two.get(&key) {
                            Some(other) => todo.push((value, other)),
                            None => return Ok(false),
                        }
                    }
                }
                same
            }
            (Value::Object(one), Value::Object(two)) => one.equals(&**two),
            (one, two) => scalars(one, two),
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Equality of values of one type that hold no others. Functions are never equal.
fn scalars(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Int(_, one), Value::Int(_, two)) => one == two,
        (Value::Uint(_, one), Value::Uint(_, two)) => one == two,
        (Value::Float(one), Value::Float(two)) => one == two,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::Str(one), Value::Str(two)) => one == two,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use go_template::Limits;

    use super::*;

    fn check(one: &Value, two: &Value) -> bool {
        equal(one, two, &Budget::untimed(Limits::default())).unwrap()
    }

    #[test]
    fn values_are_equal_only_under_the_same_types() {
        let list = |items: &[Value]| Value::list(items.to_vec());
        let one = Value::map([("a", list(&[Value::int(1), Value::Nil]))]);
        let two = Value::map([("a", list(&[Value::int(1), Value::Nil]))]);
        assert!(check(&one, &two));
        assert!(!check(&Value::int(1), &Value::int64(1)));
        assert!(!check(&Value::strings(["a"]), &list(&[Value::from("a")])));
        assert!(!check(&Value::zero(&Type::LIST), &list(&[])));
        assert!(!check(&Value::Float(f64::NAN), &Value::Float(f64::NAN)));
    }
}
