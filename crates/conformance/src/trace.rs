//! The lines of traces, and how those that were met are held against those that are due.

use crate::judge::expected;

/// Stands where the handler has ended: the host has its reply, or has failed it.
pub(crate) const REPLY: &str = "reply";

/// The line of a handle that the guest dropped.
pub(crate) fn drop_of(resource: &str, number: usize) -> String {
    format!("drop({resource} #{number})")
}

pub(crate) fn is_reply(line: &str) -> bool {
    line == REPLY
}

pub(crate) fn is_drop(line: &str) -> bool {
    line.starts_with("drop(")
}

/// Whether a line holds the handle of this number.
pub(crate) fn shows(line: &str, number: usize) -> bool {
    let handle = format!("#{number}");
    let is_whole = |(at, _): (usize, &str)| {
        let behind = line[at + handle.len()..].bytes().next();
        !behind.is_some_and(|byte| byte.is_ascii_digit())
    };
    line.match_indices(&handle).any(is_whole)
}

/// Whether the host refused the call, as an SDK may do by itself.
pub(crate) fn is_refused(line: &str) -> bool {
    let result = line.rsplit_once(") -> ");
    result.is_some_and(|(_, result)| result.starts_with("err(invalid-"))
}

/// The lines that a case looks at: those of these kinds only where it names one of the kind.
pub(crate) fn looked_at(due: &[String], met: &[String]) -> Vec<String> {
    let kinds: [fn(&str) -> bool; 3] = [is_reply, is_drop, is_refused];
    let is_named = |is: &fn(&str) -> bool| due.iter().any(|line| is(line));
    let left_out: Vec<_> = kinds.into_iter().filter(|it| !is_named(it)).collect();
    let kept = met
        .iter()
        .filter(|line| !left_out.iter().any(|is| is(line)));
    kept.cloned().collect()
}

/// Where lines differ from those due, whose first or last may stand for any others: with the same arguments
/// no call of those due comes again.
pub(crate) fn differs(due: &[String], met: &[String]) -> Option<String> {
    let met = &looked_at(due, met)[..];
    let any = |line: Option<&String>| line.is_some_and(|line| line == "...");
    let (before, after) = (any(due.first()), any(due.last()));
    let due = &due[usize::from(before)..due.len() - usize::from(after)];
    if !before && !after {
        return difference(due, met, is)
            .map(|(at, due, met)| expected(&format!("call {at}"), due, met));
    }
    let last = met.len().saturating_sub(due.len());
    let mut starts = (0..=last).filter(|at| (before || *at == 0) && (after || *at == last));
    let begins = |met: &[String]| {
        let pairs = due.iter().zip(met);
        met.len() >= due.len() && pairs.into_iter().all(|(due, met)| is(due, met))
    };
    let Some(at) = starts.find(|at| begins(&met[*at..])) else {
        let due = format!("{due:?} among them");
        return Some(expected("the calls", due, format!("{met:?}")));
    };
    let others = met[..at].iter().chain(&met[at + due.len()..]);
    let is_due = |met: &&String| due.iter().any(|due| is(asked(due), asked(met)));
    let again = others.into_iter().find(is_due)?;
    Some(expected(
        "the calls",
        format!("{due:?} once"),
        format!("`{again}` as well"),
    ))
}

/// Whether a line is the one that is due, in which `...` stands for any text.
fn is(due: &str, met: &str) -> bool {
    match due.split_once("...") {
        Some((start, end)) => {
            let rest = met.strip_prefix(start);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
        None => due == met,
    }
}

/// A line without what came of the call.
pub(crate) fn asked(line: &str) -> &str {
    let end = line.find(") -> ").or(line.find(") moves "));
    &line[..end.unwrap_or(line.len())]
}

/// Where two lists of lines differ first: which it is, from 1, the one that is due, and the one that was met.
pub(crate) fn first_difference(due: &[String], met: &[String]) -> Option<Difference> {
    difference(due, met, |due, met| due == met)
}

type Difference = (usize, String, String);

fn difference(
    due: &[String],
    met: &[String],
    is: impl Fn(&str, &str) -> bool,
) -> Option<Difference> {
    let shown = |line: Option<&String>| match line {
        Some(line) => format!("`{line}`"),
        None => "nothing more".to_owned(),
    };
    let is_due =
        |at: usize| matches!((due.get(at), met.get(at)), (Some(due), Some(met)) if is(due, met));
    let at = (0..due.len().max(met.len())).find(|at| !is_due(*at))?;
    Some((at + 1, shown(due.get(at)), shown(met.get(at))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_call_that_is_due_among_others_comes_once() {
        let due = lines(&["...", "store.set(#1, \"a\") -> ok(7)", "..."]);
        let (open, set) = ("kv.open(\"s\") -> ok(#1)", "store.set(#1, \"a\") -> ok(7)");
        let get = "store.get(#1, \"a\") -> ok(none)";
        assert_eq!(differs(&due, &lines(&[open, set, get])), None);
        for doubled in [
            &[open, set, set][..],
            // What is injected is for the first call alone.
            &[open, set, "store.set(#1, \"a\") -> ok(8)", get],
            &[open, "store.set(#1, \"a\") -> err(denied)", get, set],
        ] {
            let told = differs(&due, &lines(doubled)).unwrap_or_default();
            assert!(told.contains("once, got `store.set"), "{told}");
        }
        let told = differs(&due, &lines(&[open, get])).unwrap_or_default();
        assert!(told.contains("among them"), "{told}");
    }

    #[test]
    fn within_a_line_that_is_due_some_may_be_any_text() {
        let send = "fetch.send({method: \"GET\", uri: \"a\"}, {}) -> ok(#1)";
        let due = |line: &str| differs(&lines(&[line]), &lines(&[send]));
        assert_eq!(due("fetch.send({method: \"GET\"...) -> ok(#1)"), None);
        assert!(due("fetch.send({method: \"PUT\"...) -> ok(#1)").is_some());
        assert!(due("fetch.send({method: \"GET\"...) -> ok(#2)").is_some());
        let again = "fetch.send({method: \"GET\", uri: \"a\"}, {}) -> ok(#2)";
        let due = lines(&["fetch.send({method: \"GET\"...) -> ok(#1)", "..."]);
        assert!(differs(&due, &lines(&[send, again])).is_some());
        assert_eq!(
            differs(&due, &lines(&[send, "fetch.wait(#1) -> err(dns)"])),
            None
        );
    }

    #[test]
    fn the_reply_drops_and_refused_calls_are_looked_at_where_a_case_names_one() {
        let (get, refused) = (
            "store.get(#1, \"a\") -> ok(none)",
            "store.get(#1, \"\") -> err(invalid-key)",
        );
        let met = lines(&[get, refused, "reply", "drop(store #1)"]);
        assert_eq!(differs(&lines(&[get]), &met), None);
        assert_eq!(differs(&lines(&[get, "reply"]), &met), None);
        assert_eq!(differs(&lines(&[get, "drop(store #1)"]), &met), None);
        for wrong in [["reply", get], ["drop(store #1)", get], [refused, get]] {
            assert!(differs(&lines(&wrong), &met).is_some(), "{wrong:?}");
        }
        // A call that is made again though it was refused.
        let again = lines(&[refused, refused, get]);
        assert!(differs(&lines(&[refused, "..."]), &again).is_some());
    }
}
