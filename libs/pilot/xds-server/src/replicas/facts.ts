import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { ConfigPosition } from "@xebec/model-resources";
import type { ConnectedSidecar, InUse } from "@xebec/pilot-snapshot";
import type { Nack } from "../server/nacks.ts";

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const MAX_BYTES = 64 << 20;

/** What the proxies of one copy of pilot say of objects, and how far that copy has come. */
export interface ReplicaFacts {
  /** Undefined before anything was applied. */
  readonly position: ConfigPosition | undefined;
  /** Labels of the routers that are connected. */
  readonly routers: readonly Readonly<Record<string, string>>[];
  /** Who rejects what, by the key of the object. */
  readonly nacks: ReadonlyMap<string, Nack>;
  /** Undefined while it is not known. */
  readonly use: InUse | undefined;
}

/**
 * What all copies say together.
 * @returns the position is the one that all of them have reached; undefined when one has reached none, or they read different stores
 */
export function mergedFacts(all: readonly ReplicaFacts[]): ReplicaFacts {
  const [first] = all;
  if (first && all.length === 1) return first;
  const nacks = new Map<string, Nack>();
  for (const each of all)
    for (const [key, nack] of each.nacks) {
      const { proxy, message, count, of } = nacks.get(key) ?? { ...nack, count: 0, of: 0 };
      nacks.set(key, { proxy, message, count: count + nack.count, of: of + nack.of });
    }
  return {
    position: slowest(all.map((each) => each.position)),
    routers: all.flatMap((each) => each.routers),
    nacks,
    use: usedByAny(all.flatMap(({ use }) => use ?? [])),
  };
}

function slowest(positions: readonly (ConfigPosition | undefined)[]): ConfigPosition | undefined {
  const [first] = positions;
  if (!first || positions.some((each) => each?.incarnation !== first.incarnation)) return undefined;
  const { incarnation } = first;
  const revisions = Object.keys(first.revisions).map(
    (source) => [source, Math.min(...positions.map((each) => each?.revisions[source] ?? 0))] as const,
  );
  return { incarnation, revisions: Object.fromEntries(revisions) };
}

function usedByAny(uses: readonly InUse[]): InUse | undefined {
  if (uses.length === 0) return undefined;
  const remarks = new Map<string, Set<string>>();
  for (const use of uses)
    for (const [key, texts] of use.remarks ?? []) {
      const known = remarks.get(key) ?? new Set();
      for (const each of texts) known.add(each);
      remarks.set(key, known);
    }
  return {
    configKeys: new Set(uses.flatMap((each) => [...each.configKeys])),
    sidecars: uses.flatMap((each) => each.sidecars),
    patches: new Set(uses.flatMap((each) => [...(each.patches ?? [])])),
    remarks: new Map([...remarks].map(([key, texts]) => [key, new Set([...texts].sort())])),
  };
}

/** A message of the bus: JSON, compressed. @param replica whose facts they are */
export async function encodeFacts(
  replica: string,
  { position, routers, nacks, use }: ReplicaFacts,
): Promise<Uint8Array> {
  const sidecars = use?.sidecars.map(({ ports, ...each }) => ({ ...each, ...(ports ? { ports: [...ports] } : {}) }));
  const used = use && {
    configKeys: [...use.configKeys],
    patches: [...(use.patches ?? [])],
    remarks: [...(use.remarks ?? [])].map(([key, texts]) => [key, [...texts]]),
    sidecars,
  };
  return compress(Buffer.from(JSON.stringify({ replica, position, routers, nacks: [...nacks], use: used })), {
    level: 1,
  });
}

interface Encoded {
  readonly replica: string;
  readonly position?: ConfigPosition;
  readonly routers: readonly Readonly<Record<string, string>>[];
  readonly nacks: readonly (readonly [string, Nack])[];
  readonly use?: {
    readonly configKeys: readonly string[];
    readonly patches: readonly string[];
    readonly remarks: readonly (readonly [string, readonly string[]])[];
    readonly sidecars: readonly (Omit<ConnectedSidecar, "ports"> & { readonly ports?: readonly number[] })[];
  };
}

/** @throws Error when the bytes are none */
export async function decodeFacts(bytes: Uint8Array): Promise<ReplicaFacts & { readonly replica: string }> {
  const text = await decompress(bytes, { maxOutputLength: MAX_BYTES });
  const { replica, position, routers, nacks, use } = JSON.parse(text.toString("utf8")) as Encoded;
  return {
    ...{ replica, position, routers, nacks: new Map(nacks) },
    use: use && {
      configKeys: new Set(use.configKeys),
      patches: new Set(use.patches),
      remarks: new Map(use.remarks.map(([key, texts]) => [key, new Set(texts)])),
      sidecars: use.sidecars.map(({ ports, ...each }) => ({ ...each, ports: ports && new Set(ports) })),
    },
  };
}
