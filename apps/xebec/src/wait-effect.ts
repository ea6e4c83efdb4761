import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { type Condition, type ConfigPosition, controllersOf, hasReached, outcomeOf } from "@xebec/model-resources";
import type { MeshStatus, PublishedConfig } from "@xebec/platform-local";
import type { SupervisorQuery } from "./control.ts";
import type { Expected } from "./expected.ts";
import { objectName } from "./object-name.ts";
import { authenticated, nackOf, type ProxySync, syncCell, XDS_TYPES } from "./proxy-sync.ts";
import { conditionsNow, type Verdict, verdictOf } from "./verdict.ts";

/** Between two looks, in milliseconds. Proxies that are the same twice have what there is. */
const POLL_MS = 100;

/** What the mesh reported before a change, which therefore did not cause it. */
export interface Before {
  /** When it was queried, in milliseconds of the clock. */
  readonly at: number;
  /** Refusals of proxies, each as `PROXY rejects its ROUTES` with the error behind it. */
  readonly proxies: ReadonlyMap<string, string>;
  readonly conditions: readonly Condition[];
}

/** Looks at the mesh before a change; what cannot be read is missing. */
export async function lookBefore(query: SupervisorQuery): Promise<Before> {
  const reported = async <T>(path: "/proxies?strict" | "/conditions"): Promise<T[]> => {
    try {
      return await query<T[]>(path);
    } catch (error) {
      if (!isXebecError(error)) throw error;
      return [];
    }
  };
  return {
    at: Date.now(),
    proxies: nacksOf(authenticated(await reported<ProxySync>("/proxies?strict"))),
    conditions: await reported<Condition>("/conditions"),
  };
}

/**
 * Waits until galley has published a change, everybody who has a say about it has applied it, and every connected proxy has accepted
 * what comes of it.
 * @param limitMs how long each of them may take together, in milliseconds
 * @returns what they say, and whose word is outstanding
 */
export async function waitForEffect(
  expected: Expected,
  query: SupervisorQuery,
  limitMs: number,
  before: Before,
): Promise<Verdict> {
  const until = performance.now() + limitMs;
  try {
    const published = await publication(expected, query, until, before.at);
    if (!("revisions" in published)) return published;
    // Several kinds may be among the objects, and each has its readers.
    const controllers = [...new Set([...expected.config.keys()].flatMap(controllersOf))];
    const late = await controllersLate(controllers, published, query, until);
    const { refused, outstanding, isOldNack } = await proxyVerdict(query, until, before.proxies);
    const now = await conditionsNow(query, late.length === 0);
    const verdict = verdictOf(expected, before.conditions, now, isOldNack && refused.length === 0);
    return {
      refused: [...verdict.refused, ...refused],
      outstanding: [...late, ...outstanding],
      remarks: verdict.remarks,
    };
  } catch (error) {
    if (!isXebecError(error)) throw error;
    return { refused: [], outstanding: [`it is unknown whether it is in effect: ${error.message}`], remarks: [] };
  }
}

/** Waits until the files were read and what they hold is published. @returns the place of the publication, or why there is none */
async function publication(
  { config, local }: Expected,
  query: SupervisorQuery,
  until: number,
  since: number,
): Promise<ConfigPosition | Verdict> {
  const ended = (refused: string[], outstanding: string[]): Verdict => ({ refused, outstanding, remarks: [] });
  for (;;) {
    const { known, position, hashes, read } = await query<PublishedConfig>("/published");
    const open = [...config].filter(([key, hash]) => hashes[key] !== hash).map(([key]) => key);
    const unread = [...local].filter(([key, hash]) => read[key] !== hash).map(([key]) => key);
    if (config.size === 0 && unread.length === 0) return ended([], []);
    if (known && position && open.length === 0 && unread.length === 0) return position;
    const isLate = performance.now() > until;
    // A rejection from before this change may be reported for a moment longer.
    const refusals = (await query<Condition[]>("/conditions")).filter(
      (each) =>
        each.controller === "galley" &&
        outcomeOf(each) === "rejected" &&
        open.includes(each.object) &&
        (isLate || Date.parse(each.lastUpdateTime) >= since),
    );
    if (refusals.length > 0) return ended(refusals.map(refusalText), []);
    if (isLate) {
      if (!known) return ended([], ['it is unknown whether galley has published it; see "npx xebec check"']);
      const names = [
        ...(open.length > 0 ? [`galley has not published ${open.map(objectName).join(", ")} yet`] : []),
        ...(unread.length > 0 ? [`the local platform has not read ${unread.map(localName).join(", ")} yet`] : []),
      ];
      return ended(
        [],
        names.map((each) => `${each}; "npx xebec status" says why`),
      );
    }
    await sleep(POLL_MS);
  }
}

