import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { validateObject } from "@xebec/galley-validate";
import { type Condition, keyOf } from "@xebec/model-resources";
import { meaningMark, type PublishedConfig } from "@xebec/platform-local";
import { objectName } from "./object-name.ts";
import { nackOf, type ProxySync, syncCell, XDS_TYPES } from "./proxy-sync.ts";
import type { InputObject } from "./read-input.ts";

/** How long a command waits for its change, in milliseconds. */
export const WAIT_MS = 5_000;
/** Between two looks, in milliseconds. Proxies that are the same twice have what there is. */
const POLL_MS = 100;

/** What the mesh shall say when a change has arrived: the mark of each object, undefined for one that shall be gone. */
export type Wanted = ReadonlyMap<string, string | undefined>;

/** Asks the supervisor; throws XebecError unavailable when it does not answer. */
export type Ask = <T>(path: "/published" | "/proxies?strict" | "/conditions") => Promise<T>;

/** Refusals of proxies, each as `PROXY refuses its ROUTES` with the error behind it. */
export type Refusals = ReadonlyMap<string, string>;

/** What proxies refuse now; nothing when that cannot be told. To be asked before a change, whose fault it then is not. */
export async function refusalsNow(ask: Ask): Promise<Refusals> {
  try {
    return refusalsOf(await ask<ProxySync[]>("/proxies?strict"));
  } catch (error) {
    if (!isXebecError(error)) throw error;
    return new Map();
  }
}

function refusalsOf(proxies: readonly ProxySync[]): Refusals {
  return new Map(
    proxies.flatMap((proxy) =>
      XDS_TYPES.flatMap((type): [string, string][] => {
        const error = nackOf(proxy, type);
        return error ? [[`${proxy.proxy} refuses its ${type}s`, error]] : [];
      }),
    ),
  );
}

/** What was applied, as galley will publish it; objects that are not galley's are left out. */
export function wantedOf(objects: readonly InputObject[], gone = false): Wanted {
  return new Map(
    objects.flatMap((object): [string, string | undefined][] => {
      const result = validateObject(object);
      if (result.outcome !== "accepted") return [];
      return [[keyOf(result.resource), gone ? undefined : meaningMark(result.resource)]];
    }),
  );
}

/**
 * Waits until galley has published a change and every connected proxy has accepted what pilot makes of it.
 * @param before what proxies refused already
 * @returns why that is not known or not so, a clause; empty when the change is in effect
 */
export async function waitForEffect(
  wanted: Wanted,
  ask: Ask,
  limitMs = WAIT_MS,
  before: Refusals = new Map(),
): Promise<string> {
  const until = performance.now() + limitMs;
  try {
    const open = await waitForPublication(wanted, ask, until);
    if (open) return open;
    return (await waitForProxies(ask, until, before)) || (await partsWithoutEffect(wanted, ask));
  } catch (error) {
    if (!isXebecError(error)) throw error;
    return `it cannot be told whether it is in effect: ${error.message}`;
  }
}

async function waitForPublication(wanted: Wanted, ask: Ask, until: number): Promise<string> {
  for (;;) {
    const { known, marks } = await ask<PublishedConfig>("/published");
    const open = [...wanted].filter(([key, mark]) => marks[key] !== mark).map(([key]) => key);
    if (known && open.length === 0) return "";
    if (performance.now() > until) {
      if (!known) return 'it cannot be told whether galley has published it; see "npx xebec check"';
      // Asked only now: what was refused before this change may be told for a moment longer.
      const conditions = await ask<Condition[]>("/conditions");
      const refused = conditions.find(
        (each) => each.consumer === "galley" && each.state === "rejected" && open.includes(each.object),
      );
      if (refused) return `galley refuses ${objectName(refused.object)}: ${refused.message}`;
      return `galley has not published ${open.map(objectName).join(", ")} yet; "npx xebec status" says why`;
    }
    await sleep(POLL_MS);
  }
}

/** What an object that was applied says and nothing comes of. */
async function partsWithoutEffect(wanted: Wanted, ask: Ask): Promise<string> {
  const applied = [...wanted].filter(([, mark]) => mark !== undefined).map(([key]) => key);
  const told = (await ask<Condition[]>("/conditions")).filter(
    (each) => applied.includes(each.object) && (each.state === "ignored" || each.reason === "PartlyResolved"),
  );
  if (told.length === 0) return "";
  const texts = new Set(told.map((each) => `${objectName(each.object)}: ${each.message}`));
  return `not all of it has an effect:\n${[...texts].map((each) => `  ${each}`).join("\n")}`;
}

async function waitForProxies(ask: Ask, until: number, earlier: Refusals): Promise<string> {
  let before = "";
  for (;;) {
    const proxies = await ask<ProxySync[]>("/proxies?strict");
    const nacked = [...refusalsOf(proxies)].filter(([who, error]) => earlier.get(who) !== error).map(([who]) => who);
    const late = proxies.filter((proxy) => XDS_TYPES.some((type) => syncCell(proxy, type) === "STALE"));
    const now = JSON.stringify(proxies);
    // Pilot answers in the order of what reaches it; a second look that is the same has what was published before the first.
    if (now === before && (late.length === 0 || nacked.length > 0))
      return nacked.length > 0 ? `${nacked.join(", ")}; "npx xebec check" says why` : "";
    if (performance.now() > until)
      return `not every proxy has accepted it yet (${late.map((each) => each.proxy).join(", ") || "there is more to come"}); see "npx xebec proxy-status"`;
    before = now;
    await sleep(POLL_MS);
  }
}
