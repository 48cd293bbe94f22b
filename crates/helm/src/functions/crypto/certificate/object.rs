//! `sprig.certificate`: a certificate and its key.

use std::any::Any;
use std::sync::Arc;

use go_template::{Field, Methods, Named, Object, Type, Value};

/// Its type.
pub(super) const CERTIFICATE: Type = Type::Named(&NAMED);

static NAMED: Named = Named {
    name: "sprig.certificate",
    under: Type::Struct,
    methods: Methods::NONE,
};
static TYPE: Type = CERTIFICATE;

/// A certificate and its key, both in PEM. The key is not printed for debugging.
pub(super) struct Certificate {
    certificate: Value,
    key: Value,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

impl Certificate {
    pub(super) fn value(certificate: String, key: String) -> Value {
        Value::Object(Arc::new(Self {
            certificate: certificate.into(),
            key: key.into(),
        }))
    }

    /// Certificate and key of a value.
    pub(super) fn parts(value: &Value) -> (String, String) {
        let Value::Object(object) = value else {
            return Default::default();
        };
        let text = |it: &Value| it.as_str().map(ToString::to_string).unwrap_or_default();
        let it = object.as_any().downcast_ref::<Self>();
        it.map(|it| (text(&it.certificate), text(&it.key)))
            .unwrap_or_default()
    }
}

impl Object for Certificate {
    fn ty(&self) -> &'static Type {
        &TYPE
    }

    fn field(&self, name: &str) -> Option<Field> {
        let value = match name {
            "Cert" => &self.certificate,
            "Key" => &self.key,
            _ => return None,
        };
        Some(Field {
            value: value.clone(),
            interface: false,
        })
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", self.certificate.clone()),
            ("Key", self.key.clone()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
