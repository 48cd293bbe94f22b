//! What a caller gives to templates: functions, and objects with fields and methods.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::{Call, Failure, Str, Type, Value};

/// What a function takes and returns, as Go's reflection would tell.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The parameters. The last one of a variadic function is the type of each further argument.
    pub params: &'static [Type],
    /// Whether the last parameter may be there any number of times.
    pub variadic: bool,
    /// The type of the result.
    pub result: &'static Type,
    /// The whole type as Go prints it; only needed where the function itself is a value.
    pub text: &'static str,
}

impl Signature {
    /// A fixed number of parameters.
    pub const fn new(params: &'static [Type], result: &'static Type) -> Self {
        Self {
            params,
            variadic: false,
            result,
            text: "func()",
        }
    }

    /// The last parameter any number of times.
    pub const fn variadic(params: &'static [Type], result: &'static Type) -> Self {
        Self {
            params,
            variadic: true,
            result,
            text: "func()",
        }
    }
}

/// A function that templates can call. It may hold state.
pub trait Function: Send + Sync {
    /// What it takes and returns. The executor checks and converts arguments by it.
    fn signature(&self) -> Signature;

    /// The result. Arguments are of the types of the signature; `Any` may be [`Value::Nil`].
    ///
    /// # Errors
    /// A [`Failure`], which ends the execution: `error calling NAME: …`.
    fn call(&self, call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure>;
}

impl fmt::Debug for dyn Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}

/// A function made of a closure.
pub struct Closure<F> {
    signature: Signature,
    body: F,
}

impl<F> Closure<F>
where
    F: Fn(&mut Call<'_>, &[Value]) -> Result<Value, Failure> + Send + Sync + 'static,
{
    /// Wraps a closure; as a method it holds its receiver.
    pub fn shared(signature: Signature, body: F) -> Arc<dyn Function> {
        Arc::new(Self { signature, body })
    }
}

impl<F> Function for Closure<F>
where
    F: Fn(&mut Call<'_>, &[Value]) -> Result<Value, Failure> + Send + Sync,
{
    fn signature(&self) -> Signature {
        self.signature
    }

    fn call(&self, call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
        (self.body)(call, args)
    }
}

/// Functions by name. They come before the builtins of the same name.
#[derive(Clone, Default)]
pub struct Functions(HashMap<Box<str>, Arc<dyn Function>>);

impl Functions {
    /// No functions but the builtins.
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self(HashMap::with_capacity(count))
    }

    /// Adds or replaces a function.
    pub fn insert(&mut self, name: &str, function: Arc<dyn Function>) {
        self.0.insert(name.into(), function);
    }

    /// Adds a closure.
    pub fn add<F>(&mut self, name: &str, signature: Signature, body: F)
    where
        F: Fn(&mut Call<'_>, &[Value]) -> Result<Value, Failure> + Send + Sync + 'static,
    {
        self.insert(name, Closure::shared(signature, body));
    }

    /// The function of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Function>> {
        self.0.get(name)
    }

    /// Whether a text may use the name: a function of ours or a builtin.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name) || crate::builtin::Builtin::of(name).is_some()
    }

    /// All names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|it| &**it)
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A field of a struct: its value and the type it is declared with.
pub struct Field {
    /// The value.
    pub value: Value,
    /// Whether it is declared as an interface.
    pub interface: bool,
}

/// A struct, or a pointer to one.
pub trait Object: Send + Sync + fmt::Debug {
    /// The type: [`Type::Named`] over [`Type::Struct`], or a pointer to one.
    fn ty(&self) -> &'static Type;

    /// An exported field.
    fn field(&self, _name: &str) -> Option<Field> {
        None
    }

    /// The fields in order, as `%v` prints them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The fields that other packages see: their names begin with a capital.
    fn exported(&self) -> Vec<(&'static str, Value)> {
        let mut fields = self.fields();
        fields.retain(|(name, _)| name.starts_with(char::is_uppercase));
        fields
    }

    /// The fields as `encoding/json` names them, without those that it leaves out.
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.exported()
    }

    /// The text that stands for it in JSON, YAML and TOML, if it is written as one.
    fn marshal(&self) -> Option<Result<Str, Failure>> {
        None
    }

    /// A method, bound to the object.
    fn method(&self, _name: &str) -> Option<Arc<dyn Function>> {
        None
    }

    /// What `String()` or `Error()` returns, if there is one.
    fn text(&self) -> Option<Str> {
        None
    }

    /// The same for a struct whose pointer has the method: an action that prints a field finds it, `%v` of a
    /// copy does not.
    fn text_by_address(&self) -> Option<Str> {
        self.text()
    }

    /// Whether it is a nil pointer.
    fn is_nil(&self) -> bool {
        false
    }

    /// Whether it counts as true.
    fn truth(&self) -> bool {
        !self.is_nil()
    }

    /// Whether both are equal, for objects of one type.
    fn equals(&self, _other: &dyn Object) -> bool {
        false
    }

    /// For functions that know the type behind the trait.
    fn as_any(&self) -> &dyn Any;
}
