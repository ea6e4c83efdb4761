/** The page's style: light and dark, wide and narrow. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1f2430; --faint: #5b6472; --page: #ffffff; --line: #d9dee6; --shape-0: #2f6fde; --shape-1: #e08a2c; --shape-2: #3f9f6b; --away: #d4483b; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ef; --faint: #9aa4b2; --page: #14171c; --line: #333a45; --shape-0: #6aa0ff; --shape-1: #f0a860; --shape-2: #6cc596; --away: #f2685a; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
a { color: var(--shape-0); }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
.chart, .table { overflow-x: auto; }
.chart svg { color: var(--text); display: block; }
.chart.narrow { display: none; }
@media (max-width: 46rem) { .chart.wide { display: none; } .chart.narrow { display: block; } }
.lead { font-size: 1.1rem; }
.shapes { list-style: none; padding: 0; } .swatch { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 2px; margin-right: 0.5rem; }
.raw { color: var(--faint); font-size: 0.85rem; } code { overflow-wrap: anywhere; }
.more { margin: 1.5rem 0; } .more > summary { font-weight: 600; }
details { color: var(--faint); } summary { cursor: pointer; }
table { border-collapse: collapse; font-size: 0.85rem; color: var(--text); }
th, td { padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
dt { font-weight: 600; } dd { margin: 0 0 0.5rem; }
.warning { color: var(--away); font-weight: 600; }
`;
