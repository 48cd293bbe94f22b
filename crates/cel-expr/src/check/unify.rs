//! Which types may stand for which, and what the type variables of signatures are.
//!
//! Source: cel-go v0.26 `checker/types.go`

use crate::declare::Overload;
use crate::types::Type;

/// Steps that the types of one expression may take; types that double with every macro end here.
const STEPS: usize = 1_000_000;

/// A signature with type variables of its own.
pub(super) struct Fresh {
    pub(super) args: Vec<Type>,
    pub(super) result: Type,
}

/// The type variables and what they stand for.
#[derive(Default)]
pub(super) struct Solver {
    bound: Vec<Option<Type>>,
    /// What was bound before, to take a try back.
    trail: Vec<(usize, Option<Type>)>,
    steps: usize,
}

impl Solver {
    /// Whether the types were too large; then nothing that is said of them counts.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps > STEPS
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        !self.is_exhausted()
    }

    pub(super) fn variable(&mut self) -> Type {
        self.bound.push(None);
        Type::Var(self.bound.len() - 1)
    }

    pub(super) fn instantiate(&mut self, overload: &Overload) -> Fresh {
        let fresh: Vec<(char, Type)> = overload
            .params
            .iter()
            .map(|param| (*param, self.variable()))
            .collect();
        Fresh {
            args: overload.args.iter().map(|of| filled(of, &fresh)).collect(),
            result: filled(&overload.result, &fresh),
        }
    }

    /// Whether a value of `from` may be where `to` is wanted; binds variables if so, nothing otherwise.
    pub(super) fn assign(&mut self, from: &Type, to: &Type) -> bool {
        self.assign_all(std::slice::from_ref(from), std::slice::from_ref(to))
    }

    /// The same for lists of types, all or none.
    pub(super) fn assign_all(&mut self, from: &[Type], to: &[Type]) -> bool {
        self.trail.clear();
        let fits = from.len() == to.len()
            && from
                .iter()
                .zip(to)
                .all(|(from, to)| self.assignable(from, to));
        if !fits {
            while let Some((variable, before)) = self.trail.pop() {
                self.bound[variable] = before;
            }
        }
        fits
    }

    fn bind(&mut self, variable: usize, to: Type) {
        let before = self.bound[variable].replace(to);
        self.trail.push((variable, before));
    }

    fn assignable(&mut self, from: &Type, to: &Type) -> bool {
        if !self.step() {
            return true;
        }
        if let Type::Var(variable) = to {
            let (valid, bound) = self.substitutes(from, *variable);
            if valid {
                return true;
            }
            if bound {
                return false;
            }
        }
        if let Type::Var(variable) = from {
            return self.substitutes(to, *variable).0;
        }
        if from.is_dyn_or_error() || to.is_dyn_or_error() {
            return true;
        }
        match (from, to) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::Kind(_), Type::Kind(_)) => true,
            (Type::List(from), Type::List(to)) | (Type::Optional(from), Type::Optional(to)) => {
                self.assignable(from, to)
            }
            (Type::Map(from), Type::Map(to)) => {
                self.assignable(&from.0, &to.0) && self.assignable(&from.1, &to.1)
            }
            (from, to) => from == to,
        }
    }

    /// Whether the variable can be `found`, and whether it already stood for something.
    fn substitutes(&mut self, found: &Type, variable: usize) -> (bool, bool) {
        if *found == Type::Var(variable) {
            return (true, true);
        }
        if let Some(bound) = self.bound[variable].clone() {
            if bound == *found {
                return (true, true);
            }
            if !self.assignable(found, &bound) {
                return (false, true);
            }
            let general = most_general(found.clone(), bound);
            if !self.occurs(variable, &general) {
                self.bind(variable, general);
            }
            return (true, true);
        }
        if self.occurs(variable, found) {
            return (false, false);
        }
        self.bind(variable, found.clone());
        (true, false)
    }

    fn occurs(&mut self, variable: usize, within: &Type) -> bool {
        if !self.step() {
            return false;
        }
        match within {
            Type::Var(other) if *other == variable => true,
            Type::Var(other) => match self.bound[*other].clone() {
                Some(bound) => self.occurs(variable, &bound),
                None => false,
            },
            Type::List(of) | Type::Optional(of) | Type::Kind(Some(of)) => self.occurs(variable, of),
            Type::Map(of) => self.occurs(variable, &of.0) || self.occurs(variable, &of.1),
            _ => false,
        }
    }

    /// The type with its variables replaced; those that stand for nothing become dyn if wanted.
    pub(super) fn resolve(&mut self, found: &Type, to_dyn: bool) -> Type {
        if !self.step() {
            return Type::Dyn;
        }
        match found {
            Type::Var(variable) => match self.bound[*variable].clone() {
                Some(bound) => self.resolve(&bound, to_dyn),
                None if to_dyn => Type::Dyn,
                None => found.clone(),
            },
            Type::List(of) => Type::list(self.resolve(of, to_dyn)),
            Type::Optional(of) => Type::optional(self.resolve(of, to_dyn)),
            Type::Kind(Some(of)) => Type::Kind(Some(self.resolve(of, to_dyn).into())),
            Type::Map(of) => {
                let key = self.resolve(&of.0, to_dyn);
                Type::map(key, self.resolve(&of.1, to_dyn))
            }
            other => other.clone(),
        }
    }
}

fn is_nullable(of: &Type) -> bool {
    matches!(
        of,
        Type::Null | Type::Optional(_) | Type::Duration | Type::Timestamp
    )
}

/// The more general of two types that fit each other.
pub(super) fn most_general(a: Type, b: Type) -> Type {
    if is_less_specific(&a, &b) { a } else { b }
}

fn is_less_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Var(_), _) => true,
        (_, Type::Dyn | Type::Var(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            is_less_specific(a, b)
        }
        (Type::Map(a), Type::Map(b)) => {
            is_less_specific(&a.0, &b.0) && is_less_specific(&a.1, &b.1)
        }
        (Type::Kind(_), Type::Kind(_)) => true,
        (a, b) => a == b,
    }
}

fn filled(of: &Type, fresh: &[(char, Type)]) -> Type {
    match of {
        Type::Param(name) => {
            let found = fresh.iter().find(|(param, _)| param == name);
            found.map_or(Type::Dyn, |(_, variable)| variable.clone())
        }
        Type::List(of) => Type::list(filled(of, fresh)),
        Type::Optional(of) => Type::optional(filled(of, fresh)),
        Type::Kind(Some(of)) => Type::Kind(Some(filled(of, fresh).into())),
        Type::Map(of) => Type::map(filled(&of.0, fresh), filled(&of.1, fresh)),
        other => other.clone(),
    }
}
