//! The report of `evenkeel simulate`: one file that needs nothing else, with curves, distributions, sweeps, sides.

mod common;

use common::page::needs_nothing_else;
use common::{Folder, evenkeel};

/// The report of a simulation with these arguments.
fn report(test: &str, args: &[&str]) -> String {
    let folder = Folder::new(test);
    let path = folder.path("report.html");
    let text = evenkeel(["simulate", "--report", &path].iter().chain(args)).good();
    assert!(text.ends_with(&format!("\nReport: {path}\n")), "{text}");
    let page = folder.read("report.html");
    needs_nothing_else(&page);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
    page
}

/// The part of a page between a heading and the next.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("<h2>{heading}</h2>"))
        .expect(heading);
    rest.split("<h2>").next().unwrap_or(rest)
}

#[test]
fn one_scenario_has_curves_distributions_and_parameters() {
    let args = ["congestive-collapse", "--set", "load=ramp", "--runs", "6"];
    let page = report("report_one", &args);
    let curves = section(&page, "Over time");
    for class in ["goodput", "load", "arrivals", "given-up", "level"] {
        assert!(
            curves.contains(&format!("<path class=\"curve {class}\"")),
            "{class}"
        );
    }
    for name in ["a second", "in flight"] {
        assert!(curves.contains(&format!(">{name}</text>")), "{name}");
    }
    // What happens at an instant is said when hovered: one stretch after the other, to the end of the 80 s.
    let hovered = curves.matches("<g class=\"cell\"><title>").count();
    assert!((100..=121).contains(&hovered), "{hovered}");
    assert!(curves.contains(" to 80.000 s\narrivals: "));
    let spread = section(&page, "Over the runs");
    assert!(spread.contains("<title>6 runs from "), "all runs collapse");
    assert!(spread.contains("<title>mean 1, 99 % confidence "));
    assert!(page.contains("collapsed in 6 of 6 runs."));
    let params = section(&page, "Parameters");
    let row = "<tr><th scope=\"row\">load</th><td class=\"changed\">ramp</td><td>spike</td>";
    assert!(params.contains(row), "{params}");
    let again = section(&page, "The same again");
    assert!(again.contains("evenkeel simulate congestive-collapse --set load=ramp --runs 6</pre>"));
}

#[test]
fn threads_change_no_byte_of_it() {
    let args = [
        "contending-writers",
        "--set",
        "clients=8",
        "--runs",
        "9",
        "--threads",
    ];
    let [one, three] = ["1", "3"].map(|threads| {
        report(
            &format!("report_threads{threads}"),
            &[&args[..], &[threads]].concat(),
        )
    });
    assert_eq!(one, three);
}

/// Numbers lie where they belong on the axis, each mean has its interval, each combination of the rest a line.
#[test]
fn a_sweep_is_drawn_over_its_first_parameter() {
    let page = report(
        "report_sweep",
        &[
            "contending-writers",
            "--runs",
            "4",
            "--sweep",
            "clients=2,4,10",
            "--sweep",
            "algorithm=none,full",
        ],
    );
    let trend = section(&page, "Over clients");
    for (class, count) in [
        ("trend s0", 4),
        ("trend s1", 4),
        ("point f0", 9),
        ("point f1", 9),
        ("interval s1", 9),
    ] {
        // Three metrics; the legend has one of each line.
        let found = trend.matches(&format!("<path class=\"{class}\"")).count();
        assert_eq!(found, count, "{class}");
    }
    assert!(trend.contains("<title>clients=4 algorithm=full\nmean "));
    // The ticks of the first panel: 4 lies a quarter of the way from 2 to 10.
    let place = |value: &str| {
        let end = format!(">{value}</text>");
        let line = trend
            .lines()
            .find(|line| line.contains("tick middle") && line.ends_with(&end));
        let x = line
            .and_then(|line| line.split("x=\"").nth(1))
            .expect(value);
        x.split('"')
            .next()
            .and_then(|x| x.parse::<f64>().ok())
            .expect("a number")
    };
    let [two, four, ten] = ["2", "4", "10"].map(place);
    assert!(
        ((four - two) / (ten - two) - 0.25).abs() < 0.01,
        "{two} {four} {ten}"
    );
    assert_eq!(
        section(&page, "Metrics")
            .matches("<tr><th scope=\"row\">")
            .count(),
        6
    );
    let params = section(&page, "Parameters");
    assert!(
        params.contains("<td class=\"changed\">2, 4, 10</td>"),
        "{params}"
    );
    // Six are few enough to be drawn over time, beside each other.
    assert_eq!(
        section(&page, "Over time")
            .matches("<text class=\"side\"")
            .count(),
        6
    );
}

#[test]
fn what_is_too_much_to_draw_is_in_the_table() {
    let many = "clients=2,3,4,5,6,7,8,9,10,11";
    let page = report(
        "report_many",
        &["contending-writers", "--runs", "2", "--sweep", many],
    );
    assert!(section(&page, "Over time").contains("at most 6"));
    assert!(section(&page, "Over the runs").contains("at most 8"));
    assert_eq!(
        section(&page, "Metrics")
            .matches("<tr><th scope=\"row\">")
            .count(),
        10
    );
}

