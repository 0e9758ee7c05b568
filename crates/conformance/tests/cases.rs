//! The suite's own data: every case has a rule, every rule a case, and what is wrong is told with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use edgewit_conformance::{Case, Exchange, LADDER, Layer, Rung, Selection, Suite, parse};

fn suite() -> Suite {
    Suite::embedded().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_case_pins_a_rule_and_every_rule_has_a_case() {
    let suite = suite();
    let cited: BTreeSet<&str> = suite.cases.iter().map(|case| case.rule.as_str()).collect();
    let rules: BTreeSet<&str> = suite.rules.keys().map(String::as_str).collect();
    let unknown: Vec<_> = cited.difference(&rules).collect();
    let unpinned: Vec<_> = rules.difference(&cited).collect();
    assert!(
        unknown.is_empty(),
        "cases cite {unknown:?}, which RULES.md lacks"
    );
    assert!(unpinned.is_empty(), "no case pins {unpinned:?} of RULES.md");
}

#[test]
fn no_two_cases_have_one_name_or_ask_the_same() {
    let suite = suite();
    let mut names = BTreeSet::new();
    let mut asked: BTreeMap<String, &str> = BTreeMap::new();
    for case in &suite.cases {
        assert!(
            names.insert(case.name()),
            "two cases are named {}",
            case.name()
        );
        // All that a case holds but its name and rule.
        let same = format!(
            "{:?}{:?}{:?}{:?}",
            case.app, case.stores, case.upstream, case.request
        );
        if let Some(other) = asked.insert(same, case.name()) {
            panic!("{} asks what {other} does", case.name());
        }
    }
}

/// What differs in strings alone is one case of several requests or steps.
#[test]
fn no_case_is_another_with_other_strings() {
    let suite = suite();
    let mut shapes: BTreeMap<String, &str> = BTreeMap::new();
    for case in suite.cases.iter().filter(|case| case.area() != "matrix") {
        if let Some(other) = shapes.insert(shape(case), case.name()) {
            panic!("{} is {other} with other strings", case.name());
        }
    }
}

/// What a case asks and expects without its strings: the rule, what is set up, what servers do, its requests.
fn shape(case: &Case) -> String {
    let servers = case.upstream.iter().map(|upstream| {
        let connections: Vec<_> = upstream.connections.iter().map(|it| verbs(it)).collect();
        (connections, upstream.saw.is_some())
    });
    let servers: Vec<_> = servers.collect();
    let requests: Vec<_> = case.request.iter().map(shape_of_request).collect();
    let granted: Vec<_> = case.app.keys().collect();
    let stores = (case.stores.len(), case.stores_after.len());
    let Case { rule, layer, .. } = case;
    format!("{rule} {layer:?} {granted:?} {stores:?} {servers:?} {requests:?}")
}

fn shape_of_request(exchange: &Exchange) -> String {
    // A handler by its name is a verb.
    let target: Vec<&str> = exchange.request.split(['/', '?']).collect();
    let asks = match target[..] {
        [method, "s", handler, ..] => (method, handler),
        _ => (target[0], ""),
    };
    let steps = exchange.steps.iter().map(|step| {
        let due = step.due.as_deref().unwrap_or_default();
        let count = if due.starts_with("err ") { 2 } else { 1 };
        let due: Vec<&str> = due.split(' ').take(count).collect();
        (step.verb(), step.line.split(' ').count(), due)
    });
    let steps: Vec<_> = steps.collect();
    let mut reply = exchange.reply.clone();
    reply.body = reply.body.map(|_| String::new());
    reply.fields.values_mut().flatten().for_each(String::clear);
    let client = exchange.client.as_deref().map(verbs);
    let injected: Vec<_> = exchange.inject.iter().map(|it| &it.call).collect();
    let (fields, sends) = (exchange.fields.len(), exchange.body.is_some());
    let looks = (exchange.log.is_some(), exchange.trace.is_some());
    format!("{asks:?} {fields} {sends} {steps:?} {reply:?} {client:?} {injected:?} {looks:?}")
}

fn verbs(lines: &[String]) -> Vec<&str> {
    let verbs = lines.iter().filter_map(|line| line.split(' ').next());
    verbs.collect()
}

#[test]
fn every_area_is_on_one_rung() {
    let suite = suite();
    let areas: BTreeSet<&str> = suite.cases.iter().map(|case| case.area()).collect();
    let climbed: Vec<&str> = LADDER.iter().flat_map(|rung| rung.areas).copied().collect();
    assert_eq!(climbed.len(), areas.len(), "{climbed:?}");
    assert_eq!(climbed.into_iter().collect::<BTreeSet<_>>(), areas);
}

#[test]
fn the_first_case_of_a_rung_takes_no_verb_of_a_later_one() {
    let suite = suite();
    let mut climbed = BTreeSet::from(["after"]);
    for rung in &LADDER {
        for heading in rung.headings {
            let headings = std::slice::from_ref(heading);
            let alone = Rung { headings, ..*rung };
            assert!(!alone.rows().is_empty(), "{heading}");
        }
        climbed.extend(rung.verbs());
        let first = suite.cases.iter().find(|case| case.name() == rung.first);
        let first = first.unwrap_or_else(|| panic!("no case {}", rung.first));
        assert_eq!(first.layer, Layer::Wit, "{}", rung.first);
        for step in first.request.iter().flat_map(|request| &request.steps) {
            let verb = step.line.split(' ').next().unwrap_or_default();
            assert!(climbed.contains(verb), "{}: {verb}", rung.first);
        }
    }
}

#[test]
fn every_file_of_cases_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/cases");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        count += parse(&text, &path)
            .unwrap_or_else(|error| panic!("{error}"))
            .len();
    }
    let suite = suite();
    let by_hand = suite.cases.iter().filter(|case| case.area() != "matrix");
    assert_eq!(count, by_hand.count());
}

