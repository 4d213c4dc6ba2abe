//! The numbers of a simulation: every metric, and every parameter.

use super::Inputs;
use crate::report::svg::escape;
use crate::simulate::measured::measured;
use crate::simulate::study::{self, Measure, Study};
use crate::simulate::tell::between;

/// Of one scenario a row for each metric; of several a row for each of them.
fn metrics_of_one(study: &Study) -> String {
    let rows: String = study
        .measures
        .iter()
        .map(|measure| {
            let Measure { metric, summary, .. } = measure;
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td class=\"left\">{}</td></tr>\n",
                escape(metric.name),
                measured(summary.mean),
                between(measure.interval),
                measured(summary.sd),
                measured(summary.min),
                measured(summary.max),
                escape(&measure.about())
            )
        })
        .collect();
    let heads: String = ["mean", "99 % confidence", "sd", "min", "max"]
        .iter()
        .map(|head| format!("<th scope=\"col\">{head}</th>"))
        .collect();
    format!(
        "<thead><tr><th></th>{heads}<th class=\"left\" scope=\"col\">what it is</th></tr></thead>\n<tbody>\n{rows}</tbody>\n"
    )
}

fn metrics_of_many(studies: &[Study]) -> String {
    let names = study::metrics(studies);
    let heads: String = names
        .iter()
        .map(|of| {
            let (name, about) = (escape(of.metric.name), escape(&of.about()));
            format!("<th scope=\"col\" title=\"{about}\">{name}</th>")
        })
        .collect();
    let rows: String = studies
        .iter()
        .map(|study| {
            let cells: String = names
                .iter()
                .map(|of| match study.measure(of.metric.name) {
                    None => "<td>-</td>".to_owned(),
                    Some(of) => {
                        let (mean, between) = (measured(of.summary.mean), between(of.interval));
                        let sd = measured(of.summary.sd);
                        format!("<td title=\"sd {sd}\">{mean}<br><small>{between}</small></td>")
                    }
                })
                .collect();
            let name = escape(&study.plan.label);
            format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")
        })
        .collect();
    format!("<thead><tr><th></th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n")
}

/// Every metric of all of them.
pub(crate) fn metrics(studies: &[Study]) -> String {
    let table = match studies {
        [only] => metrics_of_one(only),
        _ => metrics_of_many(studies),
    };
    let note = match studies {
        [_] => "",
        _ => "<p class=\"note\">Means, and below them their 99 % confidence intervals.</p>\n",
    };
    format!(
        "<section>\n<h2>Metrics</h2>\n<div class=\"wide\">\n<table class=\"numbers\">\n{table}</table>\n</div>\n{note}</section>\n"
    )
}

/// Every parameter: what it was on each side, and what is built in.
pub(crate) fn params(inputs: &Inputs<'_>) -> String {
    let sides = match inputs.sweeps {
        [] => inputs.studies,
        _ => &inputs.studies[..inputs.studies.len().min(1)],
    };
    let mut names: Vec<&str> = Vec::new();
    for setting in sides.iter().flat_map(|study| &study.params) {
        if !names.contains(&setting.name) {
            names.push(setting.name);
        }
    }
    let rows: String = names.iter().map(|name| row(name, sides, inputs)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads: String = match sides {
        [_] => "<th scope=\"col\">value</th>".to_owned(),
        _ => sides
            .iter()
            .map(|study| format!("<th scope=\"col\">{}</th>", escape(&study.plan.label)))
            .collect(),
    };
    format!(
        "<section>\n<h2>Parameters</h2>\n<div class=\"wide\">\n<table class=\"numbers\">\n<thead><tr><th></th>{heads}\
         <th scope=\"col\">built in</th><th class=\"left\" scope=\"col\">what it is</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n</section>\n"
    )
}

fn row(name: &str, sides: &[Study], inputs: &Inputs<'_>) -> String {
    let swept = inputs.sweeps.iter().find(|sweep| sweep.name == name);
    let setting = |study: &'_ Study| study.params.iter().position(|of| of.name == name);
    let mut cells = String::new();
    let (mut default, mut about) = ("-".to_owned(), "");
    for study in sides {
        let Some(of) = setting(study).and_then(|at| study.params.get(at)) else {
            cells.push_str("<td>-</td>");
            continue;
        };
        about = of.about;
        if let Some(value) = &of.default {
            default = value.to_string();
        }
        let (class, value) = match swept {
            Some(sweep) => (" class=\"changed\"", sweep.values.join(", ")),
            None if of.differs() => (" class=\"changed\"", of.value.to_string()),
            None => ("", of.value.to_string()),
        };
        cells += &format!("<td{class}>{}</td>", escape(&value));
    }
    format!(
        "<tr><th scope=\"row\">{}</th>{cells}<td>{}</td><td class=\"left\">{}</td></tr>\n",
        escape(name),
        escape(&default),
        escape(about)
    )
}