/// Two sides with curves on the same axes.
#[test]
fn a_comparison_is_drawn_side_by_side() {
    let folder = Folder::new("report_compare_files");
    let side = |name: &str, client: &str| {
        let text = format!("scenario = \"congestive-collapse\"\n[params]\nclient = \"{client}\"\n");
        folder.file(name, text)
    };
    let before = side("before.toml", "no-backoff");
    let after = side("after&.toml", "backoff-and-jitter");
    let page = report(
        "report_compare",
        &["--runs", "4", "--compare", &before, &after],
    );
    let curves = section(&page, "Over time");
    assert_eq!(curves.matches("<text class=\"side\"").count(), 2);
    assert_eq!(
        curves.matches("<path class=\"curve goodput\"").count(),
        3,
        "two sides, and the legend"
    );
    // Each level of the rates is labelled on both sides: they have one scale.
    assert!(curves.matches(">100</text>").count() >= 2, "{curves}");
    let params = section(&page, "Parameters");
    assert!(params.contains(
        "<td>no-backoff</td><td class=\"changed\">backoff-and-jitter</td><td>no-backoff</td>"
    ));
    assert!(page.contains("after&amp;.toml") && !page.contains("after&.toml"));
}

/// Sides of different scenarios have the panels that are theirs, each with its own time.
#[test]
fn a_side_has_no_panel_of_the_other() {
    let sides = [
        "--runs",
        "1",
        "--compare",
        "contending-writers",
        "reconnect-herd",
    ];
    let page = report(
        "report_compare_others",
        &[&sides[..], &["--set", "clients=50"]].concat(),
    );
    let curves = section(&page, "Over time");
    let panels = |name: &str| curves.matches(&format!("\">{name}</text>")).count();
    assert_eq!(curves.matches("<text class=\"side\"").count(), 2);
    assert_eq!((panels("a second"), panels("up")), (2, 1), "{curves}");
    let drawn = curves.matches("<path class=\"curve level\"").count();
    let levels = curves.matches("<path class=\"level-area\"").count();
    // The levels of reconnect-herd, and "in flight" of the writers.
    assert_eq!((drawn, levels), (3, 3), "{curves}");
    // The last stretch that can be hovered reaches the right edge on both sides.
    let edges: Vec<f64> = curves
        .lines()
        .filter_map(|line| line.split("class=\"hit\" x=\"").nth(1))
        .map(|rest| {
            let numbers: Vec<f64> = rest
                .split('"')
                .step_by(2)
                .filter_map(|number| number.parse().ok())
                .collect();
            numbers[0] + numbers[2]
        })
        .collect();
    for edge in [486.0, 986.0] {
        assert!(
            edges.iter().any(|x| (x - edge).abs() < 5.0),
            "{edge}: {edges:?}"
        );
    }
}

/// Also of one scenario: without breakers there is none in any phase.
#[test]
fn a_side_without_breakers_has_no_phases() {
    let small = ["rate=40", "capacity=50", "seconds=45"].map(|set| ["--set", set]);
    let swept = ["metastable", "--sweep", "breaker=false,true", "--runs", "1"];
    let page = report(
        "report_phases",
        &[&swept[..], small.as_flattened()].concat(),
    );
    let curves = section(&page, "Over time");
    assert_eq!(curves.matches("<text class=\"side\"").count(), 2);
    assert_eq!(curves.matches(">phases of the breakers</text>").count(), 1);
}

/// A caption says all of what a metric is, in as many lines as it takes, also beside another panel.
#[test]
fn captions_are_whole() {
    let args = ["--set", "seconds=60", "--set", "clients=20", "--runs", "2"];
    let swept = [
        "half-open-stampede",
        "--sweep",
        "jitter=none,full",
        "--set",
        "rate=5",
    ];
    let outage = ["--set", "outage=5s", "--set", "weak=5s"];
    let page = report("report_captions", &[&swept[..], &outage, &args].concat());
    let trend = section(&page, "Over jitter");
    let captions: Vec<String> = trend
        .lines()
        .filter(|line| line.contains("class=\"caption\""))
        .filter_map(|line| line.split('>').nth(1)?.split('<').next())
        .map(|line| line.replace("&#39;", "'"))
        .collect();
    let scenario = evenkeel_sim::scenarios::by_name("half-open-stampede").expect("it is there");
    assert!(
        captions.len() > scenario.metrics().len(),
        "some take several lines"
    );
    assert!(
        captions.iter().all(|line| line.chars().count() <= 60),
        "{captions:?}"
    );
    let words = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    let said = scenario.metrics().iter().map(|metric| {
        let unit = match metric.unit {
            "" => String::new(),
            unit => format!(" ({unit})"),
        };
        format!("{}: {}{unit}", metric.name, metric.about)
    });
    let said = said.collect::<Vec<_>>().join(" ");
    assert_eq!(words(&captions.join(" ")), words(&said));
}

