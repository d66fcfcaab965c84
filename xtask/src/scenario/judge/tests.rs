use super::*;

/// A spec from its text.
fn spec(text: &str) -> Spec {
    toml::from_str(text).unwrap()
}

/// Judges a run that printed `output` and ended by `end`.
fn judged(text: &str, end: End, output: &str) -> Outcome {
    judge(&spec(text), Finish::Ended(end), &Transcript::read(output.as_bytes()))
}

/// The first problem of a run that must have failed.
fn problem(text: &str, end: End, output: &str) -> String {
    match judged(text, end, output) {
        Outcome::Failed(problems) => problems.join("; "),
        other => panic!("{text} with {output:?}: {other:?}"),
    }
}

#[test]
fn what_was_wanted_passes() {
    assert_eq!(judged("", End::Poweroff, "hello\nscenario: pass 1\n"), Outcome::Passed);
    assert_eq!(
        judged("verdict = \"none\"\nend = \"crash\"", End::Crash, "hello\n"),
        Outcome::Passed
    );
    assert_eq!(
        judged("verdict = \"none\"\nend = \"timeout\"", End::Timeout, "hello\n"),
        Outcome::Passed
    );
}

#[test]
fn a_run_that_says_nothing_fails() {
    assert!(problem("", End::Poweroff, "").contains("reported nothing, not pass"));
}

#[test]
fn a_pass_without_checks_fails() {
    assert!(problem("", End::Poweroff, "scenario: pass 0").contains("ran 0 checks"));
    assert!(problem("min_checks = 5", End::Poweroff, "scenario: pass 4").contains("not 5 or more"));
    assert_eq!(judged("min_checks = 5", End::Poweroff, "scenario: pass 5"), Outcome::Passed);
}

#[test]
fn a_scenario_that_must_fail_passes_only_by_failing() {
    let text = "verdict = \"fail\"";
    let output = "check failed: 1 is 2\nscenario: fail 1\n";
    assert_eq!(judged(text, End::Poweroff, output), Outcome::Passed);
    assert!(problem(text, End::Poweroff, "scenario: pass 1").contains("reported pass, not fail"));
    assert!(problem("", End::Poweroff, output).contains("reported fail, not pass"));
}

#[test]
fn a_pass_after_a_failed_check_is_not_believed() {
    let output = "check failed: 1 is 2\nscenario: pass 3\n";
    assert!(problem("", End::Poweroff, output).contains("1 checks failed"));
}

#[test]
fn every_other_end_than_the_wanted_one_fails() {
    for end in [End::Reboot, End::Crash, End::Panic, End::BootError, End::Timeout, End::NoVerdict] {
        let problem = problem("", end, "scenario: pass 1");
        assert!(problem.contains(&format!("ended by {}, not by poweroff", end.word())));
    }
    assert!(problem("end = \"crash\"", End::Poweroff, "scenario: pass 1").contains("not by crash"));
}

#[test]
fn any_of_the_named_ends_will_do() {
    let text = "verdict = \"none\"\nend = \"crash\"\nor_end = [\"watchdog\"]";
    for end in [End::Crash, End::Watchdog] {
        assert_eq!(judged(text, end, ""), Outcome::Passed);
    }
    for end in [End::Poweroff, End::Panic, End::Timeout, End::NoVerdict] {
        assert!(problem(text, end, "").contains("not by crash"));
    }
}

#[test]
fn a_machine_that_stays_fails() {
    let transcript = Transcript::read(b"scenario: pass 1");
    let outcome = judge(&spec(""), Finish::Stuck(End::Poweroff), &transcript);
    assert!(matches!(outcome, Outcome::Failed(problems) if problems[0].contains("stayed")));
    let outcome = judge(&spec(""), Finish::Interrupted(2), &transcript);
    assert!(matches!(outcome, Outcome::Failed(problems) if problems[0].contains("signal 2")));
}

#[test]
fn a_skip_counts_as_one_only_where_a_pass_was_wanted() {
    assert_eq!(judged("console = [\"x\"]", End::Poweroff, "scenario: skip 0"), Outcome::Skipped);
    assert!(problem("", End::Crash, "scenario: skip 0").contains("ended by crash"));
    let crashed = problem("end = \"crash\"", End::Crash, "scenario: skip 0");
    assert!(crashed.contains("did not power off"), "{crashed}");
    assert_eq!(judged("verdict = \"skip\"", End::Poweroff, "scenario: skip 0"), Outcome::Passed);
    assert!(problem("verdict = \"fail\"", End::Poweroff, "scenario: skip 0").contains("not fail"));
    let output = "check failed: x\nscenario: skip 1";
    assert!(problem("", End::Poweroff, output).contains("reported skip, not pass"));
}

#[test]
fn two_reports_or_words_after_the_report_fail() {
    let twice = "scenario: pass 1\nscenario: pass 1\n";
    assert!(problem("", End::Poweroff, twice).contains("reported 2 times"));
    let worse = "scenario: pass 1\nscenario: error 1\n";
    assert!(problem("", End::Poweroff, worse).contains("reported error, not pass"));
    let more = "scenario: pass 1\nmore\n";
    assert!(problem("", End::Poweroff, more).contains("went on after its report"));
    assert!(problem("", End::Poweroff, "scenario: ok 1").contains("cannot be understood"));
}

#[test]
fn lines_must_appear_in_their_order_and_their_stream() {
    let text = "console = [\"one\", \"two\"]";
    assert_eq!(judged(text, End::Poweroff, "one\ntwo\nscenario: pass 1"), Outcome::Passed);
    let swapped = problem(text, End::Poweroff, "two\none\nscenario: pass 1");
    assert!(swapped.contains("never said in its place: two"), "{swapped}");
    let logged = problem(text, End::Poweroff, "(XL) one\n(XL) two\nscenario: pass 1");
    assert!(logged.contains("console never said: one"), "{logged}");
    let log = "log = [\"one\"]";
    assert_eq!(judged(log, End::Poweroff, "(XL) one\nscenario: pass 1"), Outcome::Passed);
    assert!(problem(log, End::Poweroff, "one\nscenario: pass 1").contains("log never said: one"));
}

#[test]
fn what_must_be_absent_is_looked_for_everywhere() {
    let text = "absent = [\"bad\"]";
    assert_eq!(judged(text, End::Poweroff, "good\nscenario: pass 1"), Outcome::Passed);
    for output in ["bad\nscenario: pass 1", "(XL) bad\nscenario: pass 1"] {
        assert!(problem(text, End::Poweroff, output).contains("must not appear"));
    }
}