function refusalText({ object, controller, message }: Condition): string {
  return `${objectName(object)}: refused by ${controller}: ${message}`;
}

function localName(key: string): string {
  return objectName(`/${key}`);
}

/** Waits for the verdict of every controller. @returns whose is outstanding, a clause each */
async function controllersLate(
  controllers: readonly string[],
  published: ConfigPosition,
  query: SupervisorQuery,
  until: number,
): Promise<string[]> {
  for (;;) {
    const { observed } = await query<PublishedConfig>("/published");
    const late = controllers.filter((name) => !hasReached(observed[name], published) || observed[name]?.error);
    if (late.length === 0) return [];
    const errors = late.flatMap((name) => {
      const { error } = observed[name] ?? {};
      return error && hasReached(observed[name], published) ? [`${name}: ${error}`] : [];
    });
    if (errors.length === late.length || performance.now() > until) {
      const silent = late.filter((name) => !errors.some((each) => each.startsWith(`${name}: `)));
      return [...errors, ...(await whyLate(silent, query))];
    }
    await sleep(POLL_MS);
  }
}

async function whyLate(names: readonly string[], query: SupervisorQuery): Promise<string[]> {
  if (names.length === 0) return [];
  const { processes } = await query<Pick<MeshStatus, "processes">>("/status");
  return names.map((name) => {
    const status = processes.find((each) => each.kind === "service" && (each.name === name || each.name === "istiod"));
    const why = !status ? "it does not run" : status.ready ? "" : status.problem || "it is not ready";
    return `the verdict of ${name} is outstanding${why ? `: ${why}` : ""}; see "npx xebec check"`;
  });
}

function nacksOf(proxies: readonly ProxySync[]): Map<string, string> {
  return new Map(
    proxies.flatMap((proxy) =>
      XDS_TYPES.flatMap((type): [string, string][] => {
        const error = nackOf(proxy, type);
        return error ? [[`${proxy.proxy} rejects its ${type}s`, error]] : [];
      }),
    ),
  );
}

async function proxyVerdict(
  query: SupervisorQuery,
  until: number,
  earlier: ReadonlyMap<string, string>,
): Promise<Pick<Verdict, "refused" | "outstanding"> & { readonly isOldNack: boolean }> {
  let before = "";
  for (;;) {
    const proxies = authenticated(await query<ProxySync[]>("/proxies?strict"));
    const all = [...nacksOf(proxies)];
    const nacked = all.filter(([who, error]) => earlier.get(who) !== error);
    const isOldNack = all.length > nacked.length;
    const late = proxies.filter((proxy) => XDS_TYPES.some((type) => syncCell(proxy, type) === "STALE"));
    const now = JSON.stringify(proxies);
    // Pilot has sent what is due at once; what follows an acknowledgement was sent before a second look that is the same.
    if (now === before && (late.length === 0 || nacked.length > 0))
      return { refused: nacked.map(([who, error]) => `${who}: ${error}`), outstanding: [], isOldNack };
    // What others took of the time is not a reason to look only once.
    if (performance.now() > until && before !== "") {
      const names = late.map((each) => each.proxy).join(", ") || "there is more to come";
      return {
        isOldNack,
        refused: [],
        outstanding: [`not every proxy has accepted it yet (${names}); see "npx xebec proxy-status"`],
      };
    }
    before = now;
    await sleep(POLL_MS);
  }
}
