//! Traces: any bytes are refused with a place in them, or are rows that come back the same and that the simulator reads.

use std::fmt::Write;
use std::io::Cursor;

use evenkeel_sim::Load;

use crate::policy_file::place_in;
use crate::progress::Progress;
use crate::trace::{Input, Keyed, RowOutcome, Trace};

/// A row, by value.
type Row = (u64, String, u64, RowOutcome);

/// Reads a trace as the commands do.
///
/// # Panics
/// If a complaint names no place, rows go back in time, do not come back as they were, or the simulator disagrees.
pub fn trace(data: &[u8]) {
    let rows = match rows(data, Keyed::Yes) {
        Ok(rows) => rows,
        Err(complaint) => return place_in(&complaint, "t.csv", data),
    };
    assert!(rows.is_sorted_by_key(|row| row.0), "time goes back");
    let mut text = String::from("t_ns,key,latency_ns,outcome\n");
    for (t_ns, key, latency_ns, outcome) in &rows {
        let outcome = match outcome {
            RowOutcome::Ok => "ok",
            RowOutcome::Error => "error",
            RowOutcome::Timeout => "timeout",
        };
        let key = key.replace('"', "\"\"");
        let _ = writeln!(text, "{t_ns},\"{key}\",{latency_ns},{outcome}");
    }
    let again = self::rows(text.as_bytes(), Keyed::No);
    assert_eq!(again.as_ref(), Ok(&rows), "rows written and read");
    let first_ns = rows.first().map_or(0, |row| row.0);
    let instants = rows.iter().map(|row| row.0 - first_ns).collect();
    let load =
        Load::read_trace(data).unwrap_or_else(|error| panic!("the simulator refuses it: {error}"));
    assert_eq!(load, Load::Trace(instants), "the simulator's instants");
}

fn rows(data: &[u8], keyed: Keyed) -> Result<Vec<Row>, String> {
    let input = Input::new(Box::new(Cursor::new(data.to_vec())), Progress::shown());
    let mut rows = Vec::new();
    let mut trace =
        Trace::read("t.csv".to_owned(), None, input, keyed).map_err(|error| error.to_string())?;
    while let Some(row) = trace.next_row().map_err(|error| error.to_string())? {
        rows.push((row.t_ns, row.key.to_owned(), row.latency_ns, row.outcome));
    }
    Ok(rows)
}
