import { BUCKETS } from "./names.ts";

/**
 * How a bucket is parted. A reader may ask for some parts only: a commit has a hash of each.
 * @returns a function from the key of an entry, without its source, to its part: in the bucket `config` the group and kind
 *   (`networking.istio.io/VirtualService`); undefined for a bucket that is read as a whole
 */
export function partsOf(bucket: string): ((key: string) => string) | undefined {
  return bucket === BUCKETS.config ? groupAndKind : undefined;
}

function groupAndKind(key: string): string {
  const end = key.indexOf("/", key.indexOf("/") + 1);
  return end > 0 ? key.slice(0, end) : "";
}
