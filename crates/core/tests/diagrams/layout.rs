//! Where everything of a diagram lies: states in a row, arrows to the right above them, arrows to the left below, each
//! on a lane of its own as far as it lies over another, labels where no line passes.

use crate::lines::{broken, tenths};
use crate::table::{Arrow, Label, Table};

pub(crate) const FONT: i32 = 12;
pub(crate) const LINE: i32 = 15;
const STATE_HEIGHT: i32 = 34;
const PORT: i32 = 16;
const MARGIN: i32 = 8;
/// Between a lane's line and its label.
const LIFT: i32 = 6;
/// From a lane to the next, beside what its label takes.
const LANE: i32 = 16;
/// Of a line of a label, for each gap that the arrow spans.
const CHARACTERS: usize = 23;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rect {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) right: i32,
    pub(crate) bottom: i32,
}

impl Rect {
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// A line of a label: the end of its event, the beginning of its condition.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) event: String,
    pub(crate) condition: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) lines: Vec<Line>,
    pub(crate) middle: i32,
    pub(crate) top: i32,
}

/// An arrow's corners, and what stands at it.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) points: Vec<(i32, i32)>,
    pub(crate) text: Text,
}

#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) states: Vec<(String, Rect)>,
    pub(crate) arrows: Vec<Drawn>,
}

/// An arrow on its lane, before anything has a place.
struct Lane<'a> {
    arrow: &'a Arrow,
    lines: Vec<Line>,
    level: usize,
}

impl Lane<'_> {
    fn is_above(&self) -> bool {
        self.arrow.from < self.arrow.to
    }

    fn span(&self) -> (usize, usize) {
        let Arrow { from, to, .. } = *self.arrow;
        (from.min(to), from.max(to))
    }
}

fn lines_of(label: &Label, gaps: usize) -> Vec<Line> {
    let event = label.event.replace('`', "");
    let mut left = event.chars().count();
    let whole = broken(
        &format!("{event} {}", label.condition),
        CHARACTERS * gaps.min(2),
    );
    let split = |line: String| {
        let at = left.min(line.chars().count());
        left = left.saturating_sub(at + 1);
        let event: String = line.chars().take(at).collect();
        let condition = line.chars().skip(at).collect::<String>();
        Line {
            event,
            condition: condition.trim().to_owned(),
        }
    };
    whole.into_iter().map(split).collect()
}

/// How wide the lines are.
fn width(lines: &[Line]) -> i32 {
    let widths = lines.iter().map(|Line { event, condition }| {
        // The event is bold.
        (tenths(event) * 11 / 10 + 4 + tenths(condition)) * FONT / 10
    });
    widths.max().unwrap_or(0)
}

fn height(lines: &[Line]) -> i32 {
    i32::try_from(lines.len()).expect("a few lines") * LINE
}

/// Short arrows lie near the states; one that lies over another is further out.
fn lanes(table: &Table) -> Vec<Lane<'_>> {
    let lane = |arrow| Lane {
        arrow,
        lines: Vec::new(),
        level: 0,
    };
    let mut lanes: Vec<Lane<'_>> = table.arrows.iter().map(lane).collect();
    lanes.sort_by_key(|lane| {
        let (first, last) = lane.span();
        (last - first, first)
    });
    for at in 0..lanes.len() {
        let (placed, rest) = lanes.split_at_mut(at);
        let lane = &mut rest[0];
        let (first, last) = lane.span();
        let below = placed.iter().filter(|other| {
            let (left, right) = other.span();
            other.is_above() == lane.is_above() && left < last && first < right
        });
        lane.level = below.map(|other| other.level + 1).max().unwrap_or(0);
        lane.lines = lane
            .arrow
            .labels
            .iter()
            .flat_map(|label| lines_of(label, last - first))
            .collect();
    }
    lanes
}

