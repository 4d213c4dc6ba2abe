//! Every bad trace: exit code 2 and one message with file, line, column, what was found and what was expected.

mod common;

use common::{Folder, HEADER, evenkeel, fed};

/// Runs both commands that read traces; both must complain alike. Returns the message after the file's name.
#[track_caller]
fn complaint(test: &str, content: impl AsRef<[u8]>) -> String {
    let folder = Folder::new(&format!("bad_trace_{test}"));
    let trace = folder.file("t.csv", content);
    let policy = common::of_repository("docs/policies/http-client.toml");
    let first = evenkeel(["percentiles", &trace, "--window", "10"]);
    let second = evenkeel(["replay", &trace, "--policy", &policy, "--per-key"]);
    assert_eq!(first.stderr, second.stderr);
    let text = first.complaint();
    text.strip_prefix(trace.as_str())
        .expect("it starts with the file")
        .to_owned()
}

fn rows(rows: &str) -> String {
    format!("{HEADER}\n{rows}")
}

const NUMBER: &str = "expected a whole number of nanoseconds from 0 to 18446744073709551615";

#[test]
fn a_quote_left_open_does_not_take_in_the_rest_of_the_file() {
    let rest = "2,a,1,ok\n".repeat(300_000);
    let said = complaint("quote", rows(&format!("1,\"a,1,ok\n{rest}")));
    assert!(
        said.starts_with(":2:1: found a row of more than 1048576 bytes"),
        "{said}"
    );
    assert!(said.ends_with("is a quote left open?"), "{said}");
}

#[test]
fn a_missing_column_is_named_with_what_was_found() {
    assert_eq!(
        complaint("column", "t_ns,key,latency,outcome\n0,a,1,ok\n"),
        ":1:1: the column latency_ns is missing: found the header \"t_ns,key,latency,outcome\", expected the \
         columns t_ns,key,latency_ns,outcome in any order: rename \"latency\" to latency_ns"
    );
    assert!(complaint("headless", "0,a,1,ok\n").ends_with(
        ": the first line must name the columns; docs/tutorial.md makes a trace from a log"
    ));
    assert_eq!(
        complaint("twice", "t_ns,key,key,latency_ns,outcome\n0,a,b,1,ok\n"),
        ":1:1: found the column key twice, expected it once: rename one of them"
    );
}

#[test]
fn time_that_goes_back_is_refused() {
    assert_eq!(
        complaint("time", rows("0,a,1,ok\n10,a,1,ok\n10,b,1,ok\n9,a,1,ok\n")),
        ":5:1: time goes back: found t_ns 9, expected at least 10 as in the row before: sort the trace by t_ns"
    );
}

#[test]
fn numbers_must_be_whole_and_fit() {
    let cases = [
        ("negative", "-5", "-5", ": it cannot be negative"),
        ("fraction", "1.5", "1.5", ""),
        ("plus", "+1", "+1", ""),
        ("blank", " 1", " 1", ""),
        ("missing", "", "", ": the field is empty"),
        (
            "large",
            "18446744073709551616",
            "18446744073709551616",
            ": it is too large",
        ),
        (
            "larger",
            "99999999999999999999999",
            "99999999999999999999999",
            ": it is too large",
        ),
    ];
    for (name, field, found, fix) in cases {
        assert_eq!(
            complaint(name, rows(&format!("0,a,1,ok\n10,bé,{field},ok\n"))),
            format!(":3:7: found \"{found}\" as latency_ns, {NUMBER}{fix}")
        );
    }
    assert_eq!(
        complaint("t_ns", rows("x,a,1,ok\n")),
        format!(":2:1: found \"x\" as t_ns, {NUMBER}")
    );
}

#[test]
fn the_largest_numbers_are_read() {
    let folder = Folder::new("largest");
    let trace = folder.trace("t.csv", "18446744073709551615,a,18446744073709551615,ok");
    let out = evenkeel(["percentiles", &trace, "--window", "1"]).table();
    assert!(out.contains("\n1,1,18446744073709551615,"), "{out}");
}

#[test]
fn a_half_written_last_line_is_told_apart() {
    const CUT: &str =
        ". The file ends in the middle of this line: it was cut off while being written";
    let cases = [
        (
            "cut_1",
            "10,a",
            ":3:1: found 2 fields, expected 4 as in the header: complete the row or delete it",
        ),
        (
            "cut_2",
            "10,a,",
            ":3:1: found 3 fields, expected 4 as in the header: complete the row or delete it",
        ),
        (
            "cut_3",
            "10,a,7,err",
            ":3:8: found \"err\" as outcome, expected ok, error or timeout",
        ),
        (
            "cut_4",
            "10,a,7,",
            ":3:8: found \"\" as outcome, expected ok, error or timeout",
        ),
    ];
    for (name, last, text) in cases {
        assert_eq!(
            complaint(name, rows(&format!("0,a,1,ok\n{last}"))),
            format!("{text}{CUT}")
        );
        // With a line end, or with another line after it, it was not cut off.
        assert_eq!(complaint(name, rows(&format!("0,a,1,ok\n{last}\n"))), text);
        assert_eq!(
            complaint(name, rows(&format!("0,a,1,ok\n{last}\n11,a,1,ok"))),
            text
        );
    }
    // A whole last row without a line end is a row.
    let folder = Folder::new("no_line_end");
    let trace = folder.file("t.csv", rows("0,a,1,ok\n10,a,7,ok"));
    let out = evenkeel(["percentiles", &trace, "--window", "10"]).table();
    assert!(out.ends_with("\n2,2,1,7,7,7,0,0.000000000\n"), "{out}");
}

