//! Spanish or English for the human lines, chosen as gettext programs choose.

use clap::ValueEnum;

/// The language of the human lines on standard output. Help, logs and errors are English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Spanish, the source language.
    #[value(name = "es")]
    Spanish,
    /// English, the translation.
    #[value(name = "en")]
    English,
}

impl Language {
    /// The language that the environment asks for: the first of `LC_ALL`, `LC_MESSAGES` and `LANG`
    /// that is set and not empty decides (locale(7)). One that begins with `en` is English, any
    /// other, or none, is Spanish.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(lookup)
            .find(|locale| !locale.is_empty())
            .unwrap_or_default();
        if locale.starts_with("en") {
            Self::English
        } else {
            Self::Spanish
        }
    }

    /// Chooses between the two wordings of one text.
    pub fn choose<T>(self, spanish: T, english: T) -> T {
        match self {
            Self::Spanish => spanish,
            Self::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, Spanish};

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let table = [
            ("", Spanish),
            ("LANG=C", Spanish),
            ("LANG=en_US.UTF-8", English),
            ("LANG=en_US.UTF-8 LC_ALL=es_ES.UTF-8", Spanish),
            ("LANG=es_ES LC_MESSAGES=en_GB", English),
            ("LANG=en_US LC_ALL=", English),
            ("LC_ALL=C LANG=en_US", Spanish),
        ];
        for (variables, expected) in table {
            let lookup = |name: &str| {
                let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                let found = pairs.find(|(key, _)| *key == name);
                found.map(|(_, value)| value.to_owned())
            };
            assert_eq!(Language::from_variables(lookup), expected, "{variables}");
        }
    }
}
