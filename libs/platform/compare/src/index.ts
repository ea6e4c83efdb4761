export { type ComparisonOptions, runComparison, SHAPES } from "./comparison.ts";
export { guard } from "./guard.ts";
export { report } from "./report/report.ts";
export type { FigureSummary, Results, Sample } from "./results.ts";
export { readScenario, type Scenario } from "./scenario.ts";
export { resultText } from "./text.ts";