/// The x of an arrow's end at a state: arrows that come from or go to the left are left, and none crosses another there.
fn port(lanes: &[Lane<'_>], lane: &Lane<'_>, state: usize, middle: i32) -> i32 {
    let is_leftward = |lane: &Lane<'_>| lane.span().1 == state;
    let mut here: Vec<_> = lanes
        .iter()
        .filter(|other| {
            let (first, last) = other.span();
            other.is_above() == lane.is_above() && (first == state || last == state)
        })
        .collect();
    here.sort_by_key(|lane| match is_leftward(lane) {
        true => (0, lane.level),
        false => (1, usize::MAX - lane.level),
    });
    let at = here
        .iter()
        .position(|other| std::ptr::eq(other.arrow, lane.arrow));
    let [at, many] = [at.expect("it is here"), here.len()].map(|n| i32::try_from(n).expect("few"));
    middle + at * PORT - (many - 1) * PORT / 2
}

/// Where arrows that lie further out pass an arrow's lane.
fn passing(lanes: &[Lane<'_>], lane: &Lane<'_>, middle: impl Fn(usize) -> i32) -> Vec<i32> {
    let outer = lanes
        .iter()
        .filter(|other| other.is_above() == lane.is_above() && other.level > lane.level);
    let ends = outer.flat_map(|other| {
        let (first, last) = other.span();
        [first, last].map(|state| port(lanes, other, state, middle(state)))
    });
    ends.collect()
}

/// The room between the lines that pass, widest first found: its ends.
fn room(passing: &mut Vec<i32>, left: i32, right: i32) -> (i32, i32) {
    passing.retain(|x| left < *x && *x < right);
    passing.extend([left, right]);
    passing.sort_unstable();
    let rooms = passing.windows(2).map(|pair| (pair[0], pair[1]));
    rooms.fold((left, left), |best, room| {
        if room.1 - room.0 > best.1 - best.0 {
            room
        } else {
            best
        }
    })
}

impl Layout {
    pub(crate) fn of(table: &Table) -> Self {
        let lanes = lanes(table);
        let ports = |state: usize| {
            let sides = [true, false].map(|is_above| {
                let ends = lanes.iter().filter(|lane| {
                    let (first, last) = lane.span();
                    lane.is_above() == is_above && (first == state || last == state)
                });
                i32::try_from(ends.count()).expect("few")
            });
            sides[0].max(sides[1])
        };
        let widths: Vec<i32> = table
            .states
            .iter()
            .enumerate()
            .map(|(at, name)| (tenths(name) * 13 / 10 + 28).max((ports(at) + 1) * PORT))
            .collect();
        let mut gaps = vec![36; widths.len() - 1];
        // Wider where a label finds no room, until all do.
        loop {
            let layout = Self::with_gaps(table, &lanes, &widths, &gaps);
            match layout {
                Ok(layout) => return layout,
                Err((gap, missing)) => gaps[gap] += missing,
            }
        }
    }

    /// All places with these gaps between the states; or the gap that must be wider, and by how much.
    fn with_gaps(
        table: &Table,
        lanes: &[Lane<'_>],
        widths: &[i32],
        gaps: &[i32],
    ) -> Result<Self, (usize, i32)> {
        let tops = levels(lanes, true);
        let bottoms = levels(lanes, false);
        let roof = MARGIN + tops.last().copied().unwrap_or(0);
        let floor = roof + STATE_HEIGHT;
        let mut left = MARGIN + 26;
        let mut states = Vec::new();
        for (at, name) in table.states.iter().enumerate() {
            let place = Rect {
                left,
                top: roof,
                right: left + widths[at],
                bottom: floor,
            };
            states.push((name.clone(), place));
            left = place.right + gaps.get(at).copied().unwrap_or(0);
        }
        let middle = |state: usize| (states[state].1.left + states[state].1.right) / 2;
        let mut arrows = Vec::new();
        for lane in lanes {
            let Arrow { from, to, .. } = *lane.arrow;
            let [begin, end] = [from, to].map(|state| port(lanes, lane, state, middle(state)));
            let (first, last) = (begin.min(end), begin.max(end));
            let mut passing = passing(lanes, lane, middle);
            let (room_left, room_right) = room(&mut passing, first, last);
            let missing = width(&lane.lines) + 12 - (room_right - room_left);
            if missing > 0 {
                return Err((gap_in(&states, room_left, room_right), missing));
            }
            let (y, wall, top) = if lane.is_above() {
                let y = roof - base(&tops, lane.level) - LANE;
                (y, roof, y - LIFT + 2 - height(&lane.lines))
            } else {
                let y = floor + base(&bottoms, lane.level) + LANE;
                (y, floor, y + LIFT - 3)
            };
            let text = Text {
                lines: lane.lines.clone(),
                middle: (room_left + room_right) / 2,
                top,
            };
            arrows.push(Drawn {
                points: vec![(begin, wall), (begin, y), (end, y), (end, wall)],
                text,
            });
        }
        let mut width = left + MARGIN;
        arrows.extend(table.from_anywhere.iter().map(|(to, label)| {
            let drawn = from_anywhere(&states[*to].1, label);
            width = width.max(drawn.text.middle + self::width(&drawn.text.lines) / 2 + MARGIN);
            drawn
        }));
        let height = floor + bottoms.last().copied().unwrap_or(0) + MARGIN;
        Ok(Self {
            width,
            height,
            states,
            arrows,
        })
    }

    pub(crate) fn state_boxes(&self) -> Vec<Rect> {
        self.states.iter().map(|(_, place)| *place).collect()
    }

    pub(crate) fn label_boxes(&self) -> Vec<Rect> {
        let boxes = self.arrows.iter().map(|Drawn { text, .. }| Rect {
            left: text.middle - width(&text.lines) / 2,
            right: text.middle + width(&text.lines) / 2,
            top: text.top,
            bottom: text.top + height(&text.lines),
        });
        boxes.collect()
    }

    pub(crate) fn line_boxes(&self) -> Vec<Rect> {
        let lines = self.arrows.iter().flat_map(|arrow| arrow.points.windows(2));
        let boxes = lines.map(|ends| Rect {
            left: ends[0].0.min(ends[1].0) - 1,
            right: ends[0].0.max(ends[1].0) + 1,
            top: ends[0].1.min(ends[1].1) - 1,
            bottom: ends[0].1.max(ends[1].1) + 1,
        });
        boxes.collect()
    }
}

/// How far out each level ends, on one side.
fn levels(lanes: &[Lane<'_>], is_above: bool) -> Vec<i32> {
    let mut ends = Vec::new();
    let mut out = 0;
    loop {
        let level = ends.len();
        let here = lanes
            .iter()
            .filter(|lane| lane.is_above() == is_above && lane.level == level);
        let Some(most) = here.map(|lane| height(&lane.lines)).max() else {
            return ends;
        };
        out += LANE + LIFT + most;
        ends.push(out);
    }
}

/// Where a level begins.
fn base(ends: &[i32], level: usize) -> i32 {
    level.checked_sub(1).map_or(0, |inner| ends[inner])
}

/// The gap between states that lies in this room.
fn gap_in(states: &[(String, Rect)], left: i32, right: i32) -> usize {
    let gaps = states
        .windows(2)
        .map(|pair| (pair[0].1.right, pair[1].1.left));
    let within = |(from, to): (i32, i32)| to.min(right) - from.max(left);
    let overlaps: Vec<i32> = gaps.map(within).collect();
    let best = (0..overlaps.len()).max_by_key(|gap| overlaps[*gap]);
    best.expect("two states at least")
}

/// What leads to a state from everywhere: an arrow from beside it, with its label there.
fn from_anywhere(state: &Rect, label: &Label) -> Drawn {
    let label = Label {
        event: label.event.clone(),
        condition: format!("{} from anywhere", label.condition),
    };
    let lines = lines_of(&label, 2);
    let y = (state.top + state.bottom) / 2;
    let from = state.right + 30;
    let text = Text {
        middle: from + 6 + width(&lines) / 2,
        top: y - height(&lines) / 2,
        lines,
    };
    Drawn {
        points: vec![(from, y), (state.right, y)],
        text,
    }
}
