import type { Results } from "../results.ts";
import { blastRadius, radiusText } from "./blast-radius.ts";
import { factorOf, type Headline, headlines, type Outcome, valuesText } from "./headlines.ts";

/** One part of the summary. */
export interface Finding {
  readonly title: string;
  readonly lines: readonly string[];
}

/** The summary in words: only what the numbers support. */
export function findings(results: Results): Finding[] {
  const [first = "", ...others] = results.shapes;
  const parts = others.flatMap((other) => comparison(headlines(results), first, other));
  const radii = blastRadius(results).map(radiusText);
  if (radii.length > 0) parts.push({ title: "What fails when a part fails", lines: radii });
  parts.push(...factFindings(results));
  return parts.length > 0 ? parts : [{ title: "Nothing was measured to the end", lines: [] }];
}

/** The first sentences: how it stands on the whole. */
export function leadOf(results: Results): string {
  const [first = "", ...others] = results.shapes;
  const all = headlines(results);
  const lines = others.flatMap((other) => {
    const own = all.filter((each) => each.other === other);
    const count = (outcome: Outcome): number => own.filter((each) => each.outcome === outcome).length;
    const compared = own.length - count("too few repetitions");
    if (own.length === 0) return [];
    if (compared === 0)
      return [
        `${own.length} figures were measured with ${first} and ${other}, in too few repetitions to say which differ: this run shows how the page looks, not what is true.`,
      ];
    return [
      `Of ${compared} figures that decide, ${first} cost more than ${other} in ${count("worse")} and less in ${count("better")}; in ${count("no difference seen")} no difference was seen.`,
    ];
  });
  return lines.join(" ");
}

/** Each family of figures has one line, under the heading that says what came of it. */
function comparison(all: readonly Headline[], first: string, other: string): Finding[] {
  const families = [
    ...Map.groupBy(
      all.filter((each) => each.other === other),
      ({ family }) => family,
    ).values(),
  ];
  const part = (title: string, is: (list: readonly Headline[]) => boolean): Finding[] => {
    const own = families.filter(is);
    return own.length > 0 ? [{ title, lines: own.map(familyText) }] : [];
  };
  const most = (list: readonly Headline[], outcome: Outcome): boolean =>
    list.filter((each) => each.outcome === outcome).length * 2 > list.length;
  return [
    ...part(`Where ${first} cost more than ${other}`, (list) => most(list, "worse")),
    ...part(`Where ${first} cost less than ${other}`, (list) => most(list, "better")),
    ...part(`Where no difference between ${first} and ${other} was seen, or in few figures only`, (list) =>
      most(list, "no difference seen"),
    ),
    ...part(
      "Where it depends",
      (list) =>
        !(["worse", "better", "no difference seen", "too few repetitions"] as const).some((each) => most(list, each)),
    ),
    ...part(`Measured, but too seldom to compare ${first} with ${other}`, (list) => most(list, "too few repetitions")),
  ];
}

/** `Memory: 395 MiB against 81 MiB, 4.9 times`; of several figures the first that differs, if one does, and how far apart they are. */
function familyText(list: readonly Headline[]): string {
  const head = list.find(({ outcome }) => outcome === "worse" || outcome === "better") ?? list[0];
  if (!head) return "";
  const factors = list.flatMap((each) => factorOf(each) ?? []).sort((a, b) => a - b);
  const [low, high] = [factors[0], factors.at(-1)];
  const times = low === undefined || high === undefined ? "" : `, ${rangeText(low, high)} times`;
  if (list.length === 1) return `${head.family}: ${valuesText(head)}${times}.`;
  const counts = (["worse", "better", "no difference seen"] as const).flatMap((outcome) => {
    const own = list.filter((each) => each.outcome === outcome);
    return own.length > 0 ? [`${OUTCOMES[outcome]} in ${own.length} of ${list.length}`] : [];
  });
  const said = counts.length > 0 ? `: ${counts.join(", ")}` : "";
  return `${head.family}${said}; for example ${head.name}: ${valuesText(head)}${times ? ` (all:${times.slice(1)})` : ""}.`;
}

const OUTCOMES = { worse: "more", better: "less", "no difference seen": "no difference seen" } as const;

function rangeText(low: number, high: number): string {
  const [a, b] = [low.toFixed(2), high.toFixed(2)];
  return a === b ? a : `${a} to ${b}`;
}

/** What the tables that are read, not measured, come to. */
function factFindings({ facts }: Results): Finding[] {
  return facts.flatMap(({ matrix }) => {
    if (!matrix) return [];
    const lines = matrix.rows.map(
      ({ label, has }) => `${label} ${has.filter(Boolean).length} of ${matrix.columns.length}`,
    );
    return [
      {
        title: matrix.title,
        lines: [`Of the powers in the matrix below somebody would have with ${lines.join(", ")}.`],
      },
    ];
  });
}
