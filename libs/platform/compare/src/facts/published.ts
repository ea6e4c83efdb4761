import type { FactTable, Results } from "../results.ts";
import { numberText } from "../text.ts";

/** Istio's load tests: 1,000 services, 2,000 sidecars, 70,000 requests a second in the mesh. */
const PAGES: readonly {
  readonly version: string;
  readonly address: string;
  readonly envoy: string;
  readonly added: string;
}[] = [
  {
    version: "1.1.4 (a translation of its page; that of 1.2.5 has the same figures)",
    address: "https://blog.csdn.net/u013538795/article/details/89708523",
    envoy: "0.6",
    added: "8 ms",
  },
  {
    version: "1.5.4",
    address: "https://istio.io/v1.5/docs/ops/deployment/performance-and-scalability",
    envoy: "0.5",
    added: "2.8 ms",
  },
  {
    version: "1.6.8",
    address: "https://istio.io/v1.6/docs/ops/deployment/performance-and-scalability",
    envoy: "0.5",
    added: "3.12 ms",
  },
];
const QUESTION = "What has been published before?";
const ISTIOD = "https://istio.io/v1.5/blog/2020/istiod/";

/** What Istio published of the releases before and after it went back to one process, beside what is seen here. */
export function publishedTables(results: Results): FactTable[] {
  return [figuresTable(results), claimsTable(results)];
}

function figuresTable(results: Results): FactTable {
  const seen = seenIn(results);
  const requests = /^no policy, \d+ a second: /;
  const core = (figure: string): string =>
    seen(
      requests,
      /: processor time for 1,000 requests$/,
      figure,
      (value) => `${numberText(value / 1_000, "s")} s of a core for 1,000 requests`,
    );
  const rows = [
    ...PAGES.map(({ version, address, envoy }) => [
      version,
      "an Envoy for 1,000 requests a second",
      `${envoy} vCPU and 50 MB`,
      `all Envoys on the way, two: ${core("Envoys")}`,
      address,
    ]),
    ...PAGES.map(({ version, address }) => [
      version,
      "istio-telemetry for 1,000 requests a second in the mesh",
      "0.6 vCPU",
      core("mixer-telemetry"),
      address,
    ]),
    ...PAGES.map(({ version, address }) => [
      version,
      "Pilot, or istiod",
      "1 vCPU and 1.5 GB",
      seen(
        /^memory at rest/,
        /./,
        "control plane",
        (value) => `${numberText(value, "MiB")} MiB for the control plane at rest`,
      ),
      address,
    ]),
    ...PAGES.map(({ version, address, added }) => [
      version,
      "latency that the proxies add, 90th percentile",
      added,
      seen(requests, /: latency$/, "90th percentile", (value) => `${numberText(value, "ms")} ms for the whole request`),
      address,
    ]),
  ];
  return {
    question: QUESTION,
    title: "Figures of Istio's own load tests",
    about:
      "They are of 1,000 services, 2,000 sidecars and 70,000 requests a second in a cluster; here are seven proxies on one machine. The same words stand for " +
      "the same quantity only in the first two groups of rows (a vCPU for 1,000 requests a second is a second of a core for 1,000 requests). Memory and latency are of other " +
      "loads, and do not compare.",
    columns: ["Istio", "of", "published", "seen here", "where"],
    rows,
  };
}

/** What Istio 1.5 said for one process, and where this page has something to say about it. */
function claimsTable(results: Results): FactTable {
  const verdicts = verdictsIn(results);
  const matrix = results.facts.find((each) => each.matrix)?.matrix;
  const powers = matrix?.rows
    .map(({ label, has }) => `${label} ${has.filter(Boolean).length} of ${has.length}`)
    .join(", ");
  return {
    question: QUESTION,
    title: "What Istio 1.5 said when it went back to one process",
    about: `In our words, from ${ISTIOD}. It was about istiod, without Mixer, in a cluster; nobody measured both.`,
    columns: ["it said", "seen here"],
    rows: [
      [
        "a start takes less time: components do not wait for each other in an order",
        verdicts(/^(cold|warm) start$/, /^(first request|all ready)$/),
      ],
      ["less is used: caches are shared", verdicts(/^(memory|processor time) at rest/, /^control plane$/)],
      [
        "it answers faster: what parts say to each other need not be sent",
        verdicts(/^from saving to effect.*, median$/, /./),
      ],
      [
        "separate scale is worth little: serving proxies makes nearly all of the cost",
        shareOfPilot(results) ?? "not measured",
      ],
      ["separate trust is worth little: most parts can do nearly the same damage", powers ?? "not measured"],
      ["versions were never released or tested apart", about(results, "upgrade")],
      ["one component is easier to scale", about(results, "scale")],
      [
        "it is easier to install, to configure, to debug, and for one team to run",
        "not measured: these are not figures",
      ],
      ["(it said nothing of failures)", about(results, "failure")],
    ],
  };
}

function about({ scenarios, summaries }: Results, scenario: string): string {
  const found = scenarios.find(({ name }) => name === scenario);
  return found && summaries.some((each) => each.scenario === scenario)
    ? `see "${found.question}"`
    : "not measured in this run";
}

/** Pilot's part of what a change costs the services, where many proxies are connected. */
function shareOfPilot({ summaries, shapes }: Results): string | undefined {
  const shape = shapes.find((each) => each === "services");
  const parts = summaries.filter(
    ({ group }) => group.includes("synthetic proxies") && group.endsWith(": processor time of a change"),
  );
  const of = (figure: string): number =>
    parts
      .filter((each) => each.figure === figure)
      .reduce((sum, each) => sum + (each.shapes[shape ?? ""]?.median ?? 0), 0);
  const [pilot, all] = [of("pilot"), of("control plane")];
  if (all === 0) return undefined;
  return `pilot used ${Math.round((pilot / all) * 100)} % of the control plane's processor time for changes with many proxies`;
}

type Seen = (group: RegExp, kind: RegExp, figure: string, text: (value: number) => string) => string;

/** Looks up a median of each shape. */
function seenIn({ summaries, shapes }: Results): Seen {
  return (group, kind, figure, text) => {
    const found = summaries.find((each) => group.test(each.group) && kind.test(each.group) && each.figure === figure);
    const values = shapes.flatMap((shape) => {
      const median = found?.shapes[shape]?.median;
      return median === undefined ? [] : [`${shape} ${text(median)}`];
    });
    return values.length > 0 ? values.join("; ") : "not measured";
  };
}

/** What the comparisons of some figures say, with the first shape's median against the other's. */
function verdictsIn({ summaries, shapes }: Results): (group: RegExp, figure: RegExp) => string {
  const [first = "", ...others] = shapes;
  return (group, figure) => {
    const parts = summaries
      .filter((each) => group.test(each.group) && figure.test(each.figure))
      .flatMap((each) =>
        others.flatMap((other) => {
          const [a, b] = [each.shapes[first], each.shapes[other]];
          if (!a || !b) return [];
          const { verdict } = each.comparisons[other] ?? {};
          return [
            `${each.group.replace(/, (median|% of a core)$/, "")}, ${each.figure}: ${first} ${numberText(a.median, each.unit)}, ` +
              `${other} ${numberText(b.median, each.unit)} ${each.unit} (${verdict})`,
          ];
        }),
      );
    return parts.length > 0 ? parts.join("; ") : "not measured";
  };
}