#[test]
fn there_are_as_many_cases_as_the_readme_says() {
    let readme = include_str!("../../../README.md");
    let (before, _) = readme.split_once(" cases of how SDKs").unwrap();
    let said = before.rsplit("more than ").next().unwrap();
    assert!(suite().cases.len() > said.parse().unwrap(), "{said}");
}

#[test]
fn shards_are_all_cases_once() {
    let suite = suite();
    let shard = |part| {
        let selection = Selection {
            shard: (part, 3),
            ..Selection::default()
        };
        suite
            .select(&selection)
            .into_iter()
            .map(|case| case.name().to_owned())
            .collect::<Vec<_>>()
    };
    let mut names: Vec<String> = (1..=3).flat_map(shard).collect();
    names.sort();
    let mut all: Vec<String> = suite
        .cases
        .iter()
        .map(|case| case.name().to_owned())
        .collect();
    all.sort();
    assert_eq!(names, all);
}

/// In the file where it comes the second time, and none of that file is taken.
#[test]
fn two_cases_of_one_name_have_the_line_of_the_second() {
    let case = |name: &str| {
        format!("[[case]]\nname = \"{name}\"\nrule = \"r\"\nlayer = \"wit\"\nrequest = [{{}}]\n")
    };
    let mut suite = suite();
    suite.cases.clear();
    let both = [case("a/b"), case("a/c")].concat();
    suite.add(&both, Path::new("one.toml")).unwrap();
    for (text, line) in [
        ([case("a/d"), case("a/b")].concat(), 7),
        ([case("a/d"), case("a/d")].concat(), 7),
    ] {
        let error = suite.add(&text, Path::new("other.toml")).unwrap_err();
        let told = format!("other.toml:{line}: a case before it is named a/");
        assert!(error.to_string().starts_with(&told), "{error}");
        assert_eq!(suite.cases.len(), 2);
    }
}

