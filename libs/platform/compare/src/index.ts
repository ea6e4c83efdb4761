export { type ComparisonOptions, runComparison, SHAPES } from "./comparison.ts";
export { guard } from "./guard.ts";
export { resultMarkdown } from "./markdown.ts";
export { readResults, writeReport } from "./out-folder.ts";
export { runProxies } from "./proxies/proxy-process.ts";
export type { FigureSummary, Results, Sample } from "./results.ts";
export { readScenario, type Scenario } from "./scenario.ts";
export { resultText } from "./text.ts";
