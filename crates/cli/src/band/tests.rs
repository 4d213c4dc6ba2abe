//! The band fits its width, tells phases apart without colour, and lets no key command the terminal.

use crate::screen::Screen;
use crate::summary::Summary;
use crate::timeline::Timeline;
use crate::timeline::fixtures::{SECOND, round_trip, summary, timeline};

fn draw(timeline: &Timeline, summary: &Summary, keyed: bool, width: usize, colour: bool) -> String {
    let screen = Screen {
        width,
        colour,
        is_terminal: false,
    };
    super::draw(timeline, summary, keyed, screen)
}

fn line<'a>(band: &'a str, label: &str) -> &'a str {
    let mut lines = band.lines();
    lines
        .find(|line| line.trim_start().starts_with(label))
        .unwrap()
}

#[test]
fn phases_and_shares_are_told_apart_without_colour() {
    let summary = summary(10 * SECOND, &[], round_trip(None, 4 * SECOND, SECOND));
    let band = draw(&timeline(1000, false), &summary, false, 50, false);
    assert!(!band.contains('\u{1b}'));
    assert_eq!(
        line(&band, "phase"),
        " phase    ────────────────████▒▒▒▒────────────────"
    );
    let refused = line(&band, "refused");
    assert!(
        refused.starts_with(" refused  ···················"),
        "{refused}"
    );
    assert!(refused.ends_with("████████████████████"), "{refused}");
    let legend = "█ the row's most: 100 % refused, 13 % failed, 39.1 % slow";
    assert!(band.contains(legend), "{band}");
    // 13 % of a column is the most that failed: a row is as high as its own most.
    assert!(line(&band, "failed").contains('█'), "{band}");
}

#[test]
fn what_was_admitted_has_a_p99_of_its_own() {
    // The second half is refused: its columns have no admitted call.
    let mut summary = summary(10 * SECOND, &[], round_trip(None, 4 * SECOND, SECOND));
    let band = draw(&timeline(1000, false), &summary, false, 50, false);
    let columns = |label| line(&band, label).chars().count() - " refused  ".len();
    assert_eq!((columns("p99 all"), columns("p99 adm")), (40, 20), "{band}");
    assert!(
        band.contains("p99 of all calls, and of the admitted ones alone: "),
        "{band}"
    );
    summary.refused = 0;
    let band = draw(&timeline(1000, false), &summary, false, 50, false);
    assert!(!band.contains("p99 adm") && band.contains("p99 of all calls: "));
}

#[test]
fn the_shortest_opening_shows() {
    let summary = summary(1000 * SECOND, &[], round_trip(None, 500 * SECOND, 1));
    let band = draw(&timeline(1000, false), &summary, false, 80, false);
    assert_eq!(line(&band, "phase").matches('█').count(), 1);
}

#[test]
fn keys_are_aligned_and_limited() {
    let names: Vec<String> = (0..20)
        .map(|i| format!("key-number-{i}-with-a-long-name\u{1b}[31m"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let changes =
        (0..20).flat_map(|key| round_trip(Some(key), SECOND, (1 + u64::from(key)) * 1000));
    let summary = summary(10 * SECOND, &names, changes.collect());
    for width in [40, 80, 200] {
        let band = draw(&timeline(1000, false), &summary, true, width, false);
        let widest = band
            .lines()
            .take(12)
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(widest <= width, "{widest} of {width}\n{band}");
        assert!(band.contains("and 12 more keys"));
        assert!(!band.contains('\u{1b}'));
        // Number 19 was open the longest.
        assert!(band.starts_with(" key-number-1"), "{band}");
    }
}

#[test]
fn colours_are_switched_off_again() {
    let summary = summary(10 * SECOND, &[], round_trip(None, 4 * SECOND, SECOND));
    let band = draw(&timeline(100, false), &summary, false, 80, true);
    let coloured = band.lines().filter(|line| line.contains('\u{1b}'));
    assert!(coloured.clone().count() >= 3);
    assert!(
        coloured
            .clone()
            .all(|line| line.rfind("\u{1b}[0m") >= line.rfind("\u{1b}[3"))
    );
}

#[test]
fn an_empty_timeline_still_has_a_picture() {
    let summary = summary(0, &[], Vec::new());
    let band = draw(&Timeline::new(None, false), &summary, false, 80, false);
    assert!(line(&band, "phase").contains('─'));
}