#[test]
fn a_mistake_in_a_file_of_cases_has_its_line() {
    let injected = |call: &str, result: &str| {
        let inject = format!("{{ call = \"{call}\", result = {result} }}");
        let case = "\n[[case]]\nname = \"a/b\"\nrule = \"r\"\nlayer = \"wit\"\n";
        format!("{case}request = [{{ inject = [{inject}] }}]\n")
    };
    let head = "\n[[case]]\nname = \"a/b\"\nrule = \"r\"\nlayer = \"wit\"\n";
    for (text, told) in [
        (
            format!("{head}[[case.request]]\nsteps = [\n  \"req.method\",\n]\n"),
            "8: the step \"req.method\"",
        ),
        (format!("{head}colour = 1\n"), "6: unknown field `colour`"),
        (
            format!("{head}[[case.request]]\nsteps = 1\n"),
            "7: invalid type",
        ),
        (
            "[[case]]\nname = \"a\"\nrule = \"r\"\nlayer = \"wit\"\nrequest = [{}]\n".to_owned(),
            "2: the name \"a\"",
        ),
        (
            format!("{head}app = {{ fetch = [\"ftp://x\"] }}\nrequest = [{{}}]\n"),
            "6: app: ",
        ),
        (
            format!("{head}[case.app]\nfetsh = []\n[[case.request]]\n"),
            "6: app: unknown key `fetsh`",
        ),
        (
            format!("{head}[[case.request]]\nsteps = [\n  \"kv.open k s extra -> ok\",\n]\n"),
            "8: the step \"kv.open k s extra\"; `kv.open K STORE` is due",
        ),
        (
            format!("{head}stores = {{ s = {{ k = \"%z\" }} }}\nrequest = [{{}}]\n"),
            "3: \"%z\": two hexadecimal digits",
        ),
        (format!("{head}request = []\n"), "3: a/b: no request"),
        (
            format!("{head}[[case.request]]\nclient = [\"head\", \"wave\"]\n"),
            "7: the step \"wave\"; one of head, ",
        ),
        (
            format!(
                "{head}[[case.upstream]]\norigin = \"up\"\nconnections = []\n[[case.request]]\n"
            ),
            "7: the origin \"up\": an origin without a scheme",
        ),
        (
            format!(
                "{head}[[case.upstream]]\norigin = \"http://up\"\nconnections = [[\n  \"head\",\n  \"wave\",\n]]\n[[case.request]]\n"
            ),
            "10: the step \"wave\"; one of request, ",
        ),
        (
            format!(
                "{head}upstream = [{{ origin = \"http://up\", connections = [] }}, {{ origin = \"http://UP:80\", connections = [] }}]\nrequest = [{{}}]\n"
            ),
            "3: two servers stand for http://UP:80; one is due",
        ),
        (
            format!("{head}relaxed = [{{ what = \"order\", reason = \"\" }}]\nrequest = [{{}}]\n"),
            "3: order is relaxed without a reason; one is due",
        ),
        (
            format!(
                "{head}[[case.request]]\nclient = [\"head\", \"close\"]\nreply = {{ status = 201 }}\n"
            ),
            "3: a `reply` is due of a client that does not `read` it",
        ),
        (
            format!("{head}[[case.request]]\nclient = [\n  \"chunk %z\",\n]\n"),
            "8: \"%z\": two hexadecimal digits",
        ),
        (
            format!("{head}[[case.request]]\nreply = {{ body = \"%z\" }}\n"),
            "7: \"%z\": two hexadecimal digits",
        ),
        (
            format!("{head}[[case.request]]\nbody = \"*99999999999\"\n"),
            "7: \"*99999999999\": `*` and a number of at most ",
        ),
        (
            injected("kv.close", "\"ok\""),
            "6: the call \"kv.close\"; one of fetch.finish, ",
        ),
        (
            injected("store.get", "{ err = \"lost\" }"),
            "6: the result of store.get: \"lost\"; a case of the WIT is due",
        ),
        (
            injected("store.set", "{ ok = -1 }"),
            "6: the result of store.set: -1; a number that is not negative is due",
        ),
        (
            injected("kv.open", "{ ok = 1 }"),
            "6: the result of kv.open: a handle is the host's own",
        ),
        (
            injected("logging.log", "\"ok\""),
            "6: logging.log has no result",
        ),
        (
            format!("{head}[[case.request]]\nsteps = [\"kv.gett k a -> ok\"]\n"),
            "7: the verb \"kv.gett\", which CONTRACT.md does not have",
        ),
        (
            format!("{head}[[case.request]]\nclient = [\"head\", \"pass never\"]\n"),
            "3: the gate \"never\" is passed, and nobody opens it",
        ),
        (
            format!("{head}[[case.request]]\nfails = {{ crash = \"x\" }}\n"),
            "7: unknown variant `crash`",
        ),
        ("[[case]\n".to_owned(), "1: "),
    ] {
        let error = parse(&text, Path::new("mine.toml"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("mine.toml:{told}")),
            "{error}\n{text}"
        );
    }
}
