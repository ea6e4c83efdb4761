import { createVocabulary, Layout, MutableBag } from "@xebec/model-attributes";
import { compileExpression } from "@xebec/model-expr";
import type { Figure } from "../table.ts";

const CASES: readonly (readonly [text: string, type: "BOOL" | "STRING"])[] = [
  ['request.path == "/ratings/1"', "BOOL"],
  ['destination.labels["app"] == "ratings" && source.labels["version"] == "v3"', "BOOL"],
  ['match(request.path, "/rat*") || request.headers["x-a"] == "b"', "BOOL"],
  ['source.workload.name | destination.workload.name | "unknown"', "STRING"],
  ['conditional((response.code | 200) >= 500, "bad", "good")', "STRING"],
];
const TIMES = 1_000_000;

/** How long an expression takes, evaluated again and again for one request. */
export function expressionFigures(): Figure[] {
  const layout = new Layout(createVocabulary([], () => undefined));
  const compiled = CASES.map(([text, type]) => ({ text, run: compileExpression(text, layout, type) }));
  const labels = (map: Record<string, string>) => ({
    get: (key: string) => map[key],
    entries: () => new Map(Object.entries(map)),
  });
  const bag = new MutableBag(layout.freeze(), {
    "request.path": "/ratings/1",
    "destination.labels": labels({ app: "ratings" }),
    "source.labels": labels({ version: "v3" }),
    "request.headers": labels({ "x-a": "b" }),
  });
  return compiled.map(({ text, run }) => {
    const once = (times: number): void => {
      for (let i = 0; i < times; i++) run.evaluate(bag);
    };
    once(TIMES / 10);
    const before = process.cpuUsage();
    once(TIMES);
    const { user, system } = process.cpuUsage(before);
    return { what: text, value: "", cpu: `${(((user + system) * 1000) / TIMES).toFixed(0)} ns each`, goal: "" };
  });
}
