//! A recorder that keeps what it is told, by the name of the series.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

#[derive(Clone, Default)]
pub(crate) struct Recorded {
    series: Arc<Mutex<BTreeMap<String, Arc<Series>>>>,
    described: Arc<Mutex<BTreeMap<String, Unit>>>,
}

#[derive(Debug)]
struct Series {
    kind: &'static str,
    value: Mutex<f64>,
    recorded: Mutex<Vec<(f64, usize)>>,
}

impl Recorded {
    /// The value of a series, named as `name{label=value,..}`; its labels in the order of the docs.
    pub(crate) fn value(&self, series: &str) -> f64 {
        let all = self.series.lock().expect("no panic");
        let found = all.get(series);
        let found = found.unwrap_or_else(|| panic!("no {series} in {:#?}", all.keys()));
        *found.value.lock().expect("no panic")
    }

    /// What a histogram was told: values and how many of each.
    pub(crate) fn recorded(&self, series: &str) -> Vec<(f64, usize)> {
        let all = self.series.lock().expect("no panic");
        all[series].recorded.lock().expect("no panic").clone()
    }

    /// The sum of all series of this name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let all = self.series.lock().expect("no panic");
        let of_name = all
            .iter()
            .filter(|(series, _)| series.starts_with(&format!("{name}{{")));
        of_name
            .map(|(_, series)| *series.value.lock().expect("no panic"))
            .sum()
    }

    /// `kind name{label,..}` of each name.
    pub(crate) fn shapes(&self) -> Vec<String> {
        let all = self.series.lock().expect("no panic");
        let shape = |(series, of): (&String, &Arc<Series>)| {
            let (name, labels) = series.split_once('{').expect("labels");
            let labels = labels.trim_end_matches('}').split(',');
            let labels: Vec<_> = labels
                .map(|label| label.split('=').next().unwrap_or(""))
                .collect();
            format!("{} {name} {}", of.kind, labels.join(","))
        };
        let mut shapes: Vec<_> = all.iter().map(shape).collect();
        shapes.dedup();
        shapes
    }

    pub(crate) fn unit(&self, name: &str) -> Option<Unit> {
        self.described.lock().expect("no panic").get(name).copied()
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>) {
        let mut described = self.described.lock().expect("no panic");
        described.extend(unit.map(|unit| (name.as_str().to_owned(), unit)));
    }

    fn series(&self, kind: &'static str, key: &Key) -> Arc<Series> {
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels: Vec<_> = labels.collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        let mut all = self.series.lock().expect("no panic");
        let series = all.entry(name).or_insert_with(|| {
            Arc::new(Series {
                kind,
                value: Mutex::default(),
                recorded: Mutex::default(),
            })
        });
        Arc::clone(series)
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        *self.value.lock().expect("no panic") += value as f64;
    }

    fn absolute(&self, value: u64) {
        let mut now = self.value.lock().expect("no panic");
        *now = now.max(value as f64);
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        *self.value.lock().expect("no panic") += value;
    }

    fn decrement(&self, value: f64) {
        *self.value.lock().expect("no panic") -= value;
    }

    fn set(&self, value: f64) {
        *self.value.lock().expect("no panic") = value;
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.recorded.lock().expect("no panic").push((value, count));
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series("counter", key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series("gauge", key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series("histogram", key))
    }
}
