//! One step of a script, and the report that is due.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::ladder::{VERBS, takes};
use crate::words;

/// `VERB OPERANDS -> REPORT`.
///
/// In a report the word `?` is any but `~`, and a last `...` any number of words. The report `never` is due where a
/// step must not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the guest is sent.
    pub line: String,
    /// What it must say; none for a step that must not run.
    pub due: Option<String>,
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, str::parse)
    }
}

/// What a text stands for. An error has the place of the text: it is made where the text is met.
pub(crate) fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    struct Text<F>(F);
    impl<T, F: Fn(&str) -> Result<T, String>> de::Visitor<'_> for Text<F> {
        type Value = T;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(parse))
}

impl std::str::FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Where the later steps run is no step.
        if text == "after" {
            return Ok(Self {
                line: text.to_owned(),
                due: None,
            });
        }
        let Some((line, due)) = text.split_once(" -> ") else {
            return Err(format!(
                "the step {text:?}; `VERB OPERANDS -> REPORT` is due"
            ));
        };
        if line.is_empty()
            || !line
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
            || line.contains(',')
        {
            return Err(format!(
                "the step {line:?}; words in ASCII are due, percent-encoded, without commas"
            ));
        }
        let verb = line.split(' ').next().unwrap_or_default();
        let Some(step) = VERBS.get(verb) else {
            return Err(format!(
                "the verb {verb:?}, which CONTRACT.md does not have"
            ));
        };
        // A blank too many is an operand of nothing, which no guest can tell from a mistake.
        let operands = line.split(' ').skip(1);
        if !takes(step, operands.clone().count()) || operands.clone().any(str::is_empty) {
            return Err(format!("the step {line:?}; `{step}` is due"));
        }
        Ok(Self {
            line: line.to_owned(),
            due: (due != "never").then(|| due.to_owned()),
        })
    }
}

