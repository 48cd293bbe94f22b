//! The five forms that an encrypted file can have.

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML, one document or several.
    Yaml,
    /// A JSON object.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// INI sections.
    Ini,
    /// Any bytes, in a JSON envelope while encrypted.
    Binary,
}

impl Format {
    /// The form that a file's name asks for.
    ///
    /// Source: sops v3.13 `cmd/sops/formats/formats.go`; kustomize-controller v1.9 `formatForPath`.
    #[must_use]
    pub fn for_path(path: &str) -> Self {
        if path.ends_with(".dockerconfigjson") {
            return Self::Json;
        }
        let endings = [
            (".yaml", Self::Yaml),
            (".yml", Self::Yaml),
            (".json", Self::Json),
            (".env", Self::Dotenv),
            (".ini", Self::Ini),
        ];
        let found = endings.into_iter().find(|(end, _)| path.ends_with(end));
        found.map_or(Self::Binary, |(_, format)| format)
    }

    /// The form of an encrypted text, told by what only encrypted texts hold; `None` if it is not encrypted.
    ///
    /// Source: kustomize-controller v1.9 `detectFormatFromMarkerBytes`.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        let candidates = [Self::Json, Self::Dotenv, Self::Ini, Self::Yaml];
        candidates.into_iter().find(|format| format.marks(bytes))
    }

    /// Whether a text holds what marks this form as encrypted.
    #[must_use]
    pub fn marks(self, bytes: &[u8]) -> bool {
        let marker: &[u8] = match self {
            Self::Binary | Self::Json => b"\"mac\": \"ENC[",
            Self::Dotenv => b"sops_mac=ENC[",
            Self::Ini => b"[sops]",
            Self::Yaml => b"mac: ENC[",
        };
        bytes.windows(marker.len()).any(|window| window == marker)
    }

    /// The name that messages use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Dotenv => "dotenv",
            Self::Ini => "INI",
            Self::Binary => "binary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_form() {
        for (path, format) in [
            ("a.yaml", Format::Yaml),
            ("dir/a.yml", Format::Yaml),
            ("a.json", Format::Json),
            (".dockerconfigjson", Format::Json),
            (".env", Format::Dotenv),
            ("a.ini", Format::Ini),
            ("a.txt", Format::Binary),
            ("", Format::Binary),
        ] {
            assert_eq!(Format::for_path(path), format, "{path}");
        }
    }

    #[test]
    fn the_marker_tells_what_is_encrypted() {
        assert_eq!(Format::detect(b"\"mac\": \"ENC[x"), Some(Format::Json));
        assert_eq!(Format::detect(b"    mac: ENC[x"), Some(Format::Yaml));
        assert_eq!(Format::detect(b"sops_mac=ENC[x"), Some(Format::Dotenv));
        assert_eq!(Format::detect(b"[sops]\nmac = ENC[x"), Some(Format::Ini));
        assert_eq!(Format::detect(b"mac: plain"), None);
    }
}
