//! What the style of the other reports lacks: curves, bars and intervals, and a colour for each of several sides.

/// How many sides and lines have a colour of their own.
pub(crate) const COLOURS: usize = 8;

/// Blue is what goes well and orange what is refused, as in the other reports. Sides differ in dashes, too.
pub(crate) const CSS: &str = "\
:root { --s3: #00805f; --s4: #9b2d8a; --s5: #8a6d00; --s6: #56708a; --s7: #b03050; }
@media (prefers-color-scheme: dark) {
  :root { --s3: #3fcfa4; --s4: #e58bd8; --s5: #ffd84d; --s6: #a8bccf; --s7: #ff8fa8; }
}
@media print {
  :root { --s3: #00805f; --s4: #9b2d8a; --s5: #8a6d00; --s6: #56708a; --s7: #b03050; }
}
svg .curve { stroke-width: 1.7; stroke-linejoin: round; stroke-linecap: round; }
svg .goodput { stroke: var(--pass); stroke-width: 2.2; }
svg .load { stroke: var(--ink); stroke-width: 1.4; }
svg .arrivals { stroke: var(--soft); stroke-dasharray: 5 4; }
svg .refused { stroke: var(--refuse); }
svg .given-up { stroke: var(--fail); }
svg .other-0 { stroke: var(--slow); }
svg .other-1 { stroke: var(--try); }
svg .other-2 { stroke: var(--s7); stroke-dasharray: 2 3; }
svg .level-area { fill: var(--pass); fill-opacity: .16; }
svg .level { stroke: var(--pass); }
svg .hit:hover { fill: var(--soft); fill-opacity: .18; }
svg .legend-name { font-size: 12px; }
svg .page { fill: var(--panel); }
svg .side { font-weight: 600; font-size: 13px; }
svg .lane { stroke: var(--rule); }
svg .bar { fill-opacity: .55; }
svg .bar:hover { fill-opacity: .9; }
svg .mean { stroke: var(--ink); stroke-width: 1.6; }
svg .whisker, svg .goes-on { stroke-width: 3; stroke: var(--ink); stroke-opacity: .55; }
svg .trend { stroke-width: 1.8; stroke-linejoin: round; }
svg .interval { stroke-width: 1.4; }
svg .point { stroke: var(--panel); stroke-width: 1; }
svg .point:hover { stroke: var(--ink); }
svg .s0 { stroke: var(--pass); } svg .s1 { stroke: var(--refuse); } svg .s2 { stroke: var(--ink); }
svg .s3 { stroke: var(--s3); } svg .s4 { stroke: var(--s4); } svg .s5 { stroke: var(--s5); }
svg .s6 { stroke: var(--s6); } svg .s7 { stroke: var(--s7); }
svg .trend.s1 { stroke-dasharray: 7 3; } svg .trend.s2 { stroke-dasharray: 2 3; } svg .trend.s3 { stroke-dasharray: 9 3 2 3; }
svg .trend.s5 { stroke-dasharray: 7 3; } svg .trend.s6 { stroke-dasharray: 2 3; } svg .trend.s7 { stroke-dasharray: 9 3 2 3; }
svg .f0 { fill: var(--pass); } svg .f1 { fill: var(--refuse); } svg .f2 { fill: var(--ink); }
svg .f3 { fill: var(--s3); } svg .f4 { fill: var(--s4); } svg .f5 { fill: var(--s5); }
svg .f6 { fill: var(--s6); } svg .f7 { fill: var(--s7); }
.wide { overflow-x: auto; }
.numbers th[scope=row] { white-space: nowrap; }
.numbers .left { text-align: left; }
.numbers td { white-space: nowrap; }
.numbers td.left { white-space: normal; }
.numbers small { color: var(--soft); }
.changed { font-weight: 600; }
";
