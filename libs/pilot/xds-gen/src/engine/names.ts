/** The names that a proxy asked for; one object for all proxies that asked for the same. */
export interface NameSet {
  readonly key: string;
  readonly names: readonly string[];
}

export const NO_NAMES: NameSet = { key: "", names: [] };
