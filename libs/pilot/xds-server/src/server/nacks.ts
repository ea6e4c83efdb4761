import type { Connection } from "../connection/connection.ts";

/** A NACK as it came. */
export interface NackReport {
  readonly proxy: string;
  /** The name of the resource type. */
  readonly type: string;
  readonly message: string;
  /** Keys of the configuration objects behind what was rejected; while that is not certain, behind all that may be. */
  readonly configKeys: readonly string[];
}

/** Who rejects an object, and why: the first proxy of so many, among all that are authenticated. */
export interface Nack extends Pick<NackReport, "proxy" | "message"> {
  readonly count: number;
  readonly of: number;
}

/**
 * The configuration objects that some proxy rejects now, by key. Proxies that are not authenticated have no say: anybody could make
 * the whole mesh red.
 */
export function currentNacks(connections: Iterable<Connection>): ReadonlyMap<string, Nack> {
  const found = new Map<string, { proxy: string; message: string; count: number; of: number }>();
  const judges = [...connections].filter((each) => each.authenticated);
  // An agent speaks for its proxy.
  const of = judges.filter(({ ofAgent }) => !ofAgent).length;
  for (const { id, subscriptions } of judges) {
    const own = new Set<string>();
    for (const { quarantine } of subscriptions.values())
      for (const { confirmed, configKeys, message } of quarantine.values())
        for (const key of confirmed ? configKeys : []) {
          const known = found.get(key);
          if (!known) found.set(key, { proxy: id, message, count: 1, of });
          else if (!own.has(key)) known.count++;
          own.add(key);
        }
  }
  return found;
}
