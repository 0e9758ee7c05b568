//! Components of one run held against each other: the calls that they make, the replies that come of them, and the
//! handles that they drop.

use std::collections::{BTreeSet, HashMap};

use crate::case::Case;
use crate::expect::{Drops, Expect, Relax};
use crate::record::Record;
use crate::run::Outcome;
use crate::trace::{asked, first_difference, is_drop, is_refused};

/// The share of the suite's cases that may be relaxed, as one in so many.
const RELAXED_MAX: usize = 20;

/// What came of one case on one component.
pub(crate) struct Asked<'a> {
    pub(crate) case: &'a Case,
    pub(crate) subject: &'a str,
    pub(crate) expect: &'a Expect,
    pub(crate) outcome: Outcome,
}

/// A comparison that was made less strict than it is by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relaxed {
    /// The case.
    pub case: String,
    /// The component whose `expect.toml` says so; none where the case does.
    pub subject: Option<String>,
    /// In what.
    pub what: Relax,
    /// Why.
    pub reason: String,
}

/// What differs between components that passed the same case, and what was let through.
pub(crate) fn compare(asked: &[Asked<'_>]) -> (Vec<String>, Vec<Relaxed>) {
    let mut by_case: HashMap<&str, Vec<&Asked<'_>>> = HashMap::new();
    let mut order = Vec::new();
    let passed = |one: &&Asked<'_>| one.outcome.problems.is_empty() && !one.outcome.prevented;
    for one in asked.iter().filter(passed) {
        let of_case = by_case.entry(one.case.name()).or_default();
        if of_case.is_empty() {
            order.push(one.case.name());
        }
        of_case.push(one);
    }
    let (mut problems, mut relaxed) = (Vec::new(), Vec::new());
    for case in order {
        let passed = &by_case[case];
        let [reference, others @ ..] = &passed[..] else {
            continue;
        };
        if others.is_empty() {
            continue;
        }
        let relaxations = relaxations(passed);
        for other in others {
            let what = relaxations
                .iter()
                .filter(|it| {
                    // Either side may have brought it.
                    let pair = [reference.subject, other.subject];
                    it.subject
                        .as_deref()
                        .is_none_or(|subject| pair.contains(&subject))
                })
                .map(|it| it.what)
                .max();
            problems.extend(differences(reference, other, what));
        }
        problems.extend(needless(&relaxations, reference, others));
        relaxed.extend(relaxations);
    }
    (problems, relaxed)
}

/// Held against the whole suite, whatever of it is run.
pub(crate) fn too_many_relaxed(expects: &[&Expect], suite: &[Case]) -> Option<String> {
    let by_cases = suite.iter().filter(|case| !case.relaxed.is_empty());
    let listed = expects.iter().flat_map(|expect| &expect.relaxed);
    let relaxed: BTreeSet<&str> = by_cases
        .map(Case::name)
        .chain(listed.map(|relaxed| &*relaxed.case))
        .collect();
    let (relaxed, all) = (relaxed.len(), suite.len());
    let most = all / RELAXED_MAX;
    (relaxed > most).then(|| {
        format!("{relaxed} of {all} cases are relaxed; one in {RELAXED_MAX}, {most}, may be")
    })
}

/// What the case itself lets through, and what its components' `expect.toml` do.
fn relaxations(passed: &[&Asked<'_>]) -> Vec<Relaxed> {
    let case = passed[0].case;
    let of_case = case.relaxed.iter().map(|relaxed| Relaxed {
        case: case.name().to_owned(),
        subject: None,
        what: relaxed.what,
        reason: relaxed.reason.clone(),
    });
    let of_subjects = passed.iter().flat_map(|one| {
        let of_it = one.expect.relaxed.iter();
        let of_it = of_it.filter(|relaxed| relaxed.case == case.name());
        of_it.map(|relaxed| Relaxed {
            case: case.name().to_owned(),
            subject: Some(one.subject.to_owned()),
            what: relaxed.what,
            reason: relaxed.reason.clone(),
        })
    });
    of_case.chain(of_subjects).collect()
}

/// Relaxations without which nothing differs.
fn needless(relaxed: &[Relaxed], reference: &Asked<'_>, others: &[&Asked<'_>]) -> Vec<String> {
    let differs = |other: &Asked<'_>| !differences(reference, other, None).is_empty();
    let needless = relaxed.iter().filter(|it| match &it.subject {
        // The first is what others are held against.
        Some(subject) if *subject == reference.subject => !others.iter().any(|it| differs(it)),
        Some(subject) => !others
            .iter()
            .any(|other| other.subject == subject && differs(other)),
        None => !others.iter().any(|it| differs(it)),
    });
    let said = needless.map(|it| {
        let who = it.subject.as_deref().unwrap_or("the case");
        format!("{}: relaxed by {who}, and nothing differs without", it.case)
    });
    said.collect()
}

fn differences(one: &Asked<'_>, other: &Asked<'_>, relaxed: Option<Relax>) -> Vec<String> {
    let mut problems = Vec::new();
    let requests = one.outcome.records.iter().zip(&other.outcome.records);
    for (request, (first, second)) in requests.enumerate() {
        let mut differ = |what: String| {
            let (case, request) = (one.case.name(), request + 1);
            problems.push(format!("{case}, request {request}: {what}"));
        };
        let (name, reference) = (other.subject, one.subject);
        for (what, is_free, lines) in COMPARED {
            let (due, met) = (lines(first), lines(second));
            let difference = match relaxed {
                // An error is a report of the one, and a failed handler of the other.
                _ if !is_free && first.late != second.late => None,
                Some(Relax::Calls) if is_free => None,
                Some(Relax::Order) if is_free => {
                    first_difference(&unordered(&due), &unordered(&met))
                }
                _ => first_difference(&due, &met),
            };
            if let Some((at, due, met)) = difference {
                differ(format!(
                    "{what} {at} of {name} is {met}, and {due} is that of {reference}"
                ));
            }
        }
        let (dropped, due) = (drops(second), drops(first));
        if tells_drops(one) && tells_drops(other) && dropped != due {
            differ(format!(
                "{name} drops {dropped:?}; {reference} drops {due:?}"
            ));
        }
    }
    problems
}

/// Whether its handles go while the request is there: those that go with the instance are not seen to go.
fn tells_drops(asked: &Asked<'_>) -> bool {
    asked.expect.drops != Drops::Deferred
}

/// The handles that a request dropped, whenever it did.
fn drops(record: &Record) -> Vec<&String> {
    let dropped = record.trace.iter().filter(|line| is_drop(line));
    let mut drops: Vec<&String> = dropped.collect();
    drops.sort();
    drops
}

/// What is compared line by line: what a line is called, whether it is of the calls or the log and not of the reply,
/// and the lines.
type Compared = (&'static str, bool, fn(&Record) -> Vec<String>);

const COMPARED: [Compared; 4] = [
    ("line of the reply", false, |record| record.reply.clone()),
    ("hint of the reply", false, |record| record.hints.clone()),
    ("call", true, calls),
    ("event in the log", true, logged),
];

/// The calls of a request, without those that another SDK refuses by itself. Where a panic was, each language says in
/// its own words.
fn calls(record: &Record) -> Vec<String> {
    let calls = record.trace.iter();
    let calls = calls.filter(|line| !is_drop(line) && !is_refused(line));
    let shown = calls.map(|line| match asked(line).split_once('(') {
        Some(("logging.abort", _)) => "logging.abort".to_owned(),
        _ => line.clone(),
    });
    shown.collect()
}

/// The events of a request. The target, fields and order of one beside the script's are its language's own, as is what
/// it says of its end.
fn logged(record: &Record) -> Vec<String> {
    let event = |line: &String| {
        let mut words = line.split(' ');
        let (level, target, text) = (words.next()?, words.next()?, words.next()?);
        Some(match target {
            GUEST => line.clone(),
            _ => format!("{level} {text}"),
        })
    };
    if record.trapped {
        return Vec::new();
    }
    record.log.iter().filter_map(event).collect()
}

/// The target of what the verb `log` writes.
const GUEST: &str = "guest";

/// Calls without their order, and without the numbers of handles, which follow from it.
fn unordered(trace: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = trace.iter().map(|line| without_numbers(line)).collect();
    lines.sort();
    lines
}

fn without_numbers(line: &str) -> String {
    let mut parts = line.split('#');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "#" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    /// A case, and components that made these calls and dropped these handles in it.
    fn problems(relaxed: &str, told: &[(&str, &str, &[&str], &[&str])]) -> (Vec<String>, usize) {
        let text = format!(
            "[[case]]\nname = \"a/b\"\nrule = \"r\"\nlayer = \"wit\"\nrequest = [{{}}]\n{relaxed}"
        );
        let cases = parse(&text, std::path::Path::new("cases.toml")).unwrap();
        let expects: Vec<Expect> = told
            .iter()
            .map(|(_, expect, ..)| {
                toml::from_str(&format!("language = \"x\"\nlayers = []\n{expect}")).unwrap()
            })
            .collect();
        let asked: Vec<Asked<'_>> = told
            .iter()
            .zip(&expects)
            .map(|((subject, _, trace, drops), expect)| Asked {
                case: &cases[0],
                subject,
                expect,
                outcome: Outcome {
                    records: vec![Record {
                        trace: lines(&[*trace, *drops].concat()),
                        ..Record::default()
                    }],
                    ..Outcome::default()
                },
            })
            .collect();
        let (problems, relaxed) = compare(&asked);
        (problems, relaxed.len())
    }

    /// What is told of two components, the second with another record than the first.
    fn told_of(one: Record, other: Record) -> Vec<String> {
        let text = "[[case]]\nname = \"a/b\"\nrule = \"r\"\nlayer = \"wit\"\nrequest = [{}]\n";
        let cases = parse(text, std::path::Path::new("cases.toml")).unwrap();
        let expect = Expect::default();
        let asked = [("one", one), ("two", other)].map(|(subject, record)| Asked {
            case: &cases[0],
            subject,
            expect: &expect,
            outcome: Outcome {
                records: vec![record],
                ..Outcome::default()
            },
        });
        compare(&asked).0
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn replies_hints_and_events_are_compared() {
        let reply = |of: &[&str]| Record {
            reply: lines(of),
            ..Record::default()
        };
        let hints = |of: &[&str]| Record {
            hints: lines(of),
            ..Record::default()
        };
        let log = |of: &[&str]| Record {
            log: lines(of),
            ..Record::default()
        };
        let one = ["200", "x: 1", "x: 2", "= a", "+ t: 1"];
        assert!(told_of(reply(&one), reply(&one)).is_empty());
        // Another order of one name's values, a value, a trailer.
        for other in [
            ["200", "x: 2", "x: 1", "= a", "+ t: 1"],
            ["200", "x: 1", "x: 3", "= a", "+ t: 1"],
            ["200", "x: 1", "x: 2", "= a", "+ t: 2"],
        ] {
            let told = told_of(reply(&one), reply(&other));
            assert!(
                told[0].contains("request 1: line of the reply "),
                "{told:?}"
            );
        }
        assert!(!told_of(hints(&["a 1"]), hints(&[])).is_empty());
        assert!(!told_of(log(&["info guest a x 1"]), log(&["info guest a"])).is_empty());
        assert!(!told_of(log(&["info log a"]), log(&["warn log a"])).is_empty());
        // The target and fields of a language's own logger.
        assert!(told_of(log(&["info log a"]), log(&["info print a x 1"])).is_empty());
    }

    #[test]
    fn an_error_that_one_lets_through_is_compared_in_calls_alone() {
        let record = |reply: &str, calls: &[&str], late: bool| Record {
            reply: lines(&[reply]),
            trace: lines(calls),
            late,
            ..Record::default()
        };
        let (one, other) = (
            record("200", &["a"], false),
            record("500, empty", &["a"], true),
        );
        assert!(told_of(one.clone(), other.clone()).is_empty());
        assert!(!told_of(one.clone(), record("500, empty", &["b"], true)).is_empty());
        assert!(!told_of(one, record("500, empty", &["a"], false)).is_empty());
        assert!(!told_of(other, record("503", &["a"], true)).is_empty());
    }

    #[test]
    fn what_an_sdk_refuses_by_itself_and_the_words_of_a_panic_are_its_own() {
        let trace = |calls: &[&str]| Record {
            trace: lines(calls),
            ..Record::default()
        };
        let (abort, refused) = (
            "logging.abort(\"x\") -> trap",
            "kv.open(\"\") -> err(invalid-key)",
        );
        let other = "logging.abort(\"panicked: x\") -> trap";
        assert!(told_of(trace(&[refused, abort]), trace(&[other])).is_empty());
        assert!(!told_of(trace(&[abort]), trace(&[])).is_empty());
        // Before the handler has ended, or after.
        assert!(!told_of(trace(&["a", "reply"]), trace(&["reply", "a"])).is_empty());
    }

    #[test]
    fn one_case_in_twenty_of_the_whole_suite_may_be_relaxed() {
        let case = |at: usize, relaxed: &str| {
            format!(
                "[[case]]\nname = 'a/b{at}'\nrule = 'r'\nlayer = 'wit'\nrequest = [{{}}]\n{relaxed}\n"
            )
        };
        let by_case = "relaxed = [{ what = 'order', reason = 'r' }]";
        let text: String = (0..39)
            .map(|at| case(at, if at == 0 { by_case } else { "" }))
            .collect();
        let suite = parse(&text, std::path::Path::new("cases.toml")).unwrap();
        let expect = |case: &str| -> Expect {
            let relaxed = format!("[[relaxed]]\ncase = '{case}'\nwhat = 'order'\nreason = 'r'");
            toml::from_str(&format!("language = 'x'\nlayers = []\n{SCOPE}\n{relaxed}")).unwrap()
        };
        // The same case, and another.
        assert_eq!(too_many_relaxed(&[&expect("a/b0")], &suite), None);
        let told = too_many_relaxed(&[&expect("a/b0"), &expect("a/b1")], &suite);
        assert_eq!(
            told.unwrap(),
            "2 of 39 cases are relaxed; one in 20, 1, may be"
        );
    }

    const SCOPE: &str = "drops = \"scope\"";
    const ORDER: &str =
        "drops = \"scope\"\n[[relaxed]]\ncase = \"a/b\"\nwhat = \"order\"\nreason = \"r\"";

    #[test]
    fn the_first_difference_is_told_from_both_sides() {
        let told = [
            ("one", SCOPE, &["a", "b"][..], &[][..]),
            ("two", SCOPE, &["a", "c"], &[]),
        ];
        let said = "a/b, request 1: call 2 of two is `c`, and `b` is that of one";
        assert_eq!(problems("", &told).0, [said]);
    }

    #[test]
    fn an_order_may_be_relaxed_by_a_language_or_a_case_and_only_where_it_has_to_be() {
        let (one, other) = (["a(#1)", "b(#2)"], ["b(#1)", "a(#2)"]);
        let strict = [
            ("one", SCOPE, &one[..], &[][..]),
            ("two", SCOPE, &other[..], &[]),
        ];
        assert_eq!(problems("", &strict).0.len(), 1);
        let relaxed = [strict[0], ("two", ORDER, &other[..], &[])];
        assert_eq!(problems("", &relaxed), (Vec::new(), 1));
        let by_the_first = [("one", ORDER, &one[..], &[][..]), strict[1]];
        assert_eq!(problems("", &by_the_first), (Vec::new(), 1));
        let by_case = "relaxed = [{ what = \"order\", reason = \"r\" }]";
        assert_eq!(problems(by_case, &strict), (Vec::new(), 1));
        let needless = [strict[0], ("two", ORDER, &one[..], &[])];
        let said = "a/b: relaxed by two, and nothing differs without";
        assert_eq!(problems("", &needless).0, [said]);
        let other_calls = [strict[0], ("two", ORDER, &["a(#1)", "c(#2)"][..], &[])];
        assert_eq!(problems("", &other_calls).0.len(), 1);
    }

    #[test]
    fn drops_are_compared_where_they_are_told() {
        let (one, other) = (["drop(store #1)"], []);
        let told = [
            ("one", SCOPE, &[][..], &one[..]),
            ("two", SCOPE, &[], &other[..]),
        ];
        assert_eq!(problems("", &told).0.len(), 1);
        let deferred = "drops = \"deferred\"";
        let told = [told[0], ("two", deferred, &[], &other[..])];
        assert!(problems("", &told).0.is_empty());
    }
}
