/** The names that a proxy requested. Proxies that requested the same names share one object. */
export interface NameSet {
  readonly key: string;
  readonly names: readonly string[];
}

export const NO_NAMES: NameSet = { key: "", names: [] };
