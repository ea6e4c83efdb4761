import { createHash } from "node:crypto";
import { logger } from "@xebec/core-log";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { fileTls } from "@xebec/platform-identity";
import { readRevocations, readRootFile } from "./root-file.ts";
import { encodeKeyPair, encodeRoots, type SdsResource } from "./sds-messages.ts";

/** A secret as Envoy takes it; its version changes when the content does. */
export type EncodedSecret = SdsResource;

/** Secrets by their names. */
export interface Secrets {
  /** Begins to look after a name. @returns false for a name that is never served here */
  want(name: string): boolean;
  /** @returns undefined while it is not there yet */
  get(name: string): EncodedSecret | undefined;
  onChange(changed: () => void): () => void;
  close(): Promise<void>;
}

const log = logger("sds");
const NEVER = new AbortController().signal;
/** Most file secrets that one proxy may ask for. */
const MOST_FILES = 200;
const FILE_LOOK_MS = 500;
const LIST = /^file-crl:([^~]+)~(.+)$/;

/**
 * The secrets of a pod (docs/reference/platform.md §2.3): `default` is the workload's key pair, `ROOTCA` the trusted roots,
 * `file-cert:CERT~KEY` and `file-root:CA` are files of the pod, looked after once they are asked for. `file-crl:CRL~CA` are authorities
 * with their lists of revoked certificates, where CA is a file, `system`, or `ROOTCA`: Envoy reads a list again only when the secret
 * that has it changes.
 */
export function createSecrets(identity: Pick<WorkloadIdentity, "identity" | "onChange">): Secrets {
  const listeners = new Set<() => void>();
  const files = new Map<string, FileSecret>();
  const cache = new Map<string, { from: string; secret: EncodedSecret }>();
  const notify = (): void => {
    for (const changed of [...listeners]) changed();
  };
  const unwatch = identity.onChange(notify);
  const encoded = (name: string, from: string, make: () => EncodedSecret): EncodedSecret => {
    const known = cache.get(name);
    if (known?.from === from) return known.secret;
    const secret = make();
    cache.set(name, { from, secret });
    return secret;
  };
  const openList = (name: string): FileSecret | undefined => {
    const [, path, authority = ""] = LIST.exec(name) ?? [];
    if (path === undefined) return undefined;
    const list = readRevocations(path, FILE_LOOK_MS, notify);
    const file = authority === "ROOTCA" ? undefined : readRootFile(authority, FILE_LOOK_MS, notify);
    return {
      get() {
        const bundle = file ? file.text : identity.identity?.roots;
        const { text: crl } = list;
        // Without its list it is not there: connections fail, and none is trusted that may be revoked.
        if (bundle === undefined || crl === undefined) return undefined;
        return encoded(name, `${bundle}\0${crl}`, () => pack(name, encodeRoots(name, bundle, crl)));
      },
      async close() {
        list.close();
        file?.close();
      },
    };
  };
  return {
    want(name) {
      if (name === "default" || name === "ROOTCA" || files.has(name)) return true;
      if (!name.startsWith("file-") || files.size >= MOST_FILES) return false;
      const file = openList(name) ?? openFile(name, notify);
      if (!file) return false;
      files.set(name, file);
      return true;
    },
    get(name) {
      const current = identity.identity;
      if (name === "default")
        return current && encoded(name, current.key, () => keyPair(name, current.cert, current.key));
      if (name === "ROOTCA") return current && encoded(name, current.roots, () => roots(name, current.roots));
      return files.get(name)?.get();
    },
    onChange(changed) {
      listeners.add(changed);
      return () => {
        listeners.delete(changed);
      };
    },
    async close() {
      unwatch();
      await Promise.all([...files.values()].map((file) => file.close()));
    },
  };
}

interface FileSecret {
  get(): EncodedSecret | undefined;
  close(): Promise<void>;
}

function openFile(name: string, changed: () => void): FileSecret | undefined {
  const root = /^file-root:(.+)$/.exec(name)?.[1];
  if (root !== undefined) {
    const file = readRootFile(root, FILE_LOOK_MS, changed);
    return {
      get: () => (file.text === undefined ? undefined : roots(name, file.text)),
      close: async () => file.close(),
    };
  }
  const [, cert, key] = /^file-cert:([^~]+)~(.+)$/.exec(name) ?? [];
  const tls = fileTls(cert, key, undefined, FILE_LOOK_MS);
  if (!tls) return undefined;
  let ready = false;
  let closed = false;
  const open = async (): Promise<void> => {
    for (let reported = false; !ready && !closed; ) {
      try {
        await tls.start(NEVER);
        ready = true;
        changed();
      } catch (error) {
        if (!reported) log.warn({ err: error, secret: name }, "a file secret is not there yet");
        reported = true;
        await new Promise((resolve) => setTimeout(resolve, FILE_LOOK_MS).unref());
      }
    }
  };
  void open();
  const unwatch = tls.onChange(changed);
  return {
    get() {
      if (!ready) return undefined;
      const { cert: chain, key: privateKey } = tls.current();
      return keyPair(name, chain, privateKey);
    },
    async close() {
      closed = true;
      unwatch();
      await tls.close?.();
    },
  };
}

function keyPair(name: string, chain: string, key: string): EncodedSecret {
  return pack(name, encodeKeyPair(name, chain, key));
}

function roots(name: string, bundle: string): EncodedSecret {
  return pack(name, encodeRoots(name, bundle));
}

function pack(name: string, value: Uint8Array): EncodedSecret {
  return { name, value, version: versionOf(value) };
}

// The version is shown in Envoy's config dump: it must not reveal anything of the key, so it is a hash.
function versionOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