impl Step {
    /// Its first word.
    pub fn verb(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Whether the guest may not return from it.
    pub fn may_trap(&self) -> bool {
        TRAPS.contains(&self.verb())
    }

    /// Whether a guest's reply is then no longer its reports, or they are not all there yet.
    pub fn shapes_the_reply(&self) -> bool {
        self.line.starts_with("reply.") || self.line == "after" || self.may_trap()
    }
}

const TRAPS: [&str; 5] = ["panic", "abort", "spin", "grow", "recurse"];

/// Errors that a platform's own types may throw as their own (`CONTRACT.md`, last section).
const THROWN: [(&str, &str); 4] = [
    ("err invalid-name", "throw TypeError"),
    ("err invalid-value", "throw TypeError"),
    ("err invalid-request", "throw TypeError"),
    ("err invalid-status", "throw RangeError"),
];
const MAY_THROW: [&str; 7] = [
    "reply.field",
    "reply.set",
    "reply.status",
    "fetch.field",
    "fetch.get",
    "fetch.send",
    "fetch.stream",
];

/// Whether a step reported what a platform's own type throws in the place of the error that was due.
pub fn is_thrown(step: &Step, due: &str, report: &str) -> bool {
    MAY_THROW.contains(&step.verb()) && THROWN.contains(&(due, report))
}

/// Whether what a step reported is what was due.
pub fn matches(step: &Step, due: &str, report: &str) -> bool {
    if is_thrown(step, due, report) {
        return true;
    }
    let (mut due, mut met) = (due.split(' '), report.split(' '));
    loop {
        match (due.next(), met.next()) {
            (None, None) | (Some("..."), _) => return true,
            (Some("?"), Some(met)) if met != "~" => {}
            (Some(due), Some(met)) if due == met => {}
            _ => return false,
        }
    }
}

/// Steps that report fields of any name, and of one.
const OF_FIELDS: [&str; 3] = ["req.fields", "res.fields", "body.trailers"];
const OF_A_FIELD: [&str; 2] = ["req.field", "res.field"];

/// What a step reported, where it reports fields with those of one name joined: a platform's type may have them so.
pub fn joined(step: &Step, report: &str) -> String {
    let Some(values) = report.strip_prefix("ok ") else {
        return report.to_owned();
    };
    let mut words = values.split(' ').map(str::to_owned);
    let count = words.next().and_then(|count| count.parse::<usize>().ok());
    let words: Vec<String> = words.collect();
    let (size, fields) = match step.verb() {
        verb if OF_A_FIELD.contains(&verb) => {
            let name = step.line.rsplit(' ').next().unwrap_or_default();
            let values = words::joined(&name.to_lowercase(), &words);
            (1, values)
        }
        verb if OF_FIELDS.contains(&verb) => (2, by_name(&words)),
        _ => return report.to_owned(),
    };
    // What has another form is compared as it is.
    if count.map(|count| count * size) != Some(words.len()) {
        return report.to_owned();
    }
    let shown = fields.iter().map(|field| format!(" {field}"));
    format!("ok {}{}", fields.len(), shown.collect::<String>())
}

/// Of names and values in turn, each name with its value or, where they stay apart, each of its values.
fn by_name(words: &[String]) -> Vec<String> {
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for field in words.chunks_exact(2) {
        fields.entry(&field[0]).or_default().push(field[1].clone());
    }
    let shown = fields.iter().flat_map(|(name, values)| {
        let values = words::joined(name, values).into_iter();
        values.map(move |value| format!("{name} {value}"))
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ladder::CONTRACT;

    #[test]
    fn reports_are_compared_by_words() {
        let step: Step = "kv.get s a -> ok ~".parse().unwrap();
        assert!(matches(&step, "ok ~", "ok ~"));
        assert!(!matches(&step, "ok ~", "ok -"));
        assert!(matches(&step, "ok ? b", "ok a b"));
        assert!(!matches(&step, "ok ?", "ok"));
        assert!(!matches(&step, "ok ?", "ok ~"));
        assert!(!matches(&step, "ok ?", "ok a b"));
        assert!(matches(&step, "ok ...", "ok"));
        assert!(!matches(&step, "err invalid-name", "throw TypeError"));
        let step: Step = "reply.field a%20b c -> err invalid-name".parse().unwrap();
        assert!(matches(&step, "err invalid-name", "throw TypeError"));
        assert!(!matches(&step, "err invalid-name", "throw RangeError"));
    }

    #[test]
    fn fields_of_one_name_are_joined_in_their_order() {
        let is = |line: &str, report: &str, due: &str| {
            let step: Step = format!("{line} -> {due}").parse().unwrap();
            assert_eq!(joined(&step, report), due, "{line}");
        };
        is("req.field A", "ok 2 1 2", "ok 1 1%2C%202");
        is("req.field A", "ok 1 1%2C%202", "ok 1 1%2C%202");
        is("req.field A", "ok 1 -", "ok 1 -");
        is("req.field A", "ok 0", "ok 0");
        is("res.field s Set-Cookie", "ok 2 1 2", "ok 2 1 2");
        is("req.fields", "ok 3 a 1 a 2 b 3", "ok 2 a 1%2C%202 b 3");
        is(
            "body.trailers s",
            "ok 2 set-cookie 1 set-cookie 2",
            "ok 2 set-cookie 1 set-cookie 2",
        );
        // What is no report of so many fields stays as it is.
        for other in ["ok 3 1 2", "ok ?", "ok ~", "ok", "err consumed"] {
            is("req.field A", other, other);
        }
        is("req.fields", "ok 2 a 1 a", "ok 2 a 1 a");
        is("kv.get-many k a b", "ok 2 1 2", "ok 2 1 2");
    }

    #[test]
    fn what_may_throw_is_what_the_contract_says() {
        let (_, section) = CONTRACT.rsplit_once("\n## ").unwrap();
        let marked: BTreeSet<&str> = section.split('`').skip(1).step_by(2).collect();
        let verbs = marked.iter().filter(|it| VERBS.contains_key(**it)).copied();
        assert_eq!(verbs.collect::<BTreeSet<_>>(), BTreeSet::from(MAY_THROW));
        for (due, thrown) in THROWN {
            assert!(marked.contains(due) && marked.contains(thrown), "{due}");
        }
    }

    #[test]
    fn a_step_has_the_operands_that_the_contract_gives_its_verb() {
        for good in [
            "req.method",
            "kv.get k a",
            "kv.get-many k",
            "kv.get-many k a b",
            "log info text",
            "log info text a 1 b 2",
            "kv.exists k a",
        ] {
            assert!(format!("{good} -> ok").parse::<Step>().is_ok(), "{good}");
        }
        for (bad, due) in [
            ("req.method a", "req.method"),
            ("kv.get k", "kv.get K KEY"),
            ("kv.open k s extra", "kv.open K STORE"),
            ("kv.get  k", "kv.get K KEY"),
            ("kv.get-many", "kv.get-many K KEY …"),
            ("log info text a", "log LEVEL TEXT NAME VALUE …"),
            ("log info", "log LEVEL TEXT NAME VALUE …"),
        ] {
            let error = format!("{bad} -> ok").parse::<Step>().unwrap_err();
            assert_eq!(error, format!("the step {bad:?}; `{due}` is due"));
        }
    }

    #[test]
    fn a_step_without_a_report_is_refused() {
        for bad in ["kv.get s a", "a,b -> ok", " -> ok", "é -> ok"] {
            assert!(bad.parse::<Step>().is_err(), "{bad}");
        }
        assert_eq!("drop a -> never".parse::<Step>().unwrap().due, None);
    }
}