#[test]
fn rows_of_another_width_are_refused() {
    assert_eq!(
        complaint("wide", rows("0,a,1,ok\n1,a,1,ok,x\n")),
        ":3:1: found 5 fields, expected 4 as in the header: a field with a comma in it needs quotes"
    );
}

#[test]
fn outcomes_and_keys_are_checked() {
    assert_eq!(
        complaint("outcome", rows("0,a,1,OK\n")),
        ":2:7: found \"OK\" as outcome, expected ok, error or timeout"
    );
    assert_eq!(
        complaint("quoted", rows("0,\"a,b\",1,ok\n1,\"a,b\",1,meh\n")),
        ":3:11: found \"meh\" as outcome, expected ok, error or timeout"
    );
    assert_eq!(
        complaint("key", rows("0,,1,ok\n")),
        ":2:3: found an empty key, expected a name: give calls without one a key such as \"none\""
    );
    assert_eq!(
        complaint("utf8", b"t_ns,key,latency_ns,outcome\n0,a\xffb,1,ok\n"),
        ":2:3: found \"a\u{fffd}b\" as key, which is not UTF-8, expected UTF-8 text: convert the file"
    );
}

#[test]
fn an_empty_trace_is_said_to_be_empty() {
    assert_eq!(
        complaint("empty", ""),
        ":1:1: found an empty file, expected the header t_ns,key,latency_ns,outcome and at least one row"
    );
    let no_row = ":2:1: found no row after the header, expected at least one: an empty trace has nothing to show";
    assert_eq!(complaint("header", rows("")), no_row);
    assert_eq!(complaint("header_cut", HEADER), no_row);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    assert!(
        complaint(
            "crlf",
            "t_ns,key,latency_ns,outcome\r\n0,a,1,ok\r\n1,a,-1,ok\r\n"
        )
        .starts_with(":3:5: ")
    );
    assert!(complaint("blank_lines", rows("\n\n0,a,1,ok\n\n1,a,-1,ok\n")).starts_with(":6:5: "));
    assert!(complaint("line_in_key", rows("0,\"a\nb\",1,ok\n1,a,-1,ok\n")).starts_with(":4:5: "));
}

#[test]
fn line_ends_of_an_old_mac_are_line_ends() {
    let folder = Folder::new("carriage_return");
    let text = rows("0,a,1,ok\n1,a,-1,ok\n2,a,3,ok\n").replace('\n', "\r");
    let trace = folder.file("t.csv", &text);
    let run = evenkeel(["percentiles", &trace, "--window", "10"]);
    let place = format!("{trace}:3:5: found \"-1\"");
    assert!(run.complaint().starts_with(&place), "{}", run.stderr);
    assert!(run.stderr.contains("\n 3 | 1,a,-1,ok\n"), "{}", run.stderr);
    for ends in ["\r", "\r\n", "\n"] {
        let piped = text.replace('\r', ends);
        let run = fed(["percentiles", "-", "--window", "10"], piped.as_bytes());
        assert!(
            run.complaint().starts_with("stdin:3:5: "),
            "{ends:?}: {}",
            run.stderr
        );
    }
    let said = complaint("cr_at_the_end", rows("0,a,1\n").replace('\n', "\r"));
    assert!(said.ends_with("complete the row or delete it"), "{said}");
}

#[test]
fn the_line_is_shown_with_carets_under_the_field() {
    let folder = Folder::new("carets");
    let trace = folder.trace("t.csv", "0,a,1,ok 10,a,-57,ok");
    let run = evenkeel(["percentiles", &trace, "--window", "10"]);
    let lines: Vec<&str> = run.stderr.lines().skip(1).collect();
    assert_eq!(lines, ["   |", " 3 | 10,a,-57,ok", "   |      ^^^"]);
}

#[test]
fn columns_may_stand_in_any_order_among_others() {
    let folder = Folder::new("order");
    let header = "\u{feff}outcome,host,latency_ns,key,t_ns\r\n";
    let trace = folder.file(
        "t.csv",
        format!("{header}ok,h1,5,a,0\r\nerror,h2,7,b,3\r\n"),
    );
    let out = evenkeel(["percentiles", &trace, "--window", "10"]).table();
    assert!(out.ends_with("\n2,2,5,7,7,7,1,0.500000000\n"), "{out}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::new("unreadable");
    let missing = folder.path("no-such.csv");
    let run = evenkeel(["percentiles", &missing, "--window", "10"]);
    assert!(
        run.complaint()
            .starts_with(&format!("{missing}: cannot be opened: No such file"))
    );
    let run = evenkeel(["percentiles", &folder.path(""), "--window", "10"]);
    assert!(run.complaint().contains("cannot be read"), "{}", run.stderr);
}

#[test]
fn a_pipe_is_called_stdin() {
    let run = fed(
        ["percentiles", "-", "--window", "10"],
        rows("0,a,-1,ok\n").as_bytes(),
    );
    assert_eq!(
        run.complaint(),
        format!("stdin:2:5: found \"-1\" as latency_ns, {NUMBER}: it cannot be negative")
    );
}
