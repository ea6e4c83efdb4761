import type { KeptGroup } from "@xebec/mixer-sdk";
import { type MetricInfo, metricName } from "./config.ts";
import { Family, signatureOf } from "./family.ts";

interface Claimed {
  readonly family: Family;
  users: number;
}

/**
 * The metrics of all handlers. A metric keeps its series while its configuration stays the same, whichever handler has it.
 * While handlers are exchanged the old and the new ones live side by side: of two metrics with one name the newer one is
 * shown, and the older one is back when the newer one goes first.
 */
export class FamilyRegistry {
  /** By name; the last one is shown. */
  readonly #families = new Map<string, Claimed[]>();
  readonly #keep: ((group: string) => KeptGroup) | undefined;

  /** @param keep gives what outlasts the process, by a metric's configuration */
  constructor(keep?: (group: string) => KeptGroup) {
    this.#keep = keep;
  }

  /** A use of a metric, until `release`. That no two handlers of one configuration differ in it was checked before. */
  claim(info: MetricInfo, now: number): Family {
    const name = metricName(info);
    const signature = signatureOf(info);
    const known = this.#families.get(name) ?? [];
    let same = known.find((each) => each.family.signature === signature);
    if (!same) {
      same = { family: new Family(info, this.#keep), users: 0 };
      same.family.restore(now);
    }
    same.users++;
    this.#families.set(name, [...known.filter((each) => each !== same), same]);
    return same.family;
  }

  release(family: Family): void {
    const known = this.#families.get(family.name) ?? [];
    const claimed = known.find((each) => each.family === family);
    if (!claimed || --claimed.users > 0) return;
    family.release();
    const others = known.filter((each) => each !== claimed);
    if (others.length > 0) this.#families.set(family.name, others);
    else this.#families.delete(family.name);
  }

  text(): string {
    const out: string[] = [];
    for (const known of this.#families.values()) {
      const shown = known.at(-1)?.family;
      if (shown && shown.size > 0) shown.write(out);
    }
    return out.join("");
  }
}
