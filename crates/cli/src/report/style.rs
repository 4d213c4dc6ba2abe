//! The reports' style sheet. Blue is let through and orange is refused everywhere, in calls as in phases: a
//! pair that colour-blind readers tell apart, and shapes say the same once more.

/// Light and dark follow the reader's system; print is light.
pub(crate) const CSS: &str = r#":root {
  color-scheme: light dark;
  --page: #fbfbfa; --panel: #ffffff; --ink: #1c2024; --soft: #5c656e; --rule: #e3e5e7;
  --pass: #0072b2; --refuse: #d55e00; --try: #e6b400; --fail: #9b2d8a; --slow: #00805f;
  --closed: #cfe3f1; --dot: 0.5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1b1f23; --ink: #e8eaec; --soft: #9aa4ad; --rule: #31373d;
    --pass: #5db4ea; --refuse: #ff8c3a; --try: #ffd84d; --fail: #e58bd8; --slow: #3fcfa4;
    --closed: #24435a; --dot: 0.75;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 12px; font-size: 1.15rem; }
section { margin-top: 34px; }
.kind { margin: 0 0 4px; color: var(--soft); font-size: .85rem; letter-spacing: .04em; }
.what { margin: 6px 0 0; color: var(--soft); overflow-wrap: anywhere; }
.what b { color: var(--ink); font-weight: 600; }
.words { max-width: 78ch; margin: 0; overflow-wrap: anywhere; }
ul.words { padding-left: 1.2em; }
ul.words li { margin-bottom: 4px; }
.note { max-width: 92ch; margin: 10px 0 0; color: var(--soft); font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 10px; margin: 24px 0 0; }
.tiles div { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles .about { color: var(--soft); font-size: .85rem; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 10px; padding: 0; list-style: none;
  font-size: .85rem; }
.legend li { display: flex; align-items: center; gap: 6px; white-space: nowrap; }
.legend svg { width: 26px; height: 14px; }
.figure { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; overflow-x: auto; }
.figure svg { display: block; width: 100%; min-width: 760px; height: auto; }
pre { margin: 16px 0 0; padding: 14px 16px; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 8px; font: .82rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.tall { max-height: 30rem; overflow: auto; border: 1px solid var(--rule); border-radius: 8px;
  background: var(--panel); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.tall table { width: 100%; }
th, td { padding: 4px 14px; text-align: left; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; }
.tall thead th { position: sticky; top: 0; background: var(--panel); }
tbody tr:last-child > * { border-bottom: 0; }
.tall td:first-child, .tall td[class^="to-"] { white-space: nowrap; }
.numbers td, .numbers thead th { text-align: right; }
.key { overflow-wrap: anywhere; }
.to-open { box-shadow: inset 4px 0 var(--refuse); }
.to-half-open { box-shadow: inset 4px 0 var(--try); }
.to-closed { box-shadow: inset 4px 0 var(--pass); }
.causes { margin: 14px 0 0; font-size: .9rem; }
.causes div { display: grid; grid-template-columns: 9.5em 1fr; gap: 4px 14px; }
.causes dt { font-weight: 600; }
.causes dd { margin: 0; overflow-wrap: anywhere; }

svg path { fill: none; }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
svg .tick { fill: var(--soft); font-size: 11px; }
svg .caption { font-weight: 600; }
svg .end { text-anchor: end; }
svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .dot { stroke: var(--pass); stroke-width: 3.4; stroke-linecap: round; stroke-opacity: var(--dot); }
svg .square { stroke: var(--refuse); stroke-width: 1.1; }
svg .diamond { fill: var(--pass); stroke: var(--panel); stroke-width: .7; paint-order: stroke; }
svg .cross { stroke: var(--refuse); stroke-width: 1.6; }
svg .halo { stroke: var(--panel); stroke-width: 3.6; stroke-linejoin: round; stroke-linecap: round; stroke-opacity: .75; }
svg .p50, svg .p99 { stroke: var(--ink); stroke-linejoin: round; stroke-linecap: round; }
svg .p50 { stroke-width: 1.3; stroke-dasharray: 1 3.2; }
svg .p99 { stroke-width: 1.7; }
svg .p99-admitted { stroke: var(--pass); stroke-width: 2.6; stroke-linejoin: round; stroke-linecap: round; }
svg .limit { stroke: var(--slow); stroke-width: 1.4; stroke-dasharray: 7 4; }
svg .limit-label { fill: var(--slow); font-size: 11px; paint-order: stroke; stroke: var(--panel); stroke-width: 4px; }
svg .failed { stroke: var(--fail); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
svg .slow { stroke: var(--slow); stroke-width: 1.6; stroke-dasharray: 4 3; stroke-linejoin: round; }
svg .refused-area { fill: var(--refuse); fill-opacity: .22; }
svg .refused-line { stroke: var(--refuse); stroke-width: 1.2; }
svg .closed { fill: var(--closed); }
svg .open { fill: var(--refuse); }
svg .half { fill: var(--try); }
svg .tint { fill-opacity: .16; }
svg .hit { fill: transparent; }
svg .opened .glyph { fill: var(--refuse); }
svg .ended .glyph { fill: var(--pass); }
svg .tried .glyph { fill: var(--try); }
svg .mark .glyph { stroke: var(--panel); stroke-width: .8; }
svg .mark:hover .glyph { stroke: var(--ink); stroke-width: 1.4; }

@media (max-width: 600px) {
  main { padding: 18px 14px 40px; }
  h1 { font-size: 1.35rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles dd { font-size: 1.3rem; }
  th, td { padding: 4px 8px; }
  .causes div { grid-template-columns: 1fr; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --panel: #ffffff; --ink: #000000; --soft: #444444; --rule: #cccccc;
    --pass: #0072b2; --refuse: #d55e00; --try: #e6b400; --fail: #9b2d8a; --slow: #00805f; --closed: #cfe3f1;
  }
  html { font-size: 10.5px; }
  main { max-width: none; padding: 0; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .figure svg { min-width: 0; }
  .tall { max-height: none; overflow: visible; }
  .figure, .tiles, tr, pre { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"#;