/// The axis holds the intervals, too: one that is cut would look as if it ended there.
#[test]
fn an_interval_wider_than_its_bars_is_seen() {
    let args = ["contending-writers", "--set", "clients=20", "--runs", "6"];
    let page = report("report_wide_interval", &args);
    let spread = section(&page, "Over the runs");
    let place = |line: &str, key: &str| -> f64 {
        let rest = line.split(key).nth(1).expect(key);
        let number = rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next();
        number.and_then(|x| x.parse().ok()).expect("a number")
    };
    // The bars and the whisker of the first metric.
    let first = spread.split("class=\"caption\"").nth(1).expect("a panel");
    let bars: Vec<f64> = first
        .lines()
        .filter(|line| line.contains("<rect class=\"bar"))
        .map(|line| place(line, " x=\""))
        .collect();
    let whisker = first
        .lines()
        .find(|line| line.contains("<path class=\"whisker\""))
        .expect("an interval");
    let low = place(whisker, " d=\"M");
    let least = bars.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(low < least - 20.0, "{low} {bars:?}");
    assert!(!spread.contains("\"goes-on\""), "all are within");
    // Of two runs it is 45 times as wide as they are apart: it ends nowhere in the figure.
    let args = ["contending-writers", "--set", "clients=20", "--runs", "2"];
    let page = report("report_widest_interval", &args);
    assert!(section(&page, "Over the runs").contains("\"goes-on\""));
}

/// What is written below can be pasted into a shell.
#[test]
fn the_command_is_quoted() {
    let folder = Folder::new("report quoted file");
    let file = folder.file("it's.toml", "scenario = \"contending-writers\"\nruns = 1\n");
    let page = report("report_quoted", &[&file, "--set", "clients = 3"]);
    let again = section(&page, "The same again");
    let word = format!("'{}' ", file.replace('\'', r"'\''"));
    let escaped = word.replace('\'', "&#39;");
    assert!(again.contains(&escaped), "{again}");
    assert!(again.contains(" --set clients=3</pre>"), "{again}");
}

#[test]
fn its_name_says_what_it_is() {
    let folder = Folder::new("report_endings");
    let run = |name: &str| {
        let args = ["simulate", "contending-writers", "--runs", "1"];
        let path = folder.path(name);
        let report = ["--set", "clients=2", "--report", &path];
        evenkeel(args.iter().chain(&report))
    };
    for name in ["r.pdf", "r", "html"] {
        let said = run(name);
        let expected =
            "found a report of an unknown kind, expected a name that ends in .html or .svg";
        assert!(said.complaint().ends_with(expected), "{}", said.stderr);
        assert!(!std::path::Path::new(&folder.path(name)).exists(), "{name}");
    }
    for (name, start) in [("r.HTML", "<!doctype html>"), ("r.SVG", "<svg ")] {
        run(name).good();
        assert!(folder.read(name).starts_with(start), "{name}");
    }
}

#[test]
fn it_overwrites_no_input_and_needs_a_folder() {
    let folder = Folder::new("report_outputs");
    let file = folder.file("s.toml", "scenario = \"contending-writers\"\nruns = 1\n");
    let run = |path: &str| evenkeel(["simulate", &file, "--report", path]);
    assert!(
        run(&file)
            .complaint()
            .contains("is an input of this command")
    );
    assert!(
        run(&folder.path("no/r.html"))
            .complaint()
            .contains("there is no folder")
    );
    assert!(folder.read("s.toml").starts_with("scenario"));
}

/// A picture that stands alone, for a page or a chat: the curves, or the plot of a sweep that has too many.
#[test]
fn a_picture_is_one_svg() {
    let folder = Folder::new("report_picture");
    let path = folder.path("p.svg");
    let picture = |args: &[&str]| {
        let fixed = [
            "simulate",
            "contending-writers",
            "--runs",
            "2",
            "--report",
            &path,
        ];
        evenkeel(fixed.iter().chain(args)).good();
        let text = folder.read("p.svg");
        assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 "));
        assert!(text.ends_with("</svg>\n") && text.matches("<svg").count() == 1);
        assert!(text.contains("<style>") && !text.contains("href") && !text.contains("url("));
        assert_eq!(text.matches("<g").count(), text.matches("</g>").count());
        text
    };
    let curves = picture(&[]);
    assert!(curves.contains("class=\"curve goodput\"") && curves.contains(">goodput</text>"));
    let many = "clients=2,3,4,5,6,7,8";
    let trend = picture(&["--sweep", many, "--sweep", "algorithm=none,full"]);
    assert!(trend.contains("class=\"trend s1\"") && trend.contains(">algorithm=full</text>"));
    let side = "contending-writers";
    let args = [
        "--compare",
        side,
        side,
        side,
        side,
        side,
        side,
        side,
        "--report",
        &path,
    ];
    let run = evenkeel(["simulate"].iter().chain(&args));
    assert!(
        run.complaint()
            .contains("found 7 scenarios to compare, expected at most 6")
    );
}
